"""Ratios of errors to allowances, and the settings in which algorithms run."""

from __future__ import annotations

import numpy as np

from tests.truth.adversarial import algorithms as alg
from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.grades import tight
from xentcheck.truth.problem import pose

LIMITED = {"label_shifted_log1p", "rounded_maximum"}
"""Algorithms that overflow on hard rows: only their finite values are judged."""
HALVES = ("float16", "bfloat16")


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


class InputSpace:
    """A format, and the dtype inside: native, or a wider one whose result is rounded."""

    def __init__(self, text):
        self.name, _, inside = text.partition(" in ")
        self.inside = np.dtype(inside) if inside else None
        # A native sum in 16 bits is legitimate only where it is declared.
        native = self.name in HALVES and not inside
        self.compute = self.name if native else "float64" if inside == "float64" else None
        self.form = FORMATS[self.name]

    def run(self, f, z, y):
        if self.inside is None:
            return np.asarray(f(z, y))
        return np.asarray(f(z.astype(self.inside), y)).astype(z.dtype)

    def chosen(self, functions, m):
        for name, f in functions.items():
            foreign = self.name == "bfloat16" and self.inside is None and name in alg.NEEDS_NATIVE_TYPE
            if not foreign and (m == 2 or name not in alg.TWO_CLASSES):
                yield name, f

    def posed(self, z, y, **contract):
        return posed(z, y, reduction="none", compute=self.compute, **contract)


def loss_error(space, name, f, z, y, rows):
    """Errors of one algorithm, 0 where it is not to be judged."""
    error = rows.error(space.run(f, z, y))
    if "softmax" in name and "log" in name and "log_softmax" not in name:
        # -log(softmax) is accurate while the probability is a normal number.
        error = np.where(rows.high >= -np.log(space.form.smallest_normal) - 0.5, 0.0, error)
    if name in LIMITED:
        error = np.where(np.isinf(error), 0.0, error)
    return np.where(np.abs(rows.high) < space.form.largest, error, 0.0)
