"""The options that the contract declares as arguments of the target's call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.numbers import Floats
from xentcheck.contract.declaration import OPTIONS

_SINGLE = [key for key, option in OPTIONS.items() if option.kind not in ("weights", "rows")]
_BEFORE_WEIGHTS = 4
OPTION_BYTES = _BEFORE_WEIGHTS + 8
"""The bytes from which the options of a batch are made; all 0 gives the plainest ones.

The first four numbers have one each, the weights the rest; further numbers share one with a weight, whose remainder it
gives, and they the quotient, as row weights do. So a new key changes no batch of the others.
"""

_WEIGHTS = (1.0, 2.0, 0.5, 0.0, 3.0, 0.25, 10.0, 0.1, 1.0, 100.0, 1e-3, 1.0, 1e3, 0.7)


def draw_options(
    space: InputSpace, n: int, m: int, codes: NDArray[np.uint8], emphasised: bool = False
) -> dict[str, Any]:
    """Return values of the declared arguments by contract key.

    Parameters
    ----------
    space : InputSpace
    n, m : int
        The numbers of rows and classes.
    codes : ndarray of uint8, shape (OPTION_BYTES,)
    emphasised : bool
        Whether the family asks for unusual options: no option is left at its plain value.

    Returns
    -------
    dict
        ``class_weights``: ndarray of shape (m,) in the dtype of the scores, of sizes from 0 to 1000, ``row_weights``:
        such an array of shape (n,), or a mask; of the others one of the values that their records list.
    """
    options: dict[str, Any] = {}
    for key, option in OPTIONS.items():
        if not space.drawn(key):
            continue
        if option.kind == "weights":
            options[key] = _class_weights(space, m, codes[_BEFORE_WEIGHTS:])
            continue
        if option.kind == "rows":
            options[key] = as_row_weights(space, _weights(n, codes[_BEFORE_WEIGHTS:] // len(_WEIGHTS)))
            continue
        values = option.drawn_of(space.contract.drawn[key], space.at(m))
        if space.few_graphs:
            values = values[:2]
        place = _SINGLE.index(key)
        code = int(codes[place]) // (1 if place < _BEFORE_WEIGHTS else len(_WEIGHTS))
        options[key] = values[code % len(values) or int(emphasised and option.kind == "number")]
    return admitted(space, m, options, int(codes.sum()))


def admitted(
    space: InputSpace, m: int, options: dict[str, Any], place: int, needed: Collection[str] = ()
) -> dict[str, Any]:
    """Return the options without what the contract does not admit beside others.

    Parameters
    ----------
    place : int
        By which options that exclude each other take turns in being left out.
    needed : collection of str
        Those that stay where another one can be left out.
    """
    for group in space.exclusive:
        if options.keys() >= set(group):
            place, turn = divmod(place, len(group))
            order = sorted(group[turn:] + group[:turn], key=lambda name: name in needed)
            del options[order[0]]
    return _without_others(space, m, options)


def _without_others(space: InputSpace, m: int, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options without label smoothing where it has no other class to go to."""
    if "label_smoothing" in options and m == 1 and space.contract.smoothing_over == "others":
        options["label_smoothing"] = 0.0
    return options


def ignore_index(space: InputSpace, options: Mapping[str, Any]) -> int | None:
    """Return the label of ignored rows, drawn or constant; None where nothing is ignored or labels are dense."""
    if space.label_form != "sparse":
        return None
    if space.drawn("ignore_index"):
        index = space.contract.value_in("ignore_index", options)
        return None if index is None else int(index)
    return space.constant_ignore_index


def smoothing(space: InputSpace, options: Mapping[str, Any]) -> float:
    """Return the label smoothing, drawn or constant."""
    return float(space.contract.value_in("label_smoothing", options))


def class_weights(space: InputSpace, options: Mapping[str, Any]) -> Any:
    """Return the class weights, drawn or constant, shape (m,), or None."""
    declared = space.contract.class_weights
    if isinstance(declared, tuple):
        return np.asarray(declared, np.float64)
    return options.get("class_weights")


def as_row_weights(space: InputSpace, weights: Floats) -> NDArray[Any]:
    """Return row weights in the dtype that the contract declares; a mask has ones where they are not 0."""
    kind = space.contract.row_weights_as
    dtype = bool if kind == "bool" else space.format.dtype
    given: NDArray[Any] = (weights if kind == "numbers" else weights != 0).astype(dtype)
    return given


def row_weights(batch: Batch) -> Floats:
    """Return the weight of each row, shape (n,); ones where there are none."""
    given = batch.options.get("row_weights")
    return np.ones(batch.n) if given is None else np.asarray(given).astype(np.float64)


def divisor(space: InputSpace, batch: Batch) -> float:
    """Return the divisor of the mean that the contract declares: rows, rows that count or the sum of weights."""
    contract = space.contract
    index = ignore_index(space, batch.options)
    if contract.mean_over == "rows" or not batch.n:
        return float(batch.n)
    weights = class_weights(space, batch.options) if contract.mean_over == "weights" else None
    weights = np.ones(batch.m) if weights is None else weights.astype(np.float64)
    rows = row_weights(batch)
    rows = rows if contract.mean_over == "weights" else (rows != 0).astype(np.float64)
    if space.label_form != "sparse":
        shares = batch.labels.astype(np.float64) @ weights if contract.mean_over == "weights" else np.ones(batch.n)
        return float((rows * shares).sum())
    labels = batch.labels.reshape(-1).astype(np.int64)
    counts = (labels >= 0) & (labels < batch.m)
    if index is not None:
        counts &= labels != index
    return float((weights[labels[counts]] * rows[counts]).sum())


def _class_weights(space: InputSpace, m: int, codes: NDArray[np.uint8]) -> NDArray[Any]:
    weights = _weights(m, codes)
    if space.contract.signed_weights:
        below = (codes // len(_WEIGHTS)) % 2 == 1
        places = np.arange(m)
        weights = np.where(below[(places + places // codes.size) % codes.size], -weights, weights)
    given: NDArray[Any] = weights.astype(space.format.dtype)
    return given


def _weights(count: int, codes: NDArray[np.uint8]) -> Floats:
    """Return weights of which at least one is positive.

    More classes or rows than codes repeat them, each time one place further, so that no block is like the next.
    """
    palette = np.asarray(_WEIGHTS)
    places = np.arange(count)
    weights: Floats = palette[codes[(places + places // codes.size) % codes.size] % palette.size]
    return weights if weights.any() else np.ones(count)
