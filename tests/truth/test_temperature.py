"""Conditions and allowances under a temperature."""

from __future__ import annotations

import numpy as np
import pytest

from tests.truth.test_soft_cap import allowances, posed
from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.grades import tight
from xentcheck.truth.problem import pose

Z = np.array([[1.0, -2.0, 0.5], [3.0, 0.0, 1.0]])


def test_conditions_are_of_the_divided_logits():
    """The cap comes first; the differences to the maximum keep their digits under a common offset."""
    z = np.array([[1000.0, -20.0, 3.0]])
    on = conditions(posed(z, [1], soft_cap=10.0, temperature=0.5))
    assert on.z == pytest.approx(20.0 * np.tanh(z / 10.0))
    assert pytest.approx(np.logaddexp.reduce(on.z[0]) - on.z[0, 1]) == on.L
    moved = conditions(posed(Z + 2.0**40, [0, 1], temperature=0.7))
    assert np.array_equal(moved.d, conditions(posed(Z, [0, 1], temperature=0.7)).d)


@pytest.mark.parametrize("temperature", [0.5, 4.0])
def test_a_power_of_two_is_the_plain_loss_of_scaled_logits(temperature):
    """Truth and allowance of the loss are those of z / T, and of the gradient those over T, up to a few roundings."""
    cold, plain = (
        posed(Z, [0, 1], temperature=temperature, reduction="none"),
        posed(Z / temperature, [0, 1], reduction="none"),
    )
    assert np.array_equal(enclose(cold).loss.hi, enclose(plain).loss.hi)
    assert enclose(cold).gradient.hi == pytest.approx(enclose(plain).gradient.hi / temperature, rel=1e-15)
    wide, narrow = (conformance(problem, conditions(problem)) for problem in (cold, plain))
    assert wide.loss == pytest.approx(narrow.loss, rel=1e-6)
    assert (narrow.gradient <= wide.gradient * temperature).all()
    assert (wide.gradient * temperature <= 2.0 * narrow.gradient).all()


def test_the_errors_of_the_quotients_are_allowed():
    """Roundings of z / T are relative to its size: an offset of 1000 costs some 3000 u / T."""
    near, far = (allowances(Z + offset, [0, 1], temperature=0.7, reduction="none").loss for offset in (0.0, 1000.0))
    assert (near < 100 * 2.0**-53).all()
    assert (far > 1000 * 2.0**-53).all()
    assert (far < 20000 * 2.0**-53).all()


@pytest.mark.parametrize("accuracy", ["A*", "A", "B+", "B", "C"])
def test_no_warnings_at_the_rim(accuracy):
    """Values near the largest float, infinities, nan and the smallest and largest temperatures raise no warning."""
    largest = np.finfo(np.float64).max
    z = np.array([[largest, -largest, 0.0], [np.nan] * 3, [np.inf] * 3, [-np.inf] * 3, [1.0, -np.inf, 2.0]])
    for temperature in (1e-300, 0.3, 1e6, 1e300):
        for more in ({}, {"z_loss": 0.1}, {"soft_cap": 3.0}, {"nonfinite": ["-inf", "+inf", "nan"]}):
            keys = {"accuracy": accuracy, "reduction": "none", "temperature": temperature, **more}
            problem = posed(z, [0, 1, 2, 0, 1], **keys)
            found = conformance(problem, conditions(problem))
            assert not np.isnan(found.loss).any()
            assert not np.isnan(found.gradient).any()
            assert enclose(problem).loss.shape == (5,)
            assert tight(problem, conditions(problem))["B"].loss.shape == (5,)


def test_no_bound_where_the_temperature_leaves_the_format():
    """T has to be a normal number and 1/T, too; and neither z - M nor z / T may overflow."""
    half = np.array([[1.0, 2.0]], np.float16)
    for temperature, judged in ((0.01, True), (3e-5, False), (1e4, True), (3e4, False)):
        found = allowances(half, [0], temperature=temperature, compute="same", output_dtype="float32")
        assert np.isfinite(found.loss) == judged
    single = np.array([[3e38, -3e38]], np.float32)
    assert np.isinf(allowances(single, [0], temperature=1e38).loss)
    assert np.isinf(allowances(single / 10, [0], temperature=0.1).loss)
    assert np.isfinite(allowances(single / 10, [0], temperature=1e30).loss)


def test_no_bound_where_the_factors_of_a_row_overflow():
    """In float16 the upstream gradient 3000 over the temperature 0.03 is infinite before it meets the softmax."""
    z = np.array([[1.0, 0.0]], np.float16)
    contract = Contract(dtypes=["float16"], reduction="none", temperature=0.03, compute="same")
    for upstream, judged in ((3000.0, False), (10.0, True)):
        problem = pose(contract, z, np.array([0]), "sparse", upstream=np.array([upstream]))
        assert np.isfinite(conformance(problem, conditions(problem)).gradient).all() == judged


def test_a_logit_that_is_flushed_to_zero_may_be_large_when_it_is_divided():
    """9e-39 is no normal number of float32 and counts 0.09 over a temperature of 1e-37, but nothing over 1e-20."""
    z = np.array([[9e-39, 0.0]], np.float32)
    for temperature, lost in ((1e-37, True), (1e-20, False)):
        found = allowances(z, [0], temperature=temperature, reduction="none")
        flushed = np.log(2.0) - np.log1p(np.exp(-float(z[0, 0]) / temperature))
        assert np.isfinite(found.loss).all()
        assert (0.01 < flushed <= found.loss[0]) if lost else (found.loss[0] < 1e-5)
