"""jax and scipy against mpmath, within the radius that their modules document."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.witnesses import WitnessTally, jax_autodiff, jax_loss_and_gradient, scipy_loss_and_gradient

INF, NAN = np.inf, np.nan


def scipy_on_each(batches):
    """Return scipy's answers in the form of jax's."""
    return [scipy_loss_and_gradient(*batch) for batch in batches]


WITNESSES = pytest.mark.parametrize("witness", [jax_loss_and_gradient, scipy_on_each], ids=["jax", "scipy"])


def drawn():
    """Return batches of many shapes: one-hot and soft, spread, offset, confident, tied and partly masked."""
    rng = np.random.default_rng(30)
    batches = []
    for number, (n, m) in enumerate([(1, 1), (3, 2), (7, 4), (9, 5), (17, 11), (2, 16), (66, 3)]):
        z = rng.standard_normal((n, m)) * np.exp(rng.uniform(-2, 4, (n, 1))) + (1e4 if number % 3 == 1 else 0.0)
        t = np.eye(m)[rng.integers(m, size=n)]
        z[::3] += t[::3] * rng.uniform(0, 700, (len(z[::3]), 1))
        if number % 2:
            t[1::2] = rng.dirichlet(np.ones(m), len(t[1::2])) * 1.5
        if m > 2:
            z[0, :2], t[0] = -INF, np.eye(m)[m - 1]
        batches.append((z, t))
    return batches


@WITNESSES
def test_agrees_with_mpmath(witness, exact):
    """Losses and gradients of every row lie within the tight B radius."""
    tally = WitnessTally("w")
    batches = drawn()
    for (z, t), (losses, gradient) in zip(batches, witness(batches), strict=True):
        loss, slopes, radius, radii = exact.batch(z, t)
        assert losses.dtype == gradient.dtype == np.float64
        assert tally.hold(losses, radius, loss, loss)
        assert tally.hold(gradient, radii, slopes, slopes)
    assert tally.compared == tally.agreed == sum(z.size + len(z) for z, _ in batches)


@WITNESSES
def test_a_wrong_value_leaves_its_radius(witness, exact):
    """The radius is not so wide that a loss off by 1e-10 or a gradient scaled by 1 + 1e-8 would pass."""
    z, t = drawn()[4]
    losses, gradient = witness([(z, t)])[0]
    loss, slopes, radius, radii = exact.batch(z, t)
    assert not WitnessTally("w").hold(losses + 1e-10, radius, loss, loss)
    assert not WitnessTally("w").hold(gradient * (1 + 1e-8), radii, slopes, slopes)


@WITNESSES
def test_infinities_and_nan(witness):
    """A label at -inf costs inf, with the gradient p - t; rows without a finite maximum are nan, others untouched."""
    z = np.array([[0.0, -INF, 0.0], [NAN, 0.0, 0.0], [INF, 0.0, 0.0], [-INF, -INF, -INF], [0.0, 0.0, -INF]])
    t = np.eye(3)[[1, 1, 1, 1, 0]]
    losses, gradient = witness([(z, t)])[0]
    np.testing.assert_array_equal(losses[:4], [INF, NAN, NAN, NAN])
    assert losses[4] == pytest.approx(np.log(2.0), rel=1e-15)
    np.testing.assert_array_equal(gradient[0], [0.5, -1.0, 0.5])
    assert np.isnan(gradient[1:4]).all()
    np.testing.assert_array_equal(gradient[4], [-0.5, 0.5, 0.0])


@WITNESSES
def test_nothing_to_do(witness):
    """No batches, no rows, and rows none of which has an answer."""
    assert witness([]) == []
    losses, gradient = witness([(np.zeros((0, 3)), np.zeros((0, 3)))])[0]
    assert losses.shape == (0,)
    assert gradient.shape == (0, 3)
    losses, gradient = witness([(np.full((2, 2), NAN), np.eye(2))])[0]
    assert np.isnan(losses).all()
    assert np.isnan(gradient).all()


def test_jax_compiles_once_for_a_bucket_and_leaves_the_configuration_alone():
    """Shapes of one bucket share a compilation; float64 is not left on; the inputs are not written to."""
    import jax

    before = jax.config.jax_enable_x64, jax.config.jax_compilation_cache_dir
    batches = drawn()
    copies = [(z.copy(), t.copy()) for z, t in batches]
    jax_loss_and_gradient(batches)
    compiled = jax_autodiff._value_and_gradient()._cache_size()
    jax_loss_and_gradient([(np.zeros((n, m)), np.eye(m)[[0] * n]) for n in (1, 5, 8) for m in (1, 2, 3, 4)])
    assert jax_autodiff._value_and_gradient()._cache_size() <= compiled + 1
    assert (jax.config.jax_enable_x64, jax.config.jax_compilation_cache_dir) == before
    for (z, t), (z_before, t_before) in zip(batches, copies, strict=True):
        np.testing.assert_array_equal(z, z_before)
        np.testing.assert_array_equal(t, t_before)


def test_class_buckets():
    """A number of classes is padded to the next bucket, beyond the last to a power of two."""
    assert [jax_autodiff._class_bucket(m) for m in (1, 4, 5, 128, 129, 32768, 32769, 70_000)] == [
        4,
        4,
        16,
        128,
        1024,
        32768,
        65536,
        131072,
    ]


def test_the_usual_batches_compile_what_most_others_need():
    """After them, batches of up to 1024 classes compile nothing, however many their rows are."""
    jax_autodiff.jax_loss_and_gradient(jax_autodiff.usual())
    compiled = jax_autodiff._value_and_gradient()._cache_size()
    random = np.random.default_rng(5)
    others = [random.standard_normal((n, m)) for n, m in ((1, 3), (9, 10), (70, 100), (2, 1024))]
    jax_autodiff.jax_loss_and_gradient([(scores, np.full(scores.shape, 0.5)) for scores in others])
    assert jax_autodiff._value_and_gradient()._cache_size() == compiled
