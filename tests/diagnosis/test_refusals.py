"""An exception is its own cause, unless other batches leave no doubt about what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.api import check
from xentcheck.batches.batch import Batch
from xentcheck.diagnosis.refusals import refusal
from xentcheck.properties.law import Violation
from xentcheck.report.finding import Finding
from xentcheck.report.findings import figures
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


def finding(loss: Any, **contract: Any) -> Finding:
    """Return the finding of law 0 in float64."""
    report = check(loss, contract=contract, properties=["answers"], dtypes=["float64"])
    (found,) = report.findings
    return found


@pytest.mark.slow
def test_what_all_refused_batches_have_and_no_other_is_the_cause() -> None:
    """And the same batch without it is answered."""
    assert finding(_one_class_refused).cause.startswith("A single class is refused")
    found = finding(_another_label_dtype_refused, label_dtypes=["int64", "int32"])
    assert found.cause.startswith("Labels of dtype int32 are not taken")


@pytest.mark.slow
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
def test_else_nothing_beyond_what_it_says(loss: Any, words: str, contract: dict[str, Any]) -> None:
    """Refuted once: "a single class is refused" for each of these."""
    found = finding(loss, **contract)
    assert str(found.got).startswith(words)
    assert found.mechanism == "raises"
    assert ("errstate" in found.cause) if words.startswith("FloatingPointError") else not found.cause


def test_a_long_message_is_kept_whole_and_cut_where_it_is_shown() -> None:
    """Once it filled the terminal three times."""

    def talkative(scores: Any, labels: Any) -> Any:
        raise ValueError("a word " * 200)

    found = finding(talkative)
    assert len(str(found.got)) > 1400
    assert len(found.title) < 500
    assert "[...]" in found.title
    assert len(dict(figures(found))["got"]) < 500


def batch(n: int, m: int, layout: str = "C") -> Batch:
    """Return a batch of a size."""
    return Batch(np.zeros((n, m)), np.zeros(n, np.int64), layout=layout)


def told(violating: Batch, raised: list[Batch], answered: list[Batch], without: bool = True) -> str:
    """Return the cause of an exception on a batch, beside other batches."""
    violation = Violation("the target raised from its loss: ValueError: x (f.py:1)", violating, got="ValueError: x")
    return refusal(violation, raised, answered, lambda changed: without).sentence


FINE = [batch(2, 3), batch(1, 2)]


def test_a_pattern_that_leaves_no_doubt() -> None:
    """One class in each batch that raised, in none that was answered, and two classes are answered."""
    assert told(batch(1, 1), [batch(2, 1)], FINE).startswith("A single class is refused")


@pytest.mark.parametrize(
    ("violating", "raised", "answered", "without"),
    [
        (batch(1, 1), [batch(2, 3)], FINE, True),
        (batch(1, 1), [batch(2, 1)], [*FINE, batch(3, 1)], True),
        (batch(1, 1, "F"), [batch(2, 1, "F")], FINE, True),
        (batch(1, 1), [batch(2, 1)], FINE, False),
        (batch(1, 1), [batch(2, 1)], FINE[:1], True),
        (batch(1, 1), [], FINE, True),
    ],
    ids=["another raises", "one is answered", "two fit", "raises without it", "few answered", "one raised"],
)
def test_a_pattern_in_doubt(violating: Batch, raised: list[Batch], answered: list[Batch], without: bool) -> None:
    """Nothing is told then beyond what it says."""
    assert told(violating, raised, answered, without) == ""
