"""Law 21: what a contract promises to refuse is refused, by the loss and by the gradient called alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.extra_axes import row_sizes
from xentcheck.contract import Contract
from xentcheck.contract.declaration import INVALID_KINDS
from xentcheck.contract.keys_promises import EXCLUSIVE_OPTIONS
from xentcheck.properties.answer import Answer
from xentcheck.properties.case import Case
from xentcheck.properties.law import Found, Violation, law
from xentcheck.properties.left_open import LeftOpen, returned, said
from xentcheck.properties.spoiling import Spoiled, meaningful_kind, not_finite, spoil, together

_NONFINITE = ("-inf", "+inf", "nan")
_OTHER_NUMBERS = ("label_out_of_range", "label_negative")
"""Where `ignore_index` is left out of the call, the target may ignore a number by its own default, such as -100."""
_SMALL = 4096
"""Up to this many scores a batch is spoiled in every kind promised; a larger one in one kind."""


def promises_refusal(contract: Contract, kind: str) -> bool:
    """Return whether the contract says what bad input of a kind gives: an exception or a sentinel."""
    declared = contract.invalid
    by_number = isinstance(declared, float) and kind != EXCLUSIVE_OPTIONS
    return declared == "raise" or by_number or (isinstance(declared, tuple) and kind in declared)


@law(
    21,
    "bad-input",
    "Bad input raises, or gives the declared sentinel, and never a plausible number.",
    sources="tensorflow 8484, 126005; pytorch 39769, 108148; keras 23664; optax 1185; scikit-learn 24515",
    needs="any",
    idle="the contract promises nothing about bad input",
)
def bad_input(case: Case) -> Iterator[Found]:
    """Each kind of bad input that the contract declares; of what it leaves open, one kind is kept to be tried apart.

    What is declared is tried among valid batches, since a target has to work after it has refused something.
    """
    if not case.allows(case.batch):
        return
    random = case.random("invalid")
    meaningful = [kind for kind in INVALID_KINDS if meaningful_kind(case.contract, case.batch.label_form, kind)]
    promised = [kind for kind in meaningful if promises_refusal(case.contract, kind)]
    if case.batch.scores.size > _SMALL or case.capabilities.expensive_shapes:
        promised = promised[int(random.integers(max(len(promised), 1))) :][:1]
    for kind in promised:
        spoiled = _spoiled(case, kind, int(random.integers(2**16)))
        if spoiled is not None:
            yield _refused(case, kind, *spoiled)
    _leave_open(case, [kind for kind in meaningful if not promises_refusal(case.contract, kind)], random)


def _spoiled(case: Case, kind: str, way: int) -> Spoiled | None:
    """Return the batch made invalid in a kind and what was done, or None where that cannot be done to it."""
    if kind == EXCLUSIVE_OPTIONS:
        return together(case.contract, case.batch, way)
    if kind in _OTHER_NUMBERS and "ignore_index" in case.contract.arguments.keys() - case.batch.options.keys():
        return None
    return spoil(case.batch, kind, way, case.contract.value_in("ignore_index", case.batch.options))


def _refused(case: Case, kind: str, batch: Batch, what: str) -> Iterable[Violation]:
    """Ask for all parts of the answer to bad input, and for each alone; return what gives the first not refused."""
    one_result = len(case.want) == 1 or isinstance(case.contract.invalid, float)
    wanted = [case.want, *(() if one_result else ((part,) for part in case.want))]
    asked = {want: case.ask(batch, want=want, judged=False) for want in wanted}
    return islice(_not_refused(case, kind, what, asked), 1)


def _not_refused(case: Case, kind: str, what: str, asked: Mapping[tuple[str, ...], Answer]) -> Iterator[Violation]:
    declared = case.contract.invalid
    for want, answer in asked.items():
        batch, outcome = answer.batch, answer.outcome
        part, by = (
            ("", "") if want == case.want else (want[0], f" by the {case.contract.spoken(want[0])}, called alone")
        )
        told, result = said(outcome), returned(outcome)
        # What cannot be read as numbers came back all the same.
        accepted = outcome.raised is None or outcome.raised.call == "convert"
        if case.usable:
            case.looked()  # a refusal by one who refuses valid batches, too, shows nothing
        if outcome.died:
            yield Violation(
                f"{what} ends the process: {outcome.died}", batch, part, got=outcome.died, event=f"{kind}: ended"
            )
        elif isinstance(declared, float):
            if (accepted or result is not None) and not _is_sentinel(case, batch, result, declared):
                other = f"{what} is answered with a number other than {declared}: the target {told}"
                yield Violation(other, batch, part, got=told, event=f"{kind}: accepted")
        elif accepted and not _understood(case, batch, want):
            yield Violation(
                f"{what} is not refused{by}: the target {told}", batch, part, got=told, event=f"{kind}: accepted"
            )


def _is_sentinel(case: Case, batch: Batch, result: NDArray[Any] | None, sentinel: float) -> bool:
    """Return whether an answer to bad input is the sentinel; of losses row by row those of the bad rows are."""
    if result is None or not result.size or result.dtype.kind not in "fiuV":
        return False
    with np.errstate(all="ignore"):
        values = result.astype(np.float64)
    same = (values == sentinel) | (np.isnan(values) & np.isnan(sentinel))
    shape = row_sizes(case.contract.extra_axes, batch.n, batch.m)
    if case.contract.reduction == "none" and result.shape == shape and batch.labels.size == case.batch.labels.size:
        same = same.reshape(-1)[_differ(batch.labels, case.batch.labels) | _differ(batch.scores, case.batch.scores)]
    return bool(same.all())


def _differ(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows of two arrays of one size differ, shape (n,)."""
    rows, others = one.reshape(len(other), -1), other.reshape(len(other), -1)
    unlike: NDArray[np.bool_] = np.any((rows != others) & ((rows == rows) | (others == others)), axis=1)
    return unlike


def _understood(case: Case, batch: Batch, want: tuple[str, ...]) -> bool:
    """Return whether one-hot rows in place of sparse labels are answered rightly: then nothing was mistaken."""
    if batch.label_form != "sparse" or batch.labels.shape != batch.scores.shape or batch.m < 2:
        return False
    answer = case.ask(batch.replace(label_form="onehot"), want=want)
    return all(answer.numbers(part) is not None and answer.violation(part) is None for part in want)


def _leave_open(case: Case, kinds: list[str], random: np.random.Generator) -> None:
    """Keep bad input of one kind, and one score that is not finite."""
    if kinds:
        kind = kinds[int(random.integers(len(kinds)))]
        way = int(random.integers(2**16)) if kind == EXCLUSIVE_OPTIONS else 0
        if (spoiled := _spoiled(case, kind, way)) is not None:
            case.leave_open(LeftOpen(kind, *spoiled))
    # There is no probability below 0.
    scores = [
        kind for kind in _NONFINITE[case.contract.input == "probabilities" :] if kind not in case.contract.nonfinite
    ]
    promised = case.contract.nonfinite_kinds
    if scores:
        kind = scores[int(random.integers(len(scores)))]
        if (changed := not_finite(case.batch, kind, at_label=bool(random.integers(2)) or kind in promised)) is not None:
            what = f"a score of {kind}" if case.contract.is_entropy else changed[1]
            case.leave_open(LeftOpen(what, changed[0], what))
