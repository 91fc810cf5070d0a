"""What scores and labels under a contract are allowed, for the tests of the allowances."""

from __future__ import annotations

import mpmath
import numpy as np

from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.grades import tight
from xentcheck.truth.problem import pose


def allowances(z, labels, form="sparse", options=None, upstream=None, **contract):
    """Return the conformance allowances of scores under a contract."""
    z = np.asarray(z)
    declared = Contract(dtypes=[z.dtype.name], labels=[form], **contract)
    problem = pose(declared, z, np.asarray(labels), form, options, upstream)
    return conformance(problem, conditions(problem))


def bounds(z, labels, form="sparse", **contract):
    """Return the tight bounds."""
    z = np.asarray(z)
    problem = pose(Contract(dtypes=[z.dtype.name], labels=[form], **contract), z, np.asarray(labels), form)
    return tight(problem, conditions(problem))


class Row:
    """The quantities of one row by their definitions, at 60 digits."""

    def __init__(self, z, t):
        z = [mpmath.mpf(float(x)) for x in z]
        self.m, self.M, self.t = len(z), max(z), [mpmath.mpf(float(x)) for x in t]
        e = [mpmath.exp(x - self.M) for x in z]
        S = mpmath.fsum(e)
        self.p, self.d, self.l = [x / S for x in e], [self.M - x for x in z], mpmath.log(S)
        self.z, self.D = z, mpmath.fsum(a * b for a, b in zip(self.p, self.d, strict=True))
        self.q, self.T, self.lse = 1 - 1 / S, mpmath.fsum(self.t), self.M + self.l
        self.gap = mpmath.fsum(a * b for a, b in zip(self.t, self.d, strict=True))
        self.L, self.h = self.T * self.l + self.gap, self.m - 1
