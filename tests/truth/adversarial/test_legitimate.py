"""No legitimate algorithm exceeds its conformance allowance; the plain ones keep the tight bounds."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial.exact import cross_entropy
from tests.truth.adversarial.families import climb, families
from tests.truth.adversarial.judging import HALVES, InputSpace, allowances, loss_error, posed, tight_bounds, worst

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
SHAPES = ((1, 2), (2, 16), (3, 10), (10, 5), (60, 3), (300, 1))
SETTINGS = ("float32", "float64", *HALVES, "float16 in float32", "bfloat16 in float32", "float32 in float64")


@pytest.mark.slow
@pytest.mark.parametrize("text", SETTINGS)
def test_losses_and_gradients(text):
    """Some fifty algorithms on forty families of logits, in four formats and three mixed settings."""
    space, failures = InputSpace(text), []
    rng = np.random.default_rng(20)

    def judge(what, error, allowance):
        ratio = worst(error, allowance)
        if ratio > 1:
            failures.append((*what, ratio))

    for m, n in SHAPES:
        if m > 60 and space.name in HALVES:
            continue
        for family, z, y in families(rng, space.name, m, n):
            rows, gradient = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
            own = {a: allowances(space.posed(z, y, accuracy=a)) for a in ("B", "C", "B+")}
            for accuracy, functions in (("B", alg.CLASS_B), ("C", alg.CLASS_B | alg.CLASS_C), ("B+", alg.RELATIVE)):
                for name, f in space.chosen(functions, m):
                    judge((name, accuracy, family, m), loss_error(space, name, f, z, y, rows), own[accuracy].rows)
            for accuracy, functions in (("B", alg.GRADIENTS_B), ("C", alg.GRADIENTS_C), ("B+", alg.RELATIVE_GRADIENTS)):
                for name, f in space.chosen(functions, m):
                    error = gradient.error(space.run(f, z, y))
                    judge((name, accuracy, family, m), error, own[accuracy].gradient)
            if space.inside is None:
                bounds = tight_bounds(space.posed(z, y))
                for form, functions in (("R", alg.RELATIVE), ("B", alg.TIGHT_B), ("C", alg.TIGHT_C)):
                    for name, f in space.chosen(functions, m):
                        judge((name, form, family, m), loss_error(space, name, f, z, y, rows), bounds[form].rows)
                for form, functions in (
                    ("R", alg.RELATIVE_GRADIENTS),
                    ("B", alg.TIGHT_GRADIENTS),
                    ("C", alg.GRADIENTS_C),
                ):
                    for name, f in space.chosen(functions, m):
                        judge((name, form, family, m), gradient.error(f(z, y)), bounds[form].gradient)
    assert not failures, sorted(failures, key=lambda failure: -failure[-1])[:10]


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("m", [2, 3, 6])
def test_hill_climbing(name, m):
    """Inputs changed at random where that raises the ratio: natural, online, base-2 and -log(softmax) code."""
    for f in (alg.plain, alg.online, alg.base_two, alg.softmax_then_log, alg.label_shifted):
        rng = np.random.default_rng(7)

        def score(z, y, f=f):
            rows, _ = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
            error = loss_error(InputSpace(name), f.__name__, f, z, y, rows)
            return error / allowances(posed(z, y, reduction="none")).rows

        z = (rng.standard_normal((24, m)) * rng.choice([0.5, 3, 12], (24, 1))).astype(name)
        best = climb(rng, score, z, rng.integers(0, m, 24), 12)
        assert 0.02 < best.max() <= 1, (f.__name__, best.max())


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_jax(name):
    """XLA's log_softmax, softmax and logsumexp, jitted, and their gradients."""
    jnp = jax.numpy
    with jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64():

        def pick(a, y):
            return jnp.take_along_axis(a, y[:, None], 1)[:, 0]

        def by_log_softmax(z, y):
            return -pick(jax.nn.log_softmax(z, -1), y)

        def by_logsumexp(z, y):
            return jax.nn.logsumexp(z, -1) - pick(z, y)

        def everything(z, y):
            return (
                by_log_softmax(z, y),
                by_logsumexp(z, y),
                jax.grad(lambda x: by_log_softmax(x, y).sum())(z),
                jax.grad(lambda x: by_logsumexp(x, y).sum())(z),
            )

        compiled = jax.jit(everything)
        rng = np.random.default_rng(9)
        for m, n in ((2, 12), (10, 6)):
            for family, z, y in families(rng, name, m, n):
                rows, gradient = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
                b, c = (allowances(posed(z, y, reduction="none", accuracy=a)) for a in ("B", "C"))
                values = [np.asarray(value) for value in compiled(z, y)]
                for value, exact, allowance in zip(
                    values, (rows, rows, gradient, gradient), (b.rows, c.rows, b.gradient, c.gradient), strict=True
                ):
                    assert worst(exact.error(value), allowance) <= 1, (family, m)
