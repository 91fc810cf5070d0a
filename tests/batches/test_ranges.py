"""An argument with a range: everything that is tried of it lies within, and its ends are tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.batches.reduce import reduce
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract
from xentcheck.contract.values import Range

RANGES = {
    "label_smoothing": ([0.0, 0.9], {0.0, 0.1, 0.9, 2.0**-10}),
    "z_loss": ("(0, 0.64]", {1e-4, 0.5, 0.64, 0.005}),
    "soft_cap": ([4.0, 40.0], {30.0, 5.0, 4.0, 40.0}),
    "temperature": ("[0.75, 3)", {2.0, 1.0, 0.75, 3.0 - 2.25 / 128}),
}


def declared(**more: Any) -> Contract:
    """Return a contract with four ranges."""
    ranges = {key: {"argument": key, "range": given} for key, (given, _) in RANGES.items()}
    return Contract.from_mapping({**ranges, "dtypes": ["float32"], **more})


@pytest.mark.parametrize("key", RANGES)
def test_levels_of_the_sweep_and_what_is_drawn(key: str, draw: Callable[..., list[Batch]]) -> None:
    """The levels that lie within and both ends, of an open one a number near it, occur; nothing outside does."""
    contract = declared()
    drawn = [*sweep(contract, "float32", "sparse"), *draw(contract, "float32", "sparse", examples=200)]
    values = {batch.options[key] for batch in drawn}
    assert values >= RANGES[key][1]
    within = contract.drawn[key].range
    assert within is not None
    assert all(within.low <= value <= within.high for value in values)
    assert not (within.low_open and within.low in values)
    assert not (within.high_open and within.high in values)


def test_without_a_range_nothing_changes() -> None:
    """The levels are those of the record, 1 among them."""
    contract = Contract.from_mapping({"label_smoothing": {"argument": "s"}, "dtypes": ["float32"]})
    values = {batch.options["label_smoothing"] for batch in sweep(contract, "float32", "sparse")}
    assert values >= {0.0, 0.1, 1.0}


def test_the_nearest_value_of_a_range() -> None:
    """A value within stays; others become the end, or 1/128 of the range away from an open one."""
    half_open = Range(0.0, 1.0, high_open=True)
    assert [half_open.inside(x) for x in (-1.0, 0.0, 0.5, 1.0, 2.0)] == [0.0, 0.0, 0.5, 127 / 128, 127 / 128]
    assert 1.0 not in half_open
    assert 0.999 in half_open
    assert "0.5" not in half_open
    assert Range(1.0, 3.0, low_open=True).ends == (1.0 + 2 / 128, 3.0)


def test_the_reducer_keeps_within() -> None:
    """The simplest values of the range are found, though simpler ones lie outside."""
    options = {"label_smoothing": 0.9, "z_loss": 0.3, "soft_cap": 39.0, "temperature": 1.25}
    batch = Batch(np.array([[1.5, -2.25]], np.float32), np.array([1]), options=options)
    small = reduce(batch, lambda one: True, contract=declared())
    assert small.options == {"label_smoothing": 0.0, "z_loss": 0.5, "soft_cap": 10.0, "temperature": 1.0}


def particular(
    logits: Any, labels: Any, label_smoothing: float, z_loss: float, soft_cap: float, temperature: float
) -> Any:
    """Refuse all values outside the four ranges; right within them."""
    fine = 0 <= label_smoothing <= 0.9 and 0 < z_loss <= 0.64 and 4 <= soft_cap <= 40 and 0.75 <= temperature < 3
    if not fine:
        raise ValueError("a value outside its range")
    dtype, m = logits.dtype, logits.shape[1]
    cap = dtype.type(soft_cap)
    z = cap * np.tanh(logits / cap) / dtype.type(temperature)
    top = z.max(axis=1, keepdims=True)
    d = z - top
    log_sum = np.log(np.exp(d).sum(axis=1, keepdims=True))
    eps = dtype.type(label_smoothing)
    t = (1 - eps) * np.eye(m, dtype=dtype)[labels.reshape(-1).astype(np.int64)] + eps / dtype.type(m)
    return (t * (log_sum - d)).sum(axis=1) + dtype.type(z_loss) * (log_sum + top)[:, 0] ** 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_law_asks_outside() -> None:
    """A target that refuses everything else conforms, the laws of the four options held."""
    report = xentcheck.check(particular, contract=declared(reduction="none"))
    assert report.findings == ()
    held = {law.name for law in report.properties if law.status == "passed"}
    assert {"smoothing", "z-loss", "soft-cap", "temperature"} <= held
