"""What typed code may do with the public names: `mypy typing_tests` must accept this file and run nothing of it.

A comment ``type: ignore`` with a code marks a use that must be refused: strict mypy complains of one without need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, assert_type

import numpy as np
import pytest
from numpy.typing import NDArray

import xentcheck

Array = NDArray[Any]


def my_loss(logits: Array, labels: Array) -> np.float64:
    """Stand for a user's loss."""
    return np.float64(0)


def my_gradient(logits: Array, labels: Array) -> Array:
    """Stand for its gradient."""
    return np.zeros_like(logits)


class MyLoss:
    """Stand for a loss with its gradient as methods."""

    def loss(self, logits: Array, labels: Array) -> np.float64:
        """Return a number."""
        return np.float64(0)

    def gradient(self, logits: Array, labels: Array) -> Array:
        """Return an array."""
        return np.zeros_like(logits)


def targets() -> None:
    """A target is a callable, a class, an instance or a name; a contract is one or a mapping."""
    contract = xentcheck.Contract(reduction="sum", dtypes=("float32",), class_weights=(1.0, 2.0))
    assert_type(xentcheck.check(my_loss, my_gradient, contract), xentcheck.Report)
    assert_type(xentcheck.check(my_loss, gradient=my_gradient, contract={"reduction": "sum"}), xentcheck.Report)
    assert_type(xentcheck.check(MyLoss), xentcheck.Report)
    assert_type(xentcheck.check(MyLoss()), xentcheck.Report)
    assert_type(xentcheck.check("reference", properties=["value"], dtypes=["float64"], jobs=2), xentcheck.Report)
    xentcheck.check(my_loss, gradient=3)  # type: ignore[arg-type]
    xentcheck.check(my_loss, contract="sum")  # type: ignore[arg-type]
    xentcheck.check(my_loss, seed="0")  # type: ignore[arg-type]
    xentcheck.check(my_loss, tolerance=1e-6)  # type: ignore[call-arg]


def contracts(stated: Mapping[str, object]) -> None:
    """A contract is read from a mapping, is fixed, and refuses what it does not know."""
    contract = xentcheck.Contract.from_mapping(stated)
    assert_type(contract, xentcheck.Contract)
    assert_type(contract.reduction, str)
    assert_type(contract.replace(reduction="none"), xentcheck.Contract)
    contract.reduction = "sum"  # type: ignore[misc]
    xentcheck.Contract(reduce="sum")  # type: ignore[call-arg]


def reports(report: xentcheck.Report) -> None:
    """A report is data: its verdict, its findings, its text."""
    assert_type(report.conforms, bool)
    assert_type(report.verdict, str)
    assert_type([finding.mechanism for finding in report.findings], list[str])
    assert_type({one.name: one.examples for one in report.properties}, dict[str, int])
    assert_type(xentcheck.Report.from_json(report.to_json()), xentcheck.Report)
    report.verdict = "conforms"  # type: ignore[misc]


def errors() -> None:
    """A finding raised has its report; what was asked wrongly is told from it."""
    try:
        xentcheck.check(my_loss).raise_for_findings()
    except xentcheck.FindingsError as error:
        assert_type(error.report, xentcheck.Report)
    except (xentcheck.ContractError, xentcheck.TargetError) as error:
        assert_type(str(error), str)


@xentcheck.parametrize(["reference", my_loss, {"loss": MyLoss, "contract": {"reduction": "sum"}}], properties=["value"])
def test_mine(verify: Callable[[], None]) -> None:
    """The decorator leaves the test its type."""
    verify()


def references(logits: Array, labels: Array) -> None:
    """The reference returns the gradient as an array."""
    _, gradient = xentcheck.reference.loss_and_gradient(logits, labels, "sum")
    assert_type(gradient, NDArray[np.floating[Any]])


assert_type(xentcheck.parametrize(["reference"]), pytest.MarkDecorator)
assert_type(test_mine(lambda: None), None)
assert_type(xentcheck.__version__, str)
