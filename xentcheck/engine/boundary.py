"""Where p - t stops being the derivative of the declared loss.

A contract may promise the gradient of the ideal loss beside a loss with an eps or a clip, or p - t beside a loss of
soft rows of any sum. Both promises can be kept, but they are not about one function: this module says for which
probabilities of the label, and for which rows, they part.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from xentcheck.contract import Contract
from xentcheck.contract.declaration import KEYS
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.problem import pose

ANY_SUM = (
    "the gradient promised, p - t whatever the sum of a row, is not the derivative of the loss, (sum t) p - t, where "
    "the labels of a row do not sum to 1"
)


def parting_of_gradients(contract: Contract, dtypes: Iterable[str]) -> list[str]:
    """Return a sentence for each dtype in which the promised gradient is not that of the declared loss.

    One of all dtypes says it of p - t as a policy. For a boundary two classes are looked at, the label's probability p
    on a grid of powers of two toward 0 and toward 1: the certified gradients of the ideal and of the guarded loss are
    held against each other with the allowance between them.
    """
    said = [ANY_SUM] if contract.p_minus_t else []
    if contract.boundary.exact or contract.gradient_of == "loss" or contract.input != "probabilities":
        return said
    return said + [
        sentence for dtype in dtypes if dtype in ("float32", "float64") for sentence in _parting(contract, dtype)
    ]


def _parting(contract: Contract, dtype: str) -> list[str]:
    small = 2.0 ** -np.arange(1.0, 120.0)
    near = 1 - 2.0 ** -np.arange(2.0, 24.0 if dtype == "float32" else 53.0)
    limits = contract.boundary.read_in(FORMATS[dtype].eps).clip or (0.0, 1.0)
    beside = [
        np.nextafter(np.asarray(limit, dtype), np.asarray(away, dtype))
        for limit, away in zip(limits, (0, 2), strict=True)
    ]
    p = np.unique(np.clip(np.concatenate([[0.0], small, near, np.asarray(beside, np.float64), [1.0]]), 0.0, 1.0))
    scores = np.stack([p, 1 - p], axis=1).astype(dtype)
    labels = np.stack([np.ones_like(p), np.zeros_like(p)], axis=1).astype(dtype)
    problem = pose(_plain(contract), scores, labels, "onehot")
    other = replace(problem, contract=problem.contract.replace(gradient_of="loss"))
    ideal, guarded = enclose(problem).gradient, enclose(other).gradient
    allowed = conformance(problem, conditions(problem)).gradient
    if ideal is None or guarded is None:
        return []
    with np.errstate(invalid="ignore"):
        apart = np.abs((ideal.hi - guarded.hi) + (ideal.lo - guarded.lo)) - ideal.radius - guarded.radius
    # Where the guarded derivative has no one value (at a clip limit), nothing is said.
    difference = np.where(np.isfinite(apart), apart, 0)[:, 0]
    parted = difference > np.where(np.isfinite(allowed[:, 0]), allowed[:, 0], 0)
    formula = ("clip(p) - t", "-t/clip(p)") if contract.at_clipped else ("p - t", "-t/p")
    return _sentence(dtype, p, difference, parted, formula[contract.gradient_wrt != "logits"])


def _plain(contract: Contract) -> Contract:
    """Return the contract of a single row without weights: constants stay, and what is an argument is left out."""
    plain: dict[str, Any] = {name: KEYS[name].to_json(KEYS[name].default) for name in contract.drawn}
    plain |= {"labels": ["onehot"], "reduction": "none", "gradient_reduction": "none"}
    plain["gradient_of"] = contract.gradient_of if contract.at_clipped else "ideal"
    plain |= {"class_weights": None, "class_weights_as": "numbers", "row_weights": None, "ignore_index": None}
    return contract.replace(**{**plain, "divisor": None, "exclusive": []})


def _sentence(dtype: str, p: np.ndarray, difference: np.ndarray, parted: np.ndarray, formula: str) -> list[str]:
    low, high = parted & (p <= 0.5), parted & (p > 0.5)
    clauses = []
    if low.any():
        clause = f"p_y <= {p[low].max():.2g} ("
        if formula == "-t/p":  # it has no largest value but where the grid ends
            clause += "nearly 1/p_y apart toward 0, without a limit"
        else:
            clause += f"the largest difference, {difference[low].max():.2g}, at "
            clause += f"p_y = {p[low][np.argmax(difference[low])]:.2g}"
        tenth = low & (difference > 0.01)
        if tenth.any() and p[tenth].max() < p[low].max():
            clause += f"; more than 0.01 from p_y = {p[tenth].max():.2g} down"
        clauses.append(clause + ")")
    if high.any():
        clauses.append(f"p_y >= 1 - {1 - p[high].min():.2g} (by up to {difference[high].max():.2g})")
    if not clauses:
        return []
    return [
        f"{dtype}: the gradient promised, {formula}, is that of the ideal loss; it is not the derivative of the "
        f"declared loss, beyond rounding, where {' and where '.join(clauses)}"
    ]
