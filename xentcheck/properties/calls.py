"""Laws on the call itself: 21 bad input, 23 purity, 24 determinism."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Violation, law
from xentcheck.targets.outcome import OBSERVATIONS


@law(
    23,
    "purity",
    "A call leaves its inputs, earlier results, the floating-point environment and global seeds alone.",
    sources="Liger-Kernel 343; unsloth 5002; keras 15271; pytorch 17350",
    needs="any",
)
def purity(case: Case) -> Iterator[Violation]:
    """What the process beside the target saw before, during and after the call."""
    for seen in case.answer.outcome.observations:
        yield Violation(OBSERVATIONS[seen], case.batch, got=seen)


@law(
    24,
    "determinism",
    "The same batch gives the same answer again, whatever was asked in between.",
    sources="pytorch 17350; keras 15271; pytorch 111484",
    needs="any",
)
def determinism(case: Case) -> Iterator[Violation]:
    """The batch with its rows reversed and negated in between, then the batch itself again.

    Answers that differ within the allowance are no violation: a legitimate sum may depend on alignment and
    threads. They are observed.
    """
    batch = case.batch
    first = case.answer
    if case.contract.input == "logits" and np.all(np.isfinite(batch.scores.astype(np.float64))):
        case.ask(batch.replace(scores=-batch.scores[::-1], labels=batch.labels[::-1]))
    again = case.ask(batch)
    yield from case.judge(again, "asked a second time")
    for part in case.want:
        one, other = first.numbers(part), again.numbers(part)
        if one is not None and other is not None and one.tobytes() != other.tobytes():
            case.observe(f"the {part} of one and the same batch differs in its last bits from call to call")


INVALID = {
    "label_out_of_range": "a label equal to the number of classes",
    "label_negative": "a label of -1",
    "label_fractional": "a label of 0.5",
    "length_mismatch": "one label fewer than rows",
    "shape_mismatch": "labels of another shape than the scores",
    "labels_not_binary": "one-hot labels with an entry of 0.5",
    "probabilities_not_stochastic": "a row of probabilities that sums to 1.5",
}


def promises_refusal(contract: Contract, kind: str) -> bool:
    """Return whether the contract says what bad input of a kind gives: an exception or a sentinel."""
    declared = contract.invalid
    return declared == "raise" or isinstance(declared, float) or (isinstance(declared, tuple) and kind in declared)


def spoil(batch: Batch, kind: str) -> Batch | None:
    """Return the batch made invalid in the way named, or None where that cannot be done to it."""
    scores, labels = batch.scores, batch.labels
    if batch.n == 0:
        return None
    if batch.label_form == "sparse":
        # In the labels' own dtype if that is a float one; integers may be too narrow for a label of m.
        changed = labels.astype(np.int64 if labels.dtype.kind in "iu" else labels.dtype)
        if kind == "label_out_of_range":
            changed.reshape(-1)[-1] = batch.m
        elif kind == "label_negative":
            changed.reshape(-1)[-1] = -1
        elif kind == "label_fractional":
            # One-dimensional: a column of fractions would be a legitimate soft label of one class.
            fractional = labels.reshape(-1).astype(np.float64)
            fractional[-1] = 0.5
            return batch.replace(labels=fractional)
        elif kind == "length_mismatch" and batch.n > 1:
            return batch.replace(labels=changed[:-1])
        elif kind != "probabilities_not_stochastic":
            return None
        if kind != "probabilities_not_stochastic":
            return batch.replace(labels=changed)
    if kind == "shape_mismatch" and batch.label_form != "sparse" and batch.m > 1:
        return batch.replace(labels=labels[:, :-1])
    if kind == "length_mismatch" and batch.label_form != "sparse" and batch.n > 1:
        return batch.replace(labels=labels[:-1])
    if kind == "labels_not_binary" and batch.label_form == "onehot":
        changed = labels.copy()
        changed[0, 0] = 0.5
        return batch.replace(labels=changed)
    if kind == "probabilities_not_stochastic":
        rows = scores.copy()
        rows[0] = rows[0] * np.asarray(1.5).astype(rows.dtype)
        return batch.replace(scores=rows) if np.any(rows[0].astype(np.float64) > 0) else None
    return None


@law(
    21,
    "bad-input",
    "Bad input raises, or gives the declared sentinel, and never a plausible number.",
    sources="tensorflow 8484, 126005; pytorch 39769, 108148; keras 23664; optax 1185; scikit-learn 24515",
    needs="any",
)
def bad_input(case: Case) -> Iterator[Violation]:
    """One kind of bad input a batch, of those that the contract declares; of the others the answer is observed."""
    declared = case.contract.invalid
    kinds = [kind for kind in INVALID if _meaningful(case, kind)]
    if not kinds:
        return
    kind = kinds[int(case.random("invalid").integers(len(kinds)))]
    spoiled = spoil(case.batch, kind)
    if spoiled is None or not case.allows(case.batch):
        return
    outcome = case.ask(spoiled).outcome
    returned = next((part for part in (outcome.loss, outcome.gradient) if part is not None), None)
    said = f"returns {_shown(returned)}" if outcome.raised is None else f"raises {outcome.raised.kind}"
    promised = promises_refusal(case.contract, kind)
    if outcome.died:
        yield Violation(f"{INVALID[kind]} ends the process: {outcome.died}", spoiled, got=outcome.died)
    elif not promised:
        case.observe(f"{INVALID[kind]}: not declared; the target {said}")
    elif isinstance(declared, float) and returned is not None:
        if not np.all((returned.astype(np.float64) == declared) | np.isnan(returned.astype(np.float64))):
            yield Violation(f"{INVALID[kind]} is answered with a number other than {declared}", spoiled, got=said)
    elif outcome.raised is None:
        yield Violation(f"{INVALID[kind]} is not refused: the target {said}", spoiled, got=said)


def _meaningful(case: Case, kind: str) -> bool:
    """Return whether a kind of bad input exists for the batch's label form and the contract's input."""
    if kind == "probabilities_not_stochastic":
        return case.contract.input == "probabilities" and not case.contract.boundary.normalise
    if kind in ("label_out_of_range", "label_negative", "label_fractional"):
        # A label that is the ignored one is valid.
        return case.batch.label_form == "sparse" and case.contract.ignore_index is None
    if kind == "labels_not_binary":
        return case.batch.label_form == "onehot" and "soft" not in case.contract.labels
    return kind == "length_mismatch" or case.batch.label_form != "sparse"


def _shown(returned: np.ndarray | None) -> str:
    if returned is None:
        return "nothing"
    numbers = np.asarray(returned).astype(np.float64)
    kind = "nan" if np.isnan(numbers).any() else "an infinite number" if np.isinf(numbers).any() else "a finite number"
    return kind if returned.ndim == 0 else f"an array with {kind}"
