"""What is allowed of a target for two classes alone, which works on z_1 - z_0 (docs/bounds.md, section 4)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xentcheck.truth.allowance_model import Arithmetic, Floats
from xentcheck.truth.allowance_unscaled import Unscaled
from xentcheck.truth.conditions import Conditions


def on_one_number(on: Conditions, by: Arithmetic) -> bool:
    """Return whether the loss is a function of z_1 - z_0 that may be calculated as one, without relative accuracy.

    So it is where the domain has two classes alone. A soft cap and a z-loss are of each logit, and p - t as a policy
    need not sum to 0.
    """
    problem, contract = on.problem, on.problem.contract
    alone = tuple((contract.domain or {}).get("classes", ())) == (2, 2) and problem.m == 2
    by_logits = contract.input == "logits" and contract.gradient_wrt == "logits"
    both = problem.soft_cap is None and not on.z_loss and not contract.p_minus_t and not contract.is_entropy
    return alone and by_logits and both and not by.relative


def mirrored(on: Conditions, by: Arithmetic, raw: Unscaled) -> Unscaled:
    """Return the allowances of a gradient of which one element is minus the other: the larger of the two for both."""
    if not on_one_number(on, by):
        return raw
    stored = None if raw.stored is None else _larger(raw.stored)
    return replace(raw, error=_larger(raw.error), terms=_larger(raw.terms), stored=stored)


def product_of_both(on: Conditions, by: Arithmetic, relative: Floats, v: Floats) -> Floats | float:
    """Return what s (1 - s) (v_1 - v_0) of s = sigmoid(z_1 - z_0) adds to a Hessian-vector product before its factor.

    1 - s is off by u and by the error of s, absolutely, whatever is left of it.
    """
    if not on_one_number(on, by):
        return 0.0
    added: Floats = _larger(on.p * relative + by.u) * np.abs(v).sum(axis=1, keepdims=True)
    return added


def _larger(values: Floats) -> Floats:
    return np.repeat(values.max(axis=1, keepdims=True), values.shape[1], axis=1)
