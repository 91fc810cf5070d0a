"""Pairs of batches that a target which remembers answers may take for one another, by what they have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.validity import objection
from xentcheck.properties.case import Case
from xentcheck.truth.formats import FORMATS

Twin = tuple[Batch, str]
AFTER = "asked after a batch of "
"""How the title of what is wrong with the second of two begins; what they have in common follows."""
SENSIBLE = 2.0**20
"""The largest size of logits that bytes of another dtype may come to: beyond it they tell little."""
PRINTED = 1000
"""The number of entries beyond which numpy prints the first and last three of each axis alone."""
SIZES = (range(1, 257), range(PRINTED + 1, 2 * PRINTED))
"""The numbers of entries of which a batch has twins: the mistake lies in what is looked up, and not in sizes."""
NOT_PRINTED = 2.0**-31
"""What numpy's eight printed digits do not show."""
NEARBY = 1 + 2.0**-5
"""The factor of logits from a batch to another one near it: the bytes of readable numbers still have zeros."""
HARDLY = 1 + 2.0**-7
"""The factor of logits from there to one that has nothing in common with a twin."""
_HALF = {"int64": np.int32, "int32": np.int16, "int16": np.int8}
"""The signed integers of which two have the bytes of one."""


def twins(case: Case) -> tuple[Batch, Twin] | None:
    """Return a batch near that of the case, and its twin with what they have in common; one of those there are.

    That the batch of the case is answered rightly, and one so near it wrongly after its twin, shows that the twin
    matters. Twins of the same bytes come first, since few batches have one.
    """
    near = _near(case)
    if near is None:
        return None
    found = [one for one in _of_the_same_bytes(case, near) if _is_admitted(case, one[0])]
    found = found or [one for one in _of_the_same_scores(case, near) if _is_admitted(case, one[0])]
    return (near, found[int(case.random("twins").integers(len(found)))]) if found else None


def unlike(case: Case, near: Batch) -> Iterator[Batch]:
    """Yield batches that have nothing in common with a twin and are answered as wrongly if the twin does not matter."""
    batches = [near.rows(np.repeat(np.arange(near.n), 2))] if case.may_compile else []
    if case.contract.input == "logits":
        with np.errstate(all="ignore"):
            batches.append(near.replace(scores=(near.scores * HARDLY).astype(near.scores.dtype)))
    for one in batches:
        if one.scores.tobytes() != near.scores.tobytes() and _is_admitted(case, one):
            yield one


def _is_admitted(case: Case, batch: Batch) -> bool:
    return case.allows(batch) and not objection(InputSpace(case.contract, batch.dtype, batch.label_form), batch)


def _near(case: Case) -> Batch | None:
    """Return a batch that nobody has asked about: logits a little larger; else the classes in another order."""
    batch, contract = case.batch, case.contract
    if batch.m < 2 or not any(batch.scores.size in sizes for sizes in SIZES):
        return None
    with np.errstate(all="ignore"):
        scores = (batch.scores * NEARBY).astype(batch.scores.dtype)
    near = batch.replace(scores=scores, layout="C")
    if contract.input != "logits":
        if contract.class_weights is not None or (batch.label_form == "sparse" and contract.ignore_index is not None):
            return None
        near = moved(case, batch).replace(scores=np.roll(batch.scores, 1, axis=1), layout="C")
    return near if near.scores.tobytes() != batch.scores.tobytes() and _is_admitted(case, near) else None


def _of_the_same_bytes(case: Case, batch: Batch) -> Iterator[Twin]:
    """Yield logits of the same bytes in another dtype and shape, and labels of the same values or bytes.

    numpy's `tobytes` tells neither dtype nor shape.
    """
    contract, shaped = case.contract, {"class_weights", "row_weights"} & {*batch.options}
    if (
        contract.input != "logits"
        or batch.label_form != "sparse"
        or shaped
        or isinstance(contract.class_weights, tuple)
    ):
        return
    if case.capabilities.expensive_shapes:
        return
    for dtype in contract.dtypes:
        other = FORMATS[dtype].dtype
        if dtype != batch.dtype and batch.m * batch.scores.itemsize % other.itemsize == 0:
            scores = np.ascontiguousarray(batch.scores).view(other)
            with np.errstate(all="ignore"):
                sensible = np.abs(scores.astype(np.float64)).max(initial=0.0) <= SENSIBLE
            if sensible:
                yield batch.replace(scores=scores), f"the same bytes in {dtype}"
    half = _HALF.get(batch.labels.dtype.name)
    promised = contract.promised_sparse_dtypes(batch.dtype)
    if half is not None and np.dtype(half).name in promised and batch.m % 2 == 0 and batch.labels.ndim == 1:
        scores = batch.scores.reshape(2 * batch.n, batch.m // 2)
        labels = np.ascontiguousarray(batch.labels).view(half)
        yield batch.replace(scores=scores, labels=labels), f"the same bytes in the shape {scores.shape}"


def _of_the_same_scores(case: Case, batch: Batch) -> Iterator[Twin]:
    """Yield the same scores with other labels, and other scores that numpy prints alike."""
    if not case.contract.is_entropy:
        yield moved(case, batch), "the same scores with other labels"
    if case.contract.input == "logits":
        scores = batch.scores.copy()
        with np.errstate(all="ignore"):
            if scores.size > PRINTED:
                scores[tuple(slice(3, -3) if count > 6 else slice(None) for count in scores.shape)] *= 0.5
            elif batch.dtype == "float64":
                scores[:, ::2] += NOT_PRINTED
        if scores.tobytes() != batch.scores.tobytes():
            yield batch.replace(scores=scores), "scores that are printed alike"


def moved(case: Case, batch: Batch) -> Batch:
    """Return a batch with each label moved to the next class; ignored rows stay ignored."""
    if batch.label_form != "sparse":
        return batch.replace(labels=np.roll(batch.labels, 1, axis=1))
    labels: NDArray[Any] = batch.labels.astype(np.int64)
    ignored = labels == case.contract.value_in("ignore_index", batch.options)
    labels = np.where(ignored, labels, (labels + 1) % batch.m)
    return batch.replace(labels=labels.astype(batch.labels.dtype))
