"""A boundary that clips probabilities and then divides each row by its sum: values and derivatives against mpmath."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from xentcheck.contract import Boundary, Contract, ContractError
from xentcheck.truth.allowance import conformance
from xentcheck.truth.certify import certify
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.problem import pose

LOW, HIGH = 2.0**-7, 1 - 2.0**-7
KEYS = {
    "input": "probabilities",
    "boundary": {"clip": [LOW, HIGH], "normalise": "after"},
    "gradient_of": "loss",
    "reduction": "none",
}
ROWS = np.array([[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0.1, 0.2, 0.3, 0.4], [0.999, 0.001, 0, 0], [2, 0.25, 0.5, 3]], float)
CLASSES = np.array([0, 3, 1, 1, 2])
SOFT = np.array([[0.5, 0.5, 0, 0], [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0.25], [0, 0, 0, 0]], float)


def exact(row, t):
    """Return -sum t log(b / sum b), b the row clipped."""
    b = [min(max(value, mpmath.mpf(LOW)), mpmath.mpf(HIGH)) for value in row]
    return -mpmath.fsum(c * mpmath.log(x / mpmath.fsum(b)) for c, x in zip(t, b, strict=True) if c)


def slopes(row, t):
    """Return its derivatives by the probabilities, by differences of 60 digits."""
    h = mpmath.mpf(10) ** -40
    moved = [
        ([v + h * (k == j) for k, v in enumerate(row)], [v - h * (k == j) for k, v in enumerate(row)])
        for j in range(len(row))
    ]
    return [(exact(up, t) - exact(down, t)) / (2 * h) for up, down in moved]


@pytest.mark.parametrize("wrt", ["probabilities", "log_probabilities", "logits"])
@pytest.mark.parametrize("form", ["sparse", "onehot", "soft"])
def test_loss_and_gradient(form, wrt):
    """Every class inside the clip has a part in the gradient, through the sum, and those outside have none."""
    labels = {"sparse": CLASSES, "onehot": np.eye(4)[CLASSES], "soft": SOFT}[form]
    contract = Contract(**KEYS, labels=[form], soft_rows="any", gradient_wrt=wrt)
    problem = pose(contract, ROWS, labels, form)
    enclosed, allowed = enclose(problem), conformance(problem, conditions(problem))
    with mpmath.workdps(90):
        for i, row in enumerate(ROWS.tolist()):
            t = (labels[i] if form != "sparse" else np.eye(4)[labels[i]]).tolist()
            p = [mpmath.mpf(value) for value in row]
            value, by_p = exact(p, t), slopes(p, t)
            low, high = enclosed.loss[i].bounds()
            assert low <= value <= high
            assert abs(allowed.loss_estimate[i] - value) < 1e-13
            mean = mpmath.fsum(a * b for a, b in zip(p, by_p, strict=True))
            wanted = {
                "probabilities": by_p,
                "log_probabilities": [a * b for a, b in zip(p, by_p, strict=True)],
                "logits": [a * (b - mean) for a, b in zip(p, by_p, strict=True)],
            }[wrt]
            for j, slope in enumerate(wanted):
                low, high = enclosed.gradient[i, j].bounds()
                near = mpmath.mpf(10) ** -36 * (1 + abs(slope))
                assert low - near <= slope <= high + near
                assert abs(allowed.gradient_estimate[i, j] - slope) < 1e-12
                low, high = certify(problem, "gradient", (i, j))
                assert low - near <= slope <= high + near
            assert np.isfinite(allowed.gradient[i]).all()
    assert enclosed.loss.radius.max() < 2.0**-80
    assert enclosed.gradient.radius.max() < 2.0**-80


def test_the_order_matters():
    """Divided first, the row (2, 0.25, 0.5, 3) is another one; a row that sums to 1 and needs no clip is the same."""
    before = pose(Contract(**{**KEYS, "boundary": {"clip": [LOW, HIGH], "normalise": True}}), ROWS, CLASSES, "sparse")
    after = pose(Contract(**KEYS), ROWS, CLASSES, "sparse")
    one, other = enclose(before).loss.hi, enclose(after).loss.hi
    assert abs(one[2] - other[2]) < 1e-15
    assert (np.abs(one - other)[[0, 1, 3, 4]] > 1e-3).all()


def test_at_a_limit_the_gradient_is_left_open():
    """Of any class of the row, since all of them are in the sum."""
    rows = np.array([[LOW, 1 - LOW, 0.0], [0.5, 0.5, LOW], [0.5, 0.5, 0.0]])
    problem = pose(Contract(**KEYS, gradient_wrt="probabilities"), rows, np.array([1, 0, 0]), "sparse")
    allowed = conformance(problem, conditions(problem)).gradient
    assert np.isinf(allowed[:2]).all()
    assert np.isfinite(allowed[2]).all()
    low, high = enclose(problem).gradient[1, 2].bounds()
    assert abs(low) < 1e-12 < 0.5 < high


def test_the_ideal_gradient_knows_no_boundary():
    """p - t of the probabilities as they are given, and -t / p."""
    rows, y = np.array([[0.25, 0.75], [0.001, 0.999]]), np.array([0, 0])
    ideal = {**KEYS, "gradient_of": "ideal"}
    by_logits = enclose(pose(Contract(**ideal), rows, y, "sparse")).gradient.hi
    np.testing.assert_allclose(by_logits, rows - np.eye(2)[y], rtol=1e-15)
    by_p = enclose(pose(Contract(**ideal, gradient_wrt="probabilities"), rows, y, "sparse")).gradient.hi
    np.testing.assert_allclose(by_p, -np.eye(2)[y] / rows, rtol=1e-15)


def test_at_the_eps_of_the_dtype():
    """{"clip": "eps"} takes it, too."""
    contract = Contract.from_mapping({**KEYS, "boundary": {"clip": "eps", "normalise": "after"}})
    assert contract.as_mapping()["boundary"] == {"clip": "eps", "normalise": "after"}
    problem = pose(contract, np.array([[1.0, 0.0]], np.float32), np.array([1]), "sparse")
    assert problem.contract.boundary == Boundary(clip=(2.0**-23, 1 - 2.0**-23), after=True)
    assert enclose(problem).loss.hi[0] == pytest.approx(23 * np.log(2), rel=1e-15)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"boundary": {"add": 1e-7, "normalise": "after"}}, "there is no clip that it could come after"),
        ({"boundary": {"clip": [0, 1], "normalise": "after"}}, "a row of zeros cannot be divided by its sum"),
        ({"input": "logits"}, "it divides given probabilities, and input is 'logits'"),
        ({"boundary": {"clip": [0.1, 0.9], "normalise": "first"}}, "must be true, false or, beside a clip, 'after'"),
    ],
)
def test_what_has_no_meaning(keys, words):
    """One sentence each."""
    with pytest.raises(ContractError, match=words):
        Contract.from_mapping({**KEYS, **keys})


def test_targets_that_do_not_sum_to_one_move_the_common_part_alone():
    """Promised to sum to 1, they may be taken to: then T/B is off by |1 - sum t| / B, and -c/b is as it was."""
    contract = Contract(**KEYS, labels=["soft"], gradient_wrt="probabilities")
    row, t = ROWS[4:], np.array([[0.5, 0.5, 0.25, 0.0]])  # 2, 0.25, 0.5 and 3, of which those of 1 or more are clipped
    problem = pose(contract, row, t, "soft")
    allowed = conformance(problem, conditions(problem)).gradient[0]
    total = 2 * HIGH + 0.25 + 0.5
    np.testing.assert_allclose(allowed[[1, 2]], 0.25 / total, rtol=1e-10)
    assert (allowed[[0, 3]] < 1e-12).all()
