"""An exception has its own words as its cause, unless other batches leave no doubt about what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.api import check
from xentcheck.zoo.parts import mean_loss, row_losses


def _one_class_refused(z: Any, y: Any) -> Any:
    if z.shape[1] == 1:
        raise ValueError("two classes at least")
    return mean_loss(z, y)


def _weight_of_the_ignored_label(z: Any, y: Any) -> Any:
    """Look up a weight for each label before the ignored ones are left out; a single class is refused by chance."""
    weights = np.ones(z.shape[1])
    weights[np.where(y == -100, 100_000, y)]
    kept = y != -100
    return row_losses(z[kept], y[kept]).sum() / max(kept.sum(), 1)


def _imports_what_is_not_there(z: Any, y: Any) -> Any:
    if z.shape[1] == 1:
        raise ModuleNotFoundError("No module named 'fused_kernels'")
    return mean_loss(z, y)


def _leaves(z: Any, y: Any) -> Any:
    if z.shape[1] == 1:
        raise SystemExit(3)
    return mean_loss(z, y)


def _another_label_dtype_refused(z: Any, y: Any) -> Any:
    if y.dtype != np.int64:
        raise TypeError("int64 only")
    return mean_loss(z, y)


def _under_raise(z: Any, y: Any) -> Any:
    with np.errstate(all="raise"):
        return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), y]).mean()


def cause(loss: Any, **contract: Any) -> str:
    """Return the cause of the finding of law 0 in float64."""
    report = check(loss, contract=contract, properties=["answers"], dtypes=["float64"])
    (found,) = report.findings
    return found.cause


def test_what_all_refused_batches_have_and_no_other_is_the_cause() -> None:
    """And the same batch without it is answered."""
    assert cause(_one_class_refused).startswith("A single class is refused")
    dtypes = ["int64", "int32"]
    assert cause(_another_label_dtype_refused, label_dtypes=dtypes).startswith("Labels of dtype int32 are not taken")


@pytest.mark.parametrize(
    ("loss", "words", "contract"),
    [
        (
            _weight_of_the_ignored_label,
            "IndexError: index 100000 is out of bounds",
            {"ignore_index": -100, "mean_over": "kept"},
        ),
        (_imports_what_is_not_there, "ModuleNotFoundError: No module named 'fused_kernels'", {}),
        (_leaves, "SystemExit: 3", {}),
        (_under_raise, "FloatingPointError: ", {}),
    ],
)
def test_else_its_own_words(loss: Any, words: str, contract: dict[str, Any]) -> None:
    """Refuted once: "a single class is refused" for each of these."""
    told = cause(loss, **contract)
    assert told.startswith(f"The exception's own words: {words}")
    assert "class" not in told.partition(" (")[0]
