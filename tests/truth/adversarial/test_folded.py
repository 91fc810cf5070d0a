"""Softmaxes folded from pairs, with each maximum on the way differentiated: gradient and what is derived of it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.truth.adversarial import algorithms as alg
from tests.truth.adversarial import folded, test_directional, test_hessian_vector
from tests.truth.adversarial.exact import cross_entropy
from tests.truth.adversarial.families import families
from tests.truth.adversarial.hessian_algorithms import directions
from tests.truth.adversarial.judging import InputSpace, allowances, worst

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::RuntimeWarning")]


@pytest.mark.parametrize("name", ["float32", "float64", "bfloat16"])
def test_no_order_exceeds_the_allowances(name):
    """From the left, from the right, in halves and in blocks; equal maxima to the first, the last or both."""
    random, space, ratios = np.random.default_rng(5), InputSpace(name), {}

    def judge(part, error, allowance, *where):
        ratios[part] = max(ratios.get(part, (0.0,)), (worst(error, allowance), *where))

    for m, n in ((2, 4), (3, 4), (10, 3), (60, 2)):
        for family, z, y in [*families(random, name, m, n), *folded.plateaux(random, name, m, n)]:
            rows = np.arange(n)
            spike = np.zeros_like(z)
            spike[rows, random.integers(0, m, n)] = 1000
            tangents = list(directions(random, z, y))
            _, gradient = cross_entropy(z, alg.one_hot(z, y).astype(float).tolist())
            allowed = allowances(space.posed(z, y)).gradient
            for v in (tangents[random.integers(len(tangents))][1], spike):
                product, along = test_hessian_vector.exact(z, v), test_directional.exact(z, y, v)
                of_product = test_hessian_vector.allowance(z, y, v, compute=space.compute)
                of_along = test_directional.allowance(z, y, v, compute=space.compute)
                for order in folded.ORDERS:
                    for ties in folded.TIES:
                        where = family, m, order, ties
                        judge("gradient", gradient.error(folded.gradient(z, y, order, ties)), allowed, *where)
                        judge("product", product.error(folded.hessian_vector(z, v, order, ties)), of_product, *where)
                        judge("along", along.error(folded.along(z, y, v, order, ties)), of_along, *where)
    assert {part: 0.05 < ratio[0] <= 1.0 for part, ratio in ratios.items()} == dict.fromkeys(ratios, True), ratios
