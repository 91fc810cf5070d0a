"""What a gradient is of where a boundary is at work: told by probabilities of the size of its constant."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract.keys_promises import AT_CLIPPED
from xentcheck.probing.boundary_rows import impossible, rare
from xentcheck.probing.compare import answered
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import shown
from xentcheck.truth.formats import FORMATS


def conclude(questions: Questions, inference: Inference, fits: list[Any], evidence: str) -> None:
    """Take the plainest of the conventions that explain a gradient, of those that the rim leaves where a boundary is.

    What the rim tells apart comes first, all of it.
    """
    if len(fits) > 1 and not questions.contract.boundary.exact:
        for alike in _rim(questions):
            told = False
            for near in alike:
                more, words = questions.choose(near, fits, "gradient")
                if more:
                    fits, evidence, told = list(more), f"{evidence}; {words}", True
            if not told:
                _note_unexplained(questions, inference, fits, alike[-1])
    if len({AT_CLIPPED, "ideal"} & {one.get("gradient_of") for one in fits}) == 2:
        fits, words = _at_what_is_not_there(questions, fits)
        evidence = f"{evidence}; {words}" if words else evidence
    chosen = dict(fits[0])
    questions.learn(**chosen)
    for key in ("gradient_wrt", "gradient_of", "gradient_reduction"):
        if key in chosen:
            also = tuple(dict.fromkeys(one[key] for one in fits if one[key] != chosen[key]))
            what = chosen[key] or f"{questions.contract.reduction} (that of the loss)"
            inference.tell(key, chosen[key], f"{evidence}, as {what} gives", also)


def _note_unexplained(questions: Questions, inference: Inference, fits: list[Any], near: Batch) -> None:
    """Say what the gradient is where a boundary is at work, if it is a number and of no convention."""
    got = questions.numbers(near, "gradient")
    if got is None or not np.all(np.isfinite(got)):
        return
    named = {
        "loss": "the derivative of the loss",
        "ideal": "that of the loss without its boundary",
        AT_CLIPPED: "that, taken at the clipped p",
    }
    expected = " and ".join(
        f"{named[one['gradient_of']]} {answered(questions.predict(near, 'gradient', **one))}" for one in fits
    )
    inference.notes.append(
        f"Where the boundary is at work the gradient is explained by no convention: {shown(near)}: {answered(got)}, "
        f"where {expected} is expected."
    )


def _at_what_is_not_there(questions: Questions, fits: list[Any]) -> tuple[list[Any], str]:
    """Return the conventions that say whether the gradient is taken at the clipped p: by a class of probability 0.

    It is no label there: the gradient by the logits is 0 or as much as the clip's lower limit, however little that is.
    """
    batch = impossible(questions, questions.dtype)
    labels = [int(np.argmax(batch.scores[0]))]
    batch = questions.batch(batch.scores, labels)
    got = questions.numbers(batch, "gradient")
    if got is None or got.size != batch.m:
        return fits, ""
    place = (labels[0] + 1) % batch.m
    low = next(
        questions.predict(batch, "gradient", **one).reshape(-1)[place]
        for one in fits
        if one["gradient_of"] == AT_CLIPPED
    )
    clipped = bool(low > 0.0 and abs(got.reshape(-1)[place] - low) < 0.5 * low)
    kept = [one for one in fits if (one["gradient_of"] == AT_CLIPPED) == clipped]
    return kept, f"{shown(batch)}: {answered(got)}"


def _rim(questions: Questions) -> list[list[Batch]]:
    """Return rows whose label has a probability of the size of the boundary's constant: those below it, those above."""
    boundary = questions.contract.boundary.read_in(FORMATS[questions.dtype].eps)
    low = boundary.add if boundary.add is not None else boundary.clip[0] if boundary.clip is not None else 0.0
    label, other = rare(questions)
    batches: list[list[Batch]] = []
    for share in (0.5, 2.0):
        p = np.zeros((1, questions.m))
        p[0, [other, label]] = 1.0 - share * low, share * low
        batches.append([])
        if questions.contract.input == "probabilities":
            batches[-1].append(questions.batch(p, [label]))
            if low:  # where p is 0 beside the label, 0 / 0 may be all that comes back
                p[0] = share * low
                p[0, other] = 1.0 - (questions.m - 1) * share * low
                batches[-1].append(questions.batch(p, [label]))
        else:
            logits = np.full((1, questions.m), -700.0)
            logits[0, [other, label]] = 0.0, np.log(share * low) if low else -700.0
            batches[-1].append(questions.batch(logits, [label]))
    return batches
