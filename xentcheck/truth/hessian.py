"""The exact product of the Hessian with a vector, written once for every arithmetic.

The gradient of a row by its logits, R p - c + 2 lambda lse p with R = sum_j c_j (see `definition`; the weight of the
row where the gradient is p - t as a policy, whose derivative it then is), has the derivative along v

    (R + 2 lambda lse) p_j (v_j - p.v) + 2 lambda (p.v) p_j

since d p_j = p_j (v_j - p.v) and d lse = p.v, lambda that times the weight of the row; under a temperature
it has the factor 1 / T twice. No boundary comes into
it: where the loss looks at the probability through one, its Hessian is another, which is not judged.

With w = v - v_M, M the place of the maximum, v_j - p.v = w_j - p.w: there p.w holds only the other, smaller
probabilities, and a confident row keeps its relative accuracy.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from xentcheck.contract import Contract
from xentcheck.truth.definition import Block, Columns, factor_of_p, has_z_loss, log_sum
from xentcheck.truth.real import Real
from xentcheck.truth.scores import Logits

R = TypeVar("R", bound=Real)


def unsupported(contract: Contract) -> str:
    """Return why the second derivative of a contract's loss has no formula here, or ""."""
    if contract.input != "logits" or contract.gradient_wrt != "logits":
        return "the certified Hessian is that by logits"
    if contract.is_entropy:
        return "the certified Hessian is that of a loss"
    if contract.soft_cap is not None:
        return "the certified Hessian is that of logits without a soft cap"
    return "" if contract.boundary.exact else "the certified Hessian is that of the exact boundary"


def product(given: Block[R], factor: R, columns: Columns | None = None) -> R:
    """Return factor * H v at chosen columns (n, k) or at all; factor has the shape (n, 1)."""
    q = given.q
    if given.v is None or not isinstance(q, Logits):
        raise ValueError("A Hessian-vector product needs a vector, and logits.")
    at_top = np.take_along_axis(given.v, q.top, -1)
    w = given.real.exact(given.v) - given.real.exact(at_top)
    mean = (q.e * w).sum() / q.S
    strength = factor_of_p(given)
    if has_z_loss(given.problem):
        strength = strength + log_sum(given) * (given.penalty * 2.0)
    bracket = ((w if columns is None else w.at(columns)) - mean) * strength
    if has_z_loss(given.problem):
        bracket = bracket + (mean + at_top) * (given.penalty * 2.0)
    by_logits: R = q.probability(columns, factor) * bracket
    result: R = q.by_scores(q.by_scores(by_logits))
    return result
