"""Ratios of errors to allowances."""

from __future__ import annotations

import numpy as np

from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.grades import tight
from xentcheck.truth.problem import pose


def posed(z, labels, form="sparse", options=None, upstream=None, **contract):
    """Return the problem of logits or other scores under a contract, the dtype and the label form declared."""
    declared = Contract(dtypes=[z.dtype.name], labels=[form], **contract)
    return pose(declared, z, labels, form, options, upstream)


def allowances(problem):
    """Return the conformance allowances of a problem."""
    return conformance(problem, conditions(problem))


def tight_bounds(problem):
    """Return the tight bounds of a problem."""
    return tight(problem, conditions(problem))


def worst(error, allowance):
    """Return the largest error/allowance; an element without a bound, or exact, counts 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(np.isinf(allowance) | (error == 0), 0.0, error / allowance)
    return float(np.max(ratio, initial=0.0))
