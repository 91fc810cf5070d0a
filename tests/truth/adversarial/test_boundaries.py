"""Losses on probabilities and log-probabilities, and softmax followed by log(p + eps) or log(clip(p))."""

from __future__ import annotations

import numpy as np
import pytest

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.exact import cross_entropy, on_probabilities, softmax
from tests.truth.adversarial.families import families
from tests.truth.adversarial.judging import allowances, posed, tight_bounds, worst

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
DTYPES = ("float32", "float64")


def keep(got, exact, allowance, what):
    """Assert that every value keeps its allowance."""
    ratio = worst(exact.error(got), allowance)
    assert ratio <= 1, (what, ratio)


def probabilities(rng, name, n, m):
    """Rows of probabilities with entries near 0, near 1 and between, in a dtype; rows sum to 1 nearly."""
    z = rng.standard_normal((n, m)) * rng.choice([1, 5, 20], (n, 1))
    p = np.exp(z - z.max(1, keepdims=True))
    p = (p / p.sum(1, keepdims=True)).astype(name)
    return np.maximum(p, np.finfo(name).tiny)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("eps", [1e-7, 2.220446049250313e-16, 1e-3])
def test_log_of_softmax_plus_eps(name, eps):
    """From logits: the loss, and the derivative of the declared loss as autodiff finds it."""
    rng = np.random.default_rng(1)
    for m, n in ((2, 10), (10, 5)):
        for family, z, y in families(rng, name, m, n):
            held = float(z.dtype.type(eps))
            t = alg.one_hot(z, y)
            rows, gradient = on_probabilities(softmax(z), t.astype(float).tolist(), ("add", held), True)
            stated = {"reduction": "none", "boundary": {"add": held}, "gradient_of": "loss"}
            allowance = allowances(posed(z, y, **stated))
            p = alg.softmax(z)
            keep(-np.log(alg.at(p, y) + z.dtype.type(eps)), rows, allowance.loss, (family, m))
            v = -t / (p + z.dtype.type(eps))
            keep(p * (v - (p * v).sum(1, keepdims=True)), gradient, allowance.gradient, (family, m, "gradient"))
            soft = rng.dirichlet(np.ones(m), n).astype(name)
            rows, gradient = on_probabilities(softmax(z), soft.astype(float).tolist(), ("add", held), True)
            allowance = allowances(posed(z, soft, "soft", soft_rows="any", **stated))
            keep(-(soft * np.log(p + z.dtype.type(eps))).sum(1), rows, allowance.loss, (family, m, "soft"))
            v = -soft / (p + z.dtype.type(eps))
            keep(p * (v - (p * v).sum(1, keepdims=True)), gradient, allowance.gradient, (family, m, "soft gradient"))


@pytest.mark.parametrize("name", DTYPES)
def test_log_of_clipped_softmax(name):
    """The clip's limits are numbers of the dtype; where rounding decides the side, the gradient is left open."""
    low, high = 2.0**-20, 1 - 2.0**-20
    rng = np.random.default_rng(2)
    for m, n in ((2, 10), (10, 5)):
        for family, z, y in families(rng, name, m, n):
            t = alg.one_hot(z, y)
            rows, gradient = on_probabilities(softmax(z), t.astype(float).tolist(), ("clip", low, high), True)
            stated = {"reduction": "none", "boundary": {"clip": [low, high]}, "gradient_of": "loss"}
            allowance = allowances(posed(z, y, **stated))
            p = alg.softmax(z)
            kind = z.dtype.type
            keep(-np.log(np.clip(alg.at(p, y), kind(low), kind(high))), rows, allowance.loss, (family, m))
            v = np.where((p >= low) & (p <= high), -t / p, 0)
            keep(p * (v - (p * v).sum(1, keepdims=True)), gradient, allowance.gradient, (family, m, "gradient"))


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("boundary", [("exact",), ("add", 2.0**-20), ("clip", 2.0**-20, 1 - 2.0**-20)])
def test_given_probabilities(name, boundary):
    """Loss, its derivative by the probabilities, and by the logits behind them; index and dense labels."""
    rng = np.random.default_rng(3)
    declared = {"exact": "exact", "add": {"add": boundary[-1]}, "clip": {"clip": list(boundary[1:])}}[boundary[0]]
    for m, n in ((2, 40), (10, 20), (60, 5)):
        p, y = probabilities(rng, name, n, m), rng.integers(0, m, n)
        kind = p.dtype.type
        inside = np.ones(p.shape, bool)
        b = p
        if boundary[0] == "add":
            b = p + kind(boundary[1])
        if boundary[0] == "clip":
            b = np.clip(p, kind(boundary[1]), kind(boundary[2]))
            inside = b == p
        stated = {"input": "probabilities", "reduction": "none", "boundary": declared, "gradient_of": "loss"}
        for t, form, labels in (
            (alg.one_hot(p, y), "sparse", y),
            (alg.one_hot(p, y), "onehot", alg.one_hot(p, y)),
            (rng.dirichlet(np.ones(m), n).astype(name), "soft", None),
        ):
            labels = t if labels is None else labels
            exact_t = t.astype(float).tolist()
            soft = {"soft_rows": "any"} if form == "soft" else {}
            for wrt in ("probabilities", "logits"):
                rows, gradient = on_probabilities(p.astype(float).tolist(), exact_t, boundary, wrt == "logits")
                problem = posed(p, labels, form, gradient_wrt=wrt, **soft, **stated)
                v = np.where(inside, -t / b, 0).astype(name)
                value = v if wrt == "probabilities" else p * (v - (p * v).sum(1, keepdims=True))
                for allowance in (allowances(problem), tight_bounds(problem)["B"]):
                    keep(-(t * np.log(b)).sum(1), rows, allowance.loss, (form, m))
                    keep(value, gradient, allowance.gradient, (form, wrt, m))


@pytest.mark.parametrize("name", DTYPES)
def test_ideal_gradient_of_given_probabilities(name):
    """The fused p - t for the logits behind the probabilities, and T p - t where rows need not sum to one."""
    rng = np.random.default_rng(4)
    p, y = probabilities(rng, name, 30, 6), rng.integers(0, 6, 30)
    t = alg.one_hot(p, y)
    exact = p.astype(float) - t.astype(float)
    stated = {"input": "probabilities", "reduction": "none", "boundary": {"add": 1e-7}}
    allowance = allowances(posed(p, y, **stated)).gradient
    assert (np.abs((p - t).astype(float) - exact) <= allowance).all()
    assert (np.abs(p.astype(float) - exact) > 1e4 * allowance).any()
    soft = (3 * rng.dirichlet(np.ones(6), 30)).astype(name)
    exact = p.astype(np.longdouble) * soft.astype(np.longdouble).sum(1, keepdims=True) - soft
    allowance = allowances(posed(p, soft, "soft", soft_rows="any", **stated)).gradient
    assert (np.abs(p * soft.sum(1, keepdims=True) - soft - exact) <= allowance).all()


@pytest.mark.parametrize("name", DTYPES)
def test_probabilities_divided_by_their_sum(name):
    """Keras's boundary: p / sum p, then as usual; the derivative goes through the division."""
    rng = np.random.default_rng(5)
    for m, n in ((2, 20), (10, 10)):
        scores = (probabilities(rng, name, n, m) * rng.choice([0.5, 1, 3], (n, 1))).astype(name)
        y = rng.integers(0, m, n)
        t, log_scores = alg.one_hot(scores, y), np.log(scores.astype(np.longdouble))
        q = scores.astype(np.longdouble) / scores.astype(np.longdouble).sum(1, keepdims=True)
        stated = {"input": "probabilities", "reduction": "none", "boundary": {"normalise": True}}
        problem = posed(scores, y, gradient_wrt="probabilities", **stated)
        allowance = allowances(problem)
        own = scores / scores.sum(1, keepdims=True)
        truth = -np.log(alg.at(q, y))
        assert (np.abs(-np.log(alg.at(own, y)) - truth) <= allowance.loss).all()
        total = scores.astype(np.longdouble).sum(1, keepdims=True)
        gradient = 1 / total - t / scores.astype(np.longdouble)
        v = t / own
        value = ((own * v).sum(1, keepdims=True) - v) / scores.sum(1, keepdims=True)
        assert (np.abs(value - gradient) <= allowance.gradient).all()
        logits = allowances(posed(scores, y, **stated)).gradient
        assert (np.abs(own - t - (q - t)) <= logits).all()
        assert np.isfinite(log_scores).all()


@pytest.mark.parametrize("name", DTYPES)
def test_log_probabilities(name):
    """-sum c log p is a plain sum; its gradients are -c, exp(log p) T - c; normalised rows are a softmax."""
    rng = np.random.default_rng(6)
    for m, n in ((2, 30), (10, 20)):
        lp = alg.log_softmax((rng.standard_normal((n, m)) * rng.choice([1, 10], (n, 1))).astype(name))
        y = rng.integers(0, m, n)
        soft = (2 * rng.dirichlet(np.ones(m), n)).astype(name)
        p = np.exp(lp.astype(np.longdouble))
        stated = {"input": "log_probabilities", "reduction": "none"}
        for t, form, labels in ((alg.one_hot(lp, y), "sparse", y), (soft, "soft", soft)):
            more = {"soft_rows": "any"} if form == "soft" else {}
            problem = posed(lp, labels, form, **more, **stated)
            wide = t.astype(np.longdouble)
            for allowance in (allowances(problem), tight_bounds(problem)["B"]):
                assert (np.abs(-(t * lp).sum(1) - -(wide * lp).sum(1)) <= allowance.loss).all()
                value = np.exp(lp) * t.sum(1, keepdims=True) - t
                assert (np.abs(value - (p * wide.sum(1, keepdims=True) - wide)) <= allowance.gradient).all()
            direct = allowances(posed(lp, labels, form, gradient_wrt="log_probabilities", **more, **stated)).gradient
            assert (direct <= 2 * np.finfo(name).eps * t + 2 * np.finfo(name).tiny).all()
        rows, gradient = cross_entropy(lp, alg.one_hot(lp, y).astype(float).tolist())
        for wrt in ("logits", "log_probabilities"):
            allowance = allowances(posed(lp, y, boundary={"normalise": True}, gradient_wrt=wrt, **stated))
            keep(alg.plain(lp, y), rows, allowance.loss, m)
            keep(alg.gradient_softmax(lp, y), gradient, allowance.gradient, (wrt, m))


@pytest.mark.parametrize("boundary", [{"add": 1e-3}, {"clip": [1e-3, 0.9]}])
def test_log_probabilities_with_a_boundary(boundary):
    """-c r, r = p/(p + eps) or 1 inside the clip."""
    rng = np.random.default_rng(7)
    lp = alg.log_softmax(rng.standard_normal((40, 5)) * 4)
    y = rng.integers(0, 5, 40)
    stated = {"input": "log_probabilities", "reduction": "none", "boundary": boundary, "gradient_of": "loss"}
    p, t = np.exp(lp.astype(np.longdouble)), alg.one_hot(lp, y)
    if "add" in boundary:
        logs, r = np.log(p + boundary["add"]), p / (p + boundary["add"])
        value = np.exp(lp) / (np.exp(lp) + boundary["add"])
    else:
        logs, r = np.log(np.clip(p, *boundary["clip"])), ((p > 1e-3) & (p < 0.9)).astype(float)
        value = r
    allowance = allowances(posed(lp, y, gradient_wrt="log_probabilities", **stated))
    own = np.log(np.exp(lp) + boundary["add"]) if "add" in boundary else np.log(np.clip(np.exp(lp), *boundary["clip"]))
    assert (np.abs(-alg.at(own, y) - -alg.at(logs, y)) <= allowance.loss).all()
    assert (np.abs(-t * value - -t * r) <= allowance.gradient).all()
    assert np.isfinite(allowance.gradient).any()
    assert allowance.gradient[np.isfinite(allowance.gradient)].max() < 1e-13
