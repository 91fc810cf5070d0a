"""A cause is told only if it has been shown; else what is known is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.api import check
from xentcheck.diagnosis.mechanism import _either
from xentcheck.report.finding import Finding
from xentcheck.zoo.parts import mean_loss, row_losses

SMALL = {"rows": [1, 4], "classes": [2, 5], "magnitude": 10.0}


def _units(shape: tuple[int, ...]) -> Any:
    """Return the arrays of a shape with a one in a single place."""
    return np.eye(int(np.prod(shape))).reshape(-1, *shape)


def _no_maximum(z: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), y]).mean()


def _off_by_chance(z: Any, y: Any) -> Any:
    return mean_loss(z, y) + 1e-3 * np.sin(1e3 * z.sum())


def first(loss: Any, **contract: Any) -> Finding:
    """Return the first finding of law 1 in float64."""
    return check(loss, contract=contract, properties=["value"], dtypes=["float64"]).findings[0]


@pytest.mark.slow
def test_a_formula_that_predicts_several_different_numbers_is_told() -> None:
    """A sum for a mean, on batches of several sizes."""
    found = first(lambda z, y: row_losses(z, y).sum())
    assert found.mechanism == "sum_for_mean"
    assert found.cause


@pytest.mark.slow
@pytest.mark.parametrize("given", ["probabilities", "logits"])
@pytest.mark.parametrize(
    ("guard", "mechanism", "said"),
    [
        (lambda p: p + p.dtype.type(1e-7), "eps_added", "eps = 1e-07 is added"),
        (lambda p: p + p.dtype.type(1e-15), "eps_added", "eps = 1e-15 is added"),
        (lambda p: np.maximum(p, 1e-15), "clip", "clipped to [1e-15, 1]"),
    ],
    ids=["1e-7", "1e-15", "limit"],
)
def test_a_guard_in_float32_is_told_once(given: str, guard: Any, mechanism: str, said: str) -> None:
    """The sum keeps few digits of the eps, far below a guard it is no matter which it is, and some hardly feel it."""

    def loss(x: Any, y: Any) -> Any:
        e = np.exp(x - x.max(axis=1, keepdims=True))
        p = x if given == "probabilities" else e / e.sum(axis=1, keepdims=True)
        return -np.log(guard(p)[np.arange(len(p)), y]).mean()

    laws = ["value", "shift" if given == "logits" else "softmax-consistency"]
    found = check(loss, properties=laws, dtypes=["float32"], contract={"input": given}).findings
    assert [one.mechanism for one in found] == [mechanism]
    assert said in found[0].cause


@pytest.mark.slow
def test_a_difference_quotient_is_told_by_its_step() -> None:
    """The leading error of many entries shows one and the same step."""

    def gradient(z: Any, y: Any) -> Any:
        h = 1e-3
        slopes = [(mean_loss(z + h * unit, y) - mean_loss(z, y)) / h for unit in _units(z.shape)]
        return np.reshape(slopes, z.shape)

    report = check(mean_loss, gradient, properties=["gradient"], dtypes=["float64"], contract={"domain": SMALL})
    assert report.findings[0].mechanism == "finite_differences"
    assert "forward difference of the loss with a step of about 0.001" in report.findings[0].cause


@pytest.mark.slow
def test_an_overflow_is_confirmed_where_exponentials_nearly_vanish() -> None:
    """There the same mistake gives finite numbers, which no other shift gives."""
    found = first(_no_maximum)
    assert found.mechanism == "no_maximum"


def _infinite_beyond(z: Any, y: Any) -> Any:
    """Gives up on scores beyond 500."""
    return mean_loss(z, y) if np.abs(z).max(initial=0) < 500 else np.inf


@pytest.mark.slow
def test_infinities_alone_show_where_it_begins_and_no_mechanism() -> None:
    """Any mistake may overflow: what is told is from which scores on."""
    found = first(_infinite_beyond)
    assert (found.mechanism, found.cause) == ("", "")
    (known,) = found.detail
    assert known.startswith("Known: of ")
    assert "with a largest score of" in known


@pytest.mark.slow
def test_what_nothing_predicts_has_no_cause() -> None:
    """Whatever comes near one of its numbers by chance."""
    found = first(_off_by_chance)
    assert (found.mechanism, found.cause) == ("", "")


def test_forms_that_explain_alike_are_told_as_alternatives() -> None:
    """What differs is told as open, or left out where one form says no more than the others."""
    assert _either(["The loss is cut down.", "The loss is rounded down."]) == "The loss is cut or rounded down."
    assert _either(["Off by one, after a block.", "Off by one, after a block."]) == "Off by one, after a block."
    assert _either(["Labels are off by one.", "Labels are clipped, off by one."]) == "Labels are off by one."
    assert _either(["Rows are left out, as padding is.", "Rows are left out."]) == "Rows are left out."
    assert _either(["1 is added to the loss.", "1 is added to the loss of each row."]) == "1 is added to the loss."
    assert _either(["One.", "Another thing."]) == "One. Or: Another thing."


@pytest.mark.slow
def test_what_the_batch_shown_does_not_show_is_not_told_of_it() -> None:
    """The gradient of one row is right, and at odds with the loss alone, which has an eps: no sum for a mean there."""

    def loss(z: Any, y: Any) -> Any:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return -np.log((e / e.sum(axis=1, keepdims=True))[np.arange(len(z)), y] + 1e-9).mean()

    def gradient(z: Any, y: Any) -> Any:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True) - np.eye(z.shape[1])[y]

    report = check(loss, gradient, properties=["own-gradient"], dtypes=["float64"], contract={"domain": SMALL})
    for found in report.findings:
        assert found.batch["scores"]["shape"][0] > 1 or not found.cause
