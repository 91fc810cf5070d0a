"""What becomes of scores that are not finite, and of bad input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract.declaration import INVALID_KINDS
from xentcheck.contract.keys_promises import EXCLUSIVE_OPTIONS, OFF_LABEL
from xentcheck.probing.asking import HangError
from xentcheck.probing.compare import answered
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said
from xentcheck.properties.spoiling import meaningful_kind, spoil, together

_WAYS = 12


def find_nonfinite(questions: Questions, inference: Inference) -> None:
    """Tell which logits that are not finite are handled as their limit, by loss and gradient."""
    if questions.contract.input != "logits":
        inference.cannot_tell("nonfinite", "the scores are no logits.")
        return
    found, words = [], []
    for kind in ("-inf", "+inf", "nan"):
        odd = next(_disagreements(questions, float(kind)), None)
        if odd is None:
            found.append(kind)
            words.append(f"{kind} is handled as its limit")
        else:
            beside = kind == "-inf" and not questions.contract.is_entropy
            if beside and not any(_disagreements(questions, float(kind), off_label=True)):
                found.append(OFF_LABEL)
                words.append(f"{OFF_LABEL} is a class that is not there")
            batch, part = odd
            expected = answered(questions.predict(batch, part))
            refused = questions.numbers(batch, part) is None and questions.ask(batch, part).raised is not None
            came = (
                f"is refused ({said(questions.ask(batch, part))})" if refused else f"is {questions.came(batch, part)}"
            )
            words.append(f"{kind}: of {questions.shown(batch)} the {part} {came}, and {expected} in the limit")
    questions.learn(nonfinite=found)
    inference.tell("nonfinite", found, "; ".join(words))


def _infinite(questions: Questions, value: float, off_label: bool) -> list[Batch]:
    """Return rows with such a score beside the label, at it, in all places, and in a row that is ignored."""
    batches = []
    for form in questions.contract.labels:
        for places in ([0],) if off_label else ([0], [1], list(range(questions.m))):
            rows = questions.rows(2)
            rows[0, places] = value
            batches.append(questions.batch(rows, questions.labels(2), form=form))
            beside = places == [0]
            if beside and "label_smoothing" in questions.contract.arguments and not off_label:  # a share of every class
                batches.append(questions.batch(rows, questions.labels(2), form=form, label_smoothing=0.5))
    rows = questions.rows(2)
    rows[0, :2] = value
    if (
        "row_weights" in questions.contract.arguments
    ):  # such a row may be -inf where its label is, since that does not count
        batches.append(questions.batch(rows, questions.labels(2), row_weights=(0.0, 1.0)))
    ignored = questions.contract.ignore_index
    if ignored is not None and questions.form == "sparse":
        label, option = questions.ignored()
        rows[0, label if 0 <= label < questions.m else 0] = value
        whole = rows.copy()
        whole[0] = value  # whatever the scores of a row that does not count hold
        batches += [questions.batch(one, (label, 1 if label == 0 else 0), **option) for one in (rows, whole)]
    return batches


def _disagreements(questions: Questions, value: float, off_label: bool = False) -> Iterator[tuple[Batch, str]]:
    """Yield batches with such a score whose loss or gradient is not that of the limit, and which of the two."""
    for batch in _infinite(questions, value, off_label):
        questions.ask_all([batch], *questions.parts)
        for part in questions.parts:
            if not questions.agrees(batch, part):
                yield batch, part


def find_invalid(questions: Questions, inference: Inference) -> None:
    """Tell which kinds of bad input raise, or that one number stands for all of them."""
    raising, hung, words = [], [], []
    kinds = [kind for kind in INVALID_KINDS if any(_bad(questions, kind))]
    for kind in kinds:
        try:
            let_pass = _let_pass(questions, _bad(questions, kind))
        except HangError as error:
            words.append(f"{kind}: {str(error).partition(';')[0]}")
            hung.append(kind)
            continue
        if let_pass is None:
            raising.append(kind)
            words.append(f"{kind} raises")
        else:
            words.append(f"{kind}: {said(questions.ask(*let_pass), let_pass[1])}")
    if not kinds:
        return  # of an entropy of logits
    sentinel = None if raising or hung else _sentinel(questions, kinds)
    declared: Any = raising
    if sentinel is not None:
        declared = {"returns": sentinel}
        words = [f"{', '.join(kinds)} are all answered with {sentinel:g}"]
    elif not raising:
        declared = "unspecified"
    elif raising == kinds:
        declared = "raise"
    inference.tell("invalid", declared, "; ".join(words))


def _let_pass(questions: Questions, batches: list[Batch]) -> tuple[Batch, str] | None:
    """Return the first bad batch of which loss or gradient does not raise, and which of the two; None where all do.

    The plainest one is asked about first, since one that passes is enough; the others in one message for each part.
    """
    for some in (batches[:1], batches[1:]):
        for part in questions.parts:
            questions.ask_all(some, part)
            for batch in some:
                outcome = questions.ask(batch, part)
                if outcome.died:  # which one-hot rows would do again
                    return batch, part
                passes = outcome.raised is None or outcome.raised.call == "convert"
                if passes and not _understood(questions, batch):
                    return batch, part
    return None


def _bad(questions: Questions, kind: str, sizes: tuple[int, ...] = ()) -> list[Batch]:
    """Return ordinary batches spoiled in one kind, for each form of labels, each size and in several ways.

    A single row is among them, since a row of labels for it is broadcast where for more rows shapes do not fit; and
    where it is the shape that is bad, as many rows as classes.
    """
    sizes = sizes or ((1, 2, 3) if kind in ("length_mismatch", "shape_mismatch") else (1, 2))
    ignored = questions.contract.ignore_index
    label = ignored if isinstance(ignored, int) else None if ignored is None else -100
    found = []
    for form in questions.contract.labels:
        if meaningful_kind(questions.contract, form, kind):
            batches = [questions.plain(n, form=form) for n in sizes]
            if form != "sparse" and "int64" in questions.contract.promised_dense_dtypes:  # which may pass for classes
                batches += [batch.replace(labels=batch.labels.astype(np.int64)) for batch in batches]
            if label is not None and form == "sparse":
                batches += [questions.batch(questions.rows(n), (label,) * n) for n in sizes]
            ways = [(batch, way) for batch in batches for way in range(_WAYS)]
            if kind == EXCLUSIVE_OPTIONS:
                made = [together(questions.contract, batch, way) for batch, way in ways]
            else:
                made = [spoil(batch, kind, way, label) for batch, way in ways]
            found += [one[0] for one in made if one is not None]
    return found


def _understood(questions: Questions, batch: Batch) -> bool:
    """Return whether one-hot rows in place of sparse labels are answered as one-hot labels."""
    if batch.label_form != "sparse" or batch.labels.shape != batch.scores.shape:
        return False
    return questions.agrees(batch.replace(label_form="onehot"))


def _sentinel(questions: Questions, kinds: list[str]) -> float | None:
    """Return the one number that all bad input is answered with, in a row alone where losses are not reduced.

    A sentinel is what is returned: of log-probabilities, too, its sign is not turned.
    """
    if questions.part != "loss":
        return None
    found: list[float] = []
    for kind in kinds:
        rows = (1,) if questions.contract.reduction == "none" and kind != "length_mismatch" else (2,)
        for batch in _bad(questions, kind, rows):
            got = questions.numbers(batch)
            if got is None or not got.size:
                return None
            found += (questions.contract.sign * got).reshape(-1).tolist()
            if any(value != found[0] and not (np.isnan(value) and np.isnan(found[0])) for value in found):
                return None
    return float(found[0]) if found and not np.isinf(found[0]) else None
