"""The ideal gradient, taken at the clipped probabilities: against mpmath, and what is allowed of it."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from xentcheck.contract import Contract, ContractError
from xentcheck.contract.keys_promises import AT_CLIPPED
from xentcheck.truth.allowance import conformance
from xentcheck.truth.certify import certify
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.problem import pose

LOW, HIGH = 2.0**-7, 1 - 2.0**-7
KEYS = {"boundary": {"clip": [LOW, HIGH]}, "gradient_of": AT_CLIPPED, "reduction": "none"}
ROWS = np.array([[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0.1, 0.2, 0.3, 0.4], [0.999, 0.001, 0, 0], [2, 0.25, 0.5, 3]], float)
LOGITS = np.array([[0, -9, -9, -9], [1, 1, -40, 0.5], [0.25, -1, 2, 3], [9, 0, 0, 0], [-700, 0, 0, 30]], float)
CLASSES = np.array([0, 3, 1, 1, 2])
SOFT = np.array([[0.5, 0.5, 0, 0], [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0.25], [0, 0, 0, 0]], float)
PAIRS = [("probabilities", "probabilities"), ("probabilities", "logits"), ("logits", "logits")]


def slopes(row, t):
    """Return the derivatives of -sum t log b by b, the row clipped, by differences of 60 digits; and b."""
    b = [min(max(value, mpmath.mpf(LOW)), mpmath.mpf(HIGH)) for value in row]
    h = mpmath.mpf(10) ** -40
    return [c * (mpmath.log(x - h) - mpmath.log(x + h)) / (2 * h) for c, x in zip(t, b, strict=True)], b


@pytest.mark.parametrize("form", ["sparse", "onehot", "soft"])
@pytest.mark.parametrize(("given", "wrt"), PAIRS)
def test_truth_by_definition(form, given, wrt):
    """Of a class at 0 or at 1 it is that of the limit, whether it is a label or not."""
    labels = {"sparse": CLASSES, "onehot": np.eye(4)[CLASSES], "soft": SOFT}[form]
    rows = LOGITS if given == "logits" else ROWS
    contract = Contract(**KEYS, input=given, labels=[form], soft_rows="any", gradient_wrt=wrt)
    problem = pose(contract, rows, labels, form)
    enclosed, allowed = enclose(problem), conformance(problem, conditions(problem))
    with mpmath.workdps(90):
        for i, row in enumerate(rows.tolist()):
            p = [mpmath.mpf(value) for value in row]
            if given == "logits":
                e = [mpmath.exp(value) for value in p]
                p = [value / mpmath.fsum(e) for value in e]
            by_b, b = slopes(p, (labels[i] if form != "sparse" else np.eye(4)[labels[i]]).tolist())
            mean = mpmath.fsum(x * y for x, y in zip(b, by_b, strict=True))
            wanted = by_b if wrt == "probabilities" else [x * y - x * mean for x, y in zip(b, by_b, strict=True)]
            for j, slope in enumerate(wanted):
                near = mpmath.mpf(10) ** -30 * (1 + abs(slope))
                for low, high in (enclosed.gradient[i, j].bounds(), certify(problem, "gradient", (i, j))):
                    assert low - near <= slope <= high + near
                assert abs(allowed.gradient_estimate[i, j] - slope) < 1e-12
    assert np.isfinite(allowed.gradient).all()
    assert enclosed.gradient.radius.max() < 2.0**-75


RANDOM = np.random.Generator(np.random.PCG64(11))
WEIGHTS = np.array([0.3, 2.0, 1.7, 0.9])


def _rows(dtype):
    """Rows of probabilities, some of which a clip moves, by themselves or as a softmax."""
    logits = RANDOM.standard_normal((400, 4)) * RANDOM.choice([1.0, 4.0, 16.0], (400, 1))
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = (e / e.sum(axis=1, keepdims=True)).astype(dtype)
    p[::7], p[::11, 0] = np.eye(4, dtype=dtype)[RANDOM.integers(0, 4, len(p[::7]))], 0
    return logits.astype(dtype), p


def _softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _by_logits(p, t, w):
    return t.sum(axis=1, keepdims=True) * np.clip(p, LOW, HIGH) * w - t * w


def _by_logits_at_the_end(p, t, w):
    return w * (np.clip(p, LOW, HIGH) - t)


def _by_probabilities(p, t, w):
    return -(t * w) / np.clip(p, LOW, HIGH)


def _by_the_reciprocal(p, t, w):
    return -(t * (1 / np.clip(p, LOW, HIGH))) * w


def _excess(given, wrt, dtype, algorithm):
    """Return the largest distance from the truth in allowances of one algorithm; each class has a weight."""
    logits, p = _rows(dtype)
    labels = RANDOM.integers(0, 4, len(p))
    scores = logits if given == "logits" else p
    w = WEIGHTS.astype(dtype)
    contract = Contract(
        **KEYS, input=given, gradient_wrt=wrt, class_weights=WEIGHTS.astype(dtype).astype(float).tolist()
    )
    problem = pose(contract, scores, labels, "sparse")
    t = np.eye(4, dtype=dtype)[labels]
    got = algorithm(_softmax(scores) if given == "logits" else p, t, w[labels][:, None])
    enclosed, allowed = enclose(problem).gradient, conformance(problem, conditions(problem)).gradient
    assert np.isfinite(allowed).all()
    with np.errstate(over="ignore"):
        return float((np.abs((got.astype(np.float64) - enclosed.hi) - enclosed.lo) / allowed).max())


GOOD = [
    ("probabilities", "probabilities", _by_probabilities),
    ("probabilities", "probabilities", _by_the_reciprocal),
    ("probabilities", "logits", _by_logits),
    ("probabilities", "logits", _by_logits_at_the_end),
    ("logits", "logits", _by_logits),
    ("logits", "logits", _by_logits_at_the_end),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("given", "wrt", "algorithm"), GOOD)
def test_legitimate_algorithms_stay_inside(given, wrt, algorithm, dtype):
    """Whatever the order of their operations, and not by far more than there is need of."""
    assert 0.02 < _excess(given, wrt, dtype, algorithm) < 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("given", "wrt", "algorithm"),
    [
        ("probabilities", "logits", lambda p, t, w: w * (p - t)),
        ("logits", "logits", lambda p, t, w: w * (p - t)),
        ("probabilities", "probabilities", lambda p, t, w: -t * w / np.maximum(p, np.finfo(p.dtype).tiny)),
        ("probabilities", "probabilities", lambda p, t, w: _by_probabilities(p, t, w) * ((p >= LOW) & (p <= HIGH))),
        ("logits", "logits", lambda p, t, w: _by_logits(p, t, w) * ((p >= LOW) & (p <= HIGH))),
    ],
)
def test_other_gradients_do_not(given, wrt, algorithm, dtype):
    """Without the clip, and with a derivative of 0 beyond it."""
    assert _excess(given, wrt, dtype, algorithm) > 1e4


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"boundary": "exact"}, "boundary clips nothing"),
        ({"boundary": {"add": 1e-7}}, "boundary clips nothing"),
        ({"boundary": {"clip": [0.1, 0.9], "normalise": True}}, "boundary divides by a sum"),
        ({"input": "log_probabilities"}, "it is by logits where log_probabilities are given"),
        ({"gradient_wrt": "probabilities", "input": "logits"}, "it is by probabilities where logits are given"),
        ({"input": "logits", "z_loss": 1e-4}, "z_loss does not go with it"),
        ({"input": "logits", "soft_cap": 30.0}, "soft_cap does not go with it"),
        ({"input": "logits", "temperature": {"argument": "tau"}}, "temperature does not go with it"),
    ],
)
def test_what_has_no_meaning(keys, words):
    """One sentence each."""
    with pytest.raises(ContractError, match=words):
        Contract.from_mapping({**KEYS, **keys})
