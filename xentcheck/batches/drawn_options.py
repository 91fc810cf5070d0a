"""The options that the contract declares as arguments of the target's call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.contract.declaration import OPTIONS

_SINGLE = [key for key, option in OPTIONS.items() if option.kind != "weights"]
_BEFORE_WEIGHTS = 4
OPTION_BYTES = _BEFORE_WEIGHTS + 8
"""The bytes from which the options of a batch are made; all 0 gives the plainest ones.

The first four numbers have one each, the weights the rest; further numbers share one with a weight, whose remainder it
gives, and they the quotient. So a new key changes no batch of the others.
"""

_WEIGHTS = (1.0, 2.0, 0.5, 0.0, 3.0, 0.25, 10.0, 0.1, 1.0, 100.0, 1e-3, 1.0, 1e3, 0.7)


def draw_options(space: InputSpace, m: int, codes: NDArray[np.uint8], emphasised: bool = False) -> dict[str, Any]:
    """Return values of the declared arguments by contract key.

    Parameters
    ----------
    space : InputSpace
    m : int
        The number of classes.
    codes : ndarray of uint8, shape (OPTION_BYTES,)
    emphasised : bool
        Whether the family asks for unusual options: no option is left at its plain value.

    Returns
    -------
    dict
        ``class_weights``: ndarray of shape (m,) in the dtype of the scores, from 0 to 1000; of the others one of the
        values that their records list.
    """
    options: dict[str, Any] = {}
    for key, option in OPTIONS.items():
        if not space.drawn(key):
            continue
        if option.kind == "weights":
            options[key] = _class_weights(space, m, codes[_BEFORE_WEIGHTS:])
            continue
        values = option.drawn_of(space.contract.drawn[key], space.at(m))
        place = _SINGLE.index(key)
        code = int(codes[place]) // (1 if place < _BEFORE_WEIGHTS else len(_WEIGHTS))
        options[key] = values[code % len(values) or int(emphasised and option.kind == "number")]
    return without_others(space, m, options)


def without_others(space: InputSpace, m: int, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options without label smoothing where it has no other class to go to."""
    if "label_smoothing" in options and m == 1 and space.contract.smoothing_over == "others":
        options["label_smoothing"] = 0.0
    return options


def ignore_index(space: InputSpace, options: Mapping[str, Any]) -> int | None:
    """Return the label of ignored rows, drawn or constant; None where nothing is ignored or labels are dense."""
    if space.label_form != "sparse":
        return None
    if space.drawn("ignore_index"):
        return int(options["ignore_index"])
    return space.constant_ignore_index


def smoothing(space: InputSpace, options: Mapping[str, Any]) -> float:
    """Return the label smoothing, drawn or constant."""
    declared = space.contract.label_smoothing
    return float(options["label_smoothing"] if space.drawn("label_smoothing") else declared)  # type: ignore[arg-type]


def class_weights(space: InputSpace, options: Mapping[str, Any]) -> Any:
    """Return the class weights, drawn or constant, shape (m,), or None."""
    declared = space.contract.class_weights
    if isinstance(declared, tuple):
        return np.asarray(declared, np.float64)
    return options.get("class_weights")


def divisor(space: InputSpace, batch: Batch) -> float:
    """Return the divisor of the mean that the contract declares: rows, rows kept or the sum of weights."""
    contract = space.contract
    index = ignore_index(space, batch.options)
    if contract.mean_over == "rows" or not batch.n:
        return float(batch.n)
    weights = class_weights(space, batch.options) if contract.mean_over == "weights" else None
    weights = np.ones(batch.m) if weights is None else weights.astype(np.float64)
    if space.label_form != "sparse":
        return float((batch.labels.astype(np.float64) @ weights).sum()) if contract.mean_over == "weights" else batch.n
    labels = batch.labels.reshape(-1).astype(np.int64)
    kept = labels if index is None else labels[labels != index]
    return float(weights[kept[(kept >= 0) & (kept < batch.m)]].sum())


def _class_weights(space: InputSpace, m: int, codes: NDArray[np.uint8]) -> NDArray[Any]:
    """Return weights of which at least one is positive.

    More classes than codes repeat them, each time one place further, so that no block of classes is like the next.
    """
    palette = np.asarray(_WEIGHTS)
    places = np.arange(m)
    weights = palette[codes[(places + places // codes.size) % codes.size] % palette.size]
    if not weights.any():
        weights = np.ones(m)
    given: NDArray[Any] = weights.astype(space.format.dtype)
    return given
