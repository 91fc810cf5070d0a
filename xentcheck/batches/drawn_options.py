"""The options that the contract declares as arguments of the target's call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace

OPTION_BYTES = 12
"""The bytes from which the options of a batch are made; all 0 gives the plainest ones."""

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
        ``class_weights``: ndarray of shape (m,) in the dtype of the scores, from 0 to 1000; ``label_smoothing``,
        ``z_loss``: float; ``soft_cap``: float, one of them so large that it is nearly off; ``ignore_index``: int,
        within the labels' range or not.
    """
    options: dict[str, Any] = {}
    smoothing, z_loss, ignored, cap = (int(code) for code in codes[:4])
    if space.drawn("class_weights"):
        options["class_weights"] = _class_weights(space, m, codes[4:])
    if space.drawn("label_smoothing"):
        amounts = (0.0, 0.1, 0.3, 0.5, 2 * space.format.unit_roundoff, 0.9, 2.0**-10, 1.0)
        amount = amounts[smoothing % 8 or int(emphasised)]
        options["label_smoothing"] = 0.0 if m == 1 and space.contract.smoothing_over == "others" else amount
    if space.drawn("z_loss"):
        options["z_loss"] = (0.0, 1e-4, 1e-2, 0.5, 1.0)[z_loss % 5 or int(emphasised)]
    if space.drawn("soft_cap"):
        caps = (30.0, 1.0, 50.0, 5.0, 0.7, nearly_no_cap(space))
        options["soft_cap"] = caps[cap % 6 or int(emphasised)]
    if space.drawn("ignore_index"):
        wanted = (-100, 0, m - 1, m, -1, m // 2)[ignored % 6]
        options["ignore_index"] = wanted
    return options


def nearly_no_cap(space: InputSpace) -> float:
    """Return a soft cap so large that it hardly changes a logit."""
    return float(min(2.0**20, 2.0 ** (-space.format.normal_exponent - 3)))


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
