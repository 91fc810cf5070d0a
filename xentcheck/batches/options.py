"""The options that the contract declares as arguments of the target's call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.setting import Setting

OPTION_BYTES = 12
"""The bytes from which the options of a batch are made; all 0 gives the plainest ones."""

_WEIGHTS = (1.0, 2.0, 0.5, 0.0, 3.0, 0.25, 10.0, 0.1, 1.0, 100.0, 1e-3, 1.0, 1e3, 0.7)


def draw_options(setting: Setting, m: int, codes: NDArray[np.uint8], emphasised: bool = False) -> dict[str, Any]:
    """Return values of the declared arguments by contract key.

    Parameters
    ----------
    setting : Setting
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
    if setting.drawn("class_weights"):
        options["class_weights"] = _class_weights(setting, m, codes[4:])
    if setting.drawn("label_smoothing"):
        amounts = (0.0, 0.1, 0.3, 0.5, 2 * setting.format.unit_roundoff, 0.9, 2.0**-10, 1.0)
        amount = amounts[smoothing % 8 or int(emphasised)]
        options["label_smoothing"] = 0.0 if m == 1 and setting.contract.smoothing_over == "others" else amount
    if setting.drawn("z_loss"):
        options["z_loss"] = (0.0, 1e-4, 1e-2, 0.5, 1.0)[z_loss % 5 or int(emphasised)]
    if setting.drawn("soft_cap"):
        caps = (30.0, 1.0, 50.0, 5.0, 0.7, nearly_no_cap(setting))
        options["soft_cap"] = caps[cap % 6 or int(emphasised)]
    if setting.drawn("ignore_index"):
        wanted = (-100, 0, m - 1, m, -1, m // 2)[ignored % 6]
        options["ignore_index"] = wanted
    return options


def nearly_no_cap(setting: Setting) -> float:
    """Return a soft cap so large that it hardly changes a logit."""
    return float(min(2.0**20, 2.0 ** (-setting.format.normal_exponent - 3)))


def ignore_index(setting: Setting, options: Mapping[str, Any]) -> int | None:
    """Return the label of ignored rows, drawn or constant; None where nothing is ignored or labels are dense."""
    if setting.label_form != "sparse":
        return None
    if setting.drawn("ignore_index"):
        return int(options["ignore_index"])
    return setting.constant_ignore_index


def smoothing(setting: Setting, options: Mapping[str, Any]) -> float:
    """Return the label smoothing, drawn or constant."""
    declared = setting.contract.label_smoothing
    return float(options["label_smoothing"] if setting.drawn("label_smoothing") else declared)  # type: ignore[arg-type]


def class_weights(setting: Setting, options: Mapping[str, Any]) -> Any:
    """Return the class weights, drawn or constant, shape (m,), or None."""
    declared = setting.contract.class_weights
    if isinstance(declared, tuple):
        return np.asarray(declared, np.float64)
    return options.get("class_weights")


def divisor(setting: Setting, batch: Batch) -> float:
    """Return the divisor of the mean that the contract declares: rows, rows kept or the sum of weights."""
    contract = setting.contract
    index = ignore_index(setting, batch.options)
    if contract.mean_over == "rows" or not batch.n:
        return float(batch.n)
    weights = class_weights(setting, batch.options) if contract.mean_over == "weights" else None
    weights = np.ones(batch.m) if weights is None else weights.astype(np.float64)
    if setting.label_form != "sparse":
        return float((batch.labels.astype(np.float64) @ weights).sum()) if contract.mean_over == "weights" else batch.n
    labels = batch.labels.reshape(-1).astype(np.int64)
    kept = labels if index is None else labels[labels != index]
    return float(weights[kept[(kept >= 0) & (kept < batch.m)]].sum())


def _class_weights(setting: Setting, m: int, codes: NDArray[np.uint8]) -> NDArray[Any]:
    """Return weights of which at least one is positive.

    More classes than codes repeat them, each time one place further, so that no block of classes is like the next.
    """
    palette = np.asarray(_WEIGHTS)
    places = np.arange(m)
    weights = palette[codes[(places + places // codes.size) % codes.size] % palette.size]
    if not weights.any():
        weights = np.ones(m)
    given: NDArray[Any] = weights.astype(setting.format.dtype)
    return given
