"""Whether rows may lie along several axes, and where the classes are then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.extra_axes import row_sizes, spread
from xentcheck.probing.answers import rows_for
from xentcheck.probing.compare import answered
from xentcheck.probing.inference import Inference
from xentcheck.probing.options import weights_that_show
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import idle

_MOST = 3


def find_axes(questions: Questions, inference: Inference) -> None:
    """Tell how many axes there may be beside rows and classes, and the axis of the classes that this shows."""
    before = questions.contract
    alone = before.extra_axes == (0,)  # with rows alone the last axis is axis 1, too
    words: dict[int, str] = {}
    for axis in (-1, 1) if alone and before.axis == -1 else (before.axis,):
        # Where each shape is compiled, the gradient is asked for along most axes, and along fewer if that is wrong.
        parts = questions.parts[:1] if questions.description.expensive_shapes else questions.parts
        found, words[axis] = _found_along(questions, axis, before.extra_axes, parts)
        if parts != questions.parts and len(found) > len(before.extra_axes):
            questions.learn(axis=axis, extra_axes=max(found))
            if not _answers(questions, questions.parts)[0]:
                found, words[axis] = _found_along(questions, axis, before.extra_axes, questions.parts)
        questions.learn(axis=before.axis, extra_axes=list(before.extra_axes))
        if len(found) > len(before.extra_axes):
            if axis != before.axis:
                inference.tell("axis", axis, words[axis])
            inference.tell("extra_axes", sorted(found), words[axis])
            return
    if alone:  # else the call has told it
        inference.tell("extra_axes", [0], "; ".join(words.values()))


def _found_along(questions: Questions, axis: int, known: Sequence[int], parts: Sequence[str]) -> tuple[list[int], str]:
    """Return how many axes there may be where some are known, and the evidence in words."""
    found, words = list(known), ""
    for extra in range(1, _MOST + 1):
        if extra in found:
            continue
        questions.learn(axis=axis, extra_axes=extra)
        answers, evidence = _answers(questions, parts)
        words = words if answers and words else evidence
        if answers:
            found.append(extra)
        elif tuple(known) == (0,) and (axis != 1 or extra > 1 or questions.description.expensive_shapes):
            break  # along axis 1 pixels may be taken, where tokens are not
    return found, words


def _answers(questions: Questions, parts: Sequence[str]) -> tuple[bool, str]:
    """Return whether rows along the declared axes are answered as they should be, and the evidence in words."""
    (extra,) = questions.contract.extra_axes
    batch = _uneven(questions, rows_for(extra, questions.m))
    questions.ask_all([batch], *parts)
    odd = next((part for part in parts if not questions.agrees(batch, part)), None)
    what = f"scores of shape {_shape(questions, batch)}{_with_options(batch)}"
    if odd is None:
        return True, f"{what} are answered with {questions.came(batch)}, as {batch.n} rows are"
    expected = answered(questions.predict(batch, odd)) if odd == "loss" else f"that of {batch.n} rows"
    return False, f"{what}: the {odd} is {questions.came(batch, odd)}, and not {expected}"


def _uneven(questions: Questions, n: int) -> Batch:
    """Return rows of which the first counts otherwise than the others, where that is what a mean is over.

    A mean of the means along an axis is the mean of all rows only where as much counts in each of them. Labels that are
    rows of numbers are alike in two rows that lie along one of the axes: what normalises them along it leaves no others
    as they are.
    """
    contract = questions.contract
    labels = np.sort(np.resize(np.arange(questions.m), n))
    if contract.reduction == "mean" and contract.mean_over != "rows":
        if "row_weights" in contract.arguments:
            first = 3.0 if contract.row_weights_as == "numbers" else 0.0
            return questions.batch(questions.rows(n), labels, row_weights=[first, *[1.0] * (n - 1)])
        if "class_weights" in contract.arguments and contract.mean_over == "weights":
            return questions.batch(questions.rows(n), labels, class_weights=weights_that_show(questions))
        if contract.ignore_index is not None and questions.form == "sparse":
            label, option = questions.ignored()
            labels = np.where(np.arange(n) > 0, 1 - (label == 1), label)
            return questions.batch(questions.rows(n), labels, **option)
    return questions.plain(n) if questions.form == "sparse" else questions.batch(questions.rows(n), labels)


def _with_options(batch: Batch) -> str:
    given = [key for key, value in batch.options.items() if not idle(key, value)]
    return f" with {' and '.join(given)}" if given else ""


def _shape(questions: Questions, batch: Batch) -> tuple[int, ...]:
    sizes = row_sizes(questions.contract.extra_axes, batch.n, batch.m)
    return spread(batch.scores, sizes, questions.contract.axis).shape
