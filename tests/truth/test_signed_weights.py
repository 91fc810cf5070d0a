"""Class weights below 0: values and derivatives against mpmath, allowances of sizes, and what is left open."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.problem import pose

WEIGHTS = (-2.0, 0.5, -0.25, 3.0)
LOGITS = np.array([[0.0, 1.0, -2.0, 3.0], [5.0, -5.0, 0.5, 0.25], [-9.0, 9.0, 8.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
CLASSES = np.array([0, 3, 2, 1])
SOFT = np.array([[0.5, 0.5, 0, 0], [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [0, 0, 2, 0.25]])


def logarithms(scores, kind):
    """Return the exact log-probabilities of a row."""
    given = [mpmath.mpf(value) for value in scores]
    if kind == "logits":
        total = mpmath.log(mpmath.fsum(map(mpmath.exp, given)))
        return [value - total for value in given]
    return [mpmath.log(value) for value in given] if kind == "probabilities" else given


def coefficients(t, smoothing, by):
    """Return the exact coefficients of a row."""
    smoothed = [(1 - mpmath.mpf(smoothing)) * value + mpmath.mpf(smoothing) / 4 for value in t]
    own = mpmath.fsum(w * value for w, value in zip(WEIGHTS, t, strict=True))
    return [(w if by == "class" else own) * value for w, value in zip(WEIGHTS, smoothed, strict=True)]


CASES = [
    (kind, form, smoothing, by, wrt)
    for kind in ("logits", "probabilities", "log_probabilities")
    for form, by in (("sparse", "label"), ("sparse", "class"), ("onehot", "label"), ("soft", "class"))
    for smoothing in (0.0, 0.3)
    for wrt in dict.fromkeys(("logits", kind))
]


@pytest.mark.parametrize(("kind", "form", "smoothing", "by", "wrt"), CASES)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_loss_and_gradient(kind, form, smoothing, by, wrt, reduction):
    """Every convention that takes them, whatever signs meet in a row or in the sum of the rows."""
    with mpmath.workdps(50):
        p = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
        scores = {"logits": LOGITS, "probabilities": p, "log_probabilities": np.log(p)}[kind]
        t = SOFT if form == "soft" else np.eye(4)[CLASSES]
        contract = Contract(
            input=kind,
            labels=[form],
            soft_rows="any",
            class_weights=WEIGHTS,
            class_weights_as="signed",
            label_smoothing=smoothing,
            smoothing_weights=by,
            gradient_wrt=wrt,
            reduction=reduction,
        )
        problem = pose(contract, scores, CLASSES if form == "sparse" else t, form)
        enclosed, allowed = enclose(problem), conformance(problem, conditions(problem))
        divisor, total = 4 if reduction == "mean" else 1, mpmath.mpf(0)
        for i, row in enumerate(scores.tolist()):
            logs, c = logarithms(row, kind), coefficients(t[i].tolist(), smoothing, by)
            loss = -mpmath.fsum(a * b for a, b in zip(c, logs, strict=True))
            total += loss
            if reduction == "none":
                held(enclosed.loss[i], loss, allowed.loss_estimate[i], allowed.loss[i])
            for j, q in enumerate(map(mpmath.exp, logs)):
                slope = mpmath.fsum(c) * q - c[j] if wrt == "logits" else -c[j] / (q if wrt == "probabilities" else 1)
                estimate, bound = allowed.gradient_estimate[i, j], allowed.gradient[i, j]
                held(enclosed.gradient[i, j], slope / divisor, estimate, bound)
        if reduction != "none":
            held(enclosed.loss, total / divisor, allowed.loss_estimate, allowed.loss)


def held(enclosure, exact, estimate, allowance):
    """Assert that an enclosure and an estimate are right, and that the allowance is no number below 0."""
    low, high = enclosure.bounds()
    near = mpmath.mpf(10) ** -28 * (1 + abs(exact))
    assert low - near <= exact <= high + near
    assert abs(estimate - exact) <= 1e-12 * (1 + abs(exact))
    assert 0 < allowance < 1e-11 * (1 + abs(exact))


def test_allowances_are_those_of_the_sizes():
    """For class numbers they do not depend on the signs of the weights at all."""
    found = []
    for weights in (WEIGHTS, tuple(map(abs, WEIGHTS))):
        contract = Contract(class_weights=weights, class_weights_as="signed", reduction="none", accuracy="B+")
        problem = pose(contract, LOGITS, CLASSES, "sparse")
        found.append(conformance(problem, conditions(problem)))
    np.testing.assert_array_equal(found[0].loss, found[1].loss)
    np.testing.assert_array_equal(found[0].gradient, found[1].gradient)


def test_below_zero_at_a_probability_of_zero_nothing_is_known():
    """A loss of -inf, and a pole of the other sign; above 0 both are judged."""
    p, keys = np.array([[0.0, 1.0], [1.0, 0.0]]), {"input": "probabilities", "gradient_wrt": "probabilities"}
    contract = Contract(**keys, class_weights=[-2.0, 0.5], class_weights_as="signed", reduction="none")
    problem = pose(contract, p, np.array([0, 1]), "sparse")
    enclosed = enclose(problem)
    assert np.isinf(enclosed.loss.radius).tolist() == [True, False]
    assert enclosed.loss.hi[1] == np.inf
    assert np.isinf(enclosed.gradient.radius[0]).all()
    assert enclosed.gradient.hi[1, 1] == -np.inf


def test_infinite_terms_of_both_signs_leave_a_gradient():
    """Two classes of probability 0, one of which counts negatively: no loss, and a gradient that is judged."""
    keys = {"input": "probabilities", "label_smoothing": 0.3, "smoothing_weights": "class", "reduction": "none"}
    contract = Contract(**keys, class_weights=[1.0, -1.0, 1.0], class_weights_as="signed", labels=["onehot"])
    problem = pose(contract, np.array([[1.0, 0.0, 0.0]]), np.array([[1.0, 0.0, 0.0]]), "onehot")
    enclosed, allowed = enclose(problem), conformance(problem, conditions(problem))
    assert np.isinf(enclosed.loss.radius).all()
    np.testing.assert_allclose(enclosed.gradient.hi, [[0.0, 0.1, -0.1]], atol=1e-16)
    assert (allowed.gradient > 2.0**-57).all()
    assert (allowed.gradient < 1e-14).all()
