"""Class weights that are constants: read in the dtype of the scores they are rounded, and may be flushed to zero."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.judging import allowances, posed

TENTH = [0.1, 0.3, 0.7]
TINY = {"float32": [1e-38, 1.0], "float64": [2e-308, 1.0]}


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("rows", [None, "v"])
def test_a_constant_is_read_in_the_dtype(name, rows):
    """A tenth is no number of any format: its reading is a rounding beside the product's, and the row weight's."""
    rng = np.random.default_rng(41)
    kind, n = np.dtype(name).type, 4000
    lp, y = -rng.uniform(1, 2, (n, 3)).astype(name), rng.integers(0, 3, n)
    v = rng.uniform(1, 2, n).astype(name)
    weights = [kind(w) for w in TENTH] if name == "float32" else [kind(0.1), kind(0.3), kind(0.7)]
    got = -np.asarray(weights)[y] * lp[np.arange(n), y]
    stated = {"input": "log_probabilities", "reduction": "none", "class_weights": TENTH}
    options = {}
    if rows:
        got, options = got * v, {"row_weights": v}
        stated["row_weights"] = {"argument": "v"}
    allowed = allowances(posed(lp, y, options=options, **stated)).loss
    for i in range(n):
        exact = -Fraction(TENTH[y[i]]) * Fraction(float(lp[i, y[i]])) * (Fraction(float(v[i])) if rows else 1)
        assert abs(Fraction(float(got[i])) - exact) <= Fraction(float(allowed[i]))


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("given", ["logits", "probabilities", "log_probabilities"])
def test_a_weight_below_the_normal_numbers_may_be_flushed(name, given):
    """A weight that is subnormal is 0 where subnormals are, whatever the loss that it multiplies."""
    z = np.array([[-80.0, 0.0], [0.0, -1.0]], name)
    y = np.array([0, 1])
    scores = {"logits": z, "probabilities": np.exp(z), "log_probabilities": z}[given]
    stated = {"input": given, "reduction": "none", "class_weights": TINY[name]}
    lp = alg.log_softmax(z) if given == "logits" else z
    exact = -np.asarray(TINY[name])[y] * lp[[0, 1], y].astype(float)
    allowed = allowances(posed(scores, y, **stated))
    assert exact[0] <= allowed.loss[0] <= 2 * exact[0]
    assert allowed.loss[1] < 1e-5
    above = allowances(posed(scores, y, **{**stated, "class_weights": [float(4 * np.finfo(name).tiny), 1.0]}))
    assert above.loss[0] < 4 * np.finfo(name).tiny * 10


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_a_divisor_of_flushed_weights(name):
    """Nothing is divided by nothing where all weights may be flushed; beside others they do not matter."""
    z, stated = np.array([[-80.0, 0.0], [0.0, -1.0]], name), {"class_weights": TINY[name], "mean_over": "weights"}
    assert np.isinf(allowances(posed(z, np.array([0, 0]), **stated)).loss)
    assert np.isinf(allowances(posed(z, np.array([0, 0]), **stated)).gradient).all()
    beside = allowances(posed(z, np.array([0, 1]), **stated))
    assert beside.loss < 1e-4
    assert (beside.gradient < 1e-4).all()
