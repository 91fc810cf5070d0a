"""Weights of the rows: numbers, a mask, or one of bool, and what a mean divides by then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xentcheck.probing.inference import Inference
from xentcheck.probing.names import names_mask
from xentcheck.probing.questions import Questions

KINDS = ("numbers", "mask", "bool")
_MEANS = {"numbers": ("rows", "kept", "weights"), "mask": ("rows", "kept", "weights"), "bool": ("rows", "kept")}
_NUMBERS = ((3.0, 0.0, 1.0, 2.0), (0.25, 0.5, 1.0))
"""A row that does not count beside one that counts threefold; and weights that a mask's sum is held above."""
_MASK = ((1.0, 0.0, 1.0, 1.0),)


@dataclass(frozen=True)
class Weighting:
    """How rows are weighted.

    Parameters
    ----------
    means : tuple of str
        What a mean may divide by; () where losses are not averaged.
    evidence : str
    """

    means: tuple[str, ...]
    evidence: str


def values_of(kind: str) -> tuple[float, ...]:
    """Return row weights that show, for up to four rows."""
    return _MASK[0] if kind != "numbers" else _NUMBERS[0]


def weighted(questions: Questions) -> Weighting | None:
    """Return how the declared argument weights rows; None where it does not, or not as the declared kind does."""
    kind = questions.contract.row_weights_as
    averaged = questions.contract.reduction == "mean"
    candidates: list[dict[str, Any]] = [{"mean_over": mean} for mean in _MEANS[kind]] if averaged else [{}]
    words = []
    # Weights of rows are no weights of classes where there are as many; a label of 0 may be one of padding.
    labels = (1, 2) if questions.m > 2 else (1, 0, 1)
    n = len(labels)
    for values in _NUMBERS if kind == "numbers" else _MASK:
        batch = questions.batch(questions.rows(n), labels, row_weights=values[:n])
        fits, evidence = questions.choose(batch, candidates)
        candidates = [dict(one) for one in fits]
        words.append(evidence)
    if not candidates:
        return None
    return Weighting(tuple(one["mean_over"] for one in candidates if averaged), "; ".join(words))


def find_row_weights(questions: Questions, inference: Inference, name: str) -> bool:
    """Tell what row weights are and what a mean divides by; return whether the argument does weight rows."""
    before = questions.contract.row_weights_as
    found: dict[str, Weighting] = {}
    for kind in KINDS:
        questions.learn(row_weights_as=kind)
        if (one := weighted(questions)) is not None:
            found[kind] = one
    questions.learn(row_weights_as=before)
    if not found:
        return False
    # Numbers are asked of no argument that is called a mask, whatever it makes of them.
    order = KINDS[::-1] if names_mask(name) else KINDS
    kind = next(one for one in order if one in found)
    chosen, others = found[kind], tuple(one for one in KINDS if one in found and one != kind)
    questions.learn(row_weights_as=kind)
    inference.tell("row_weights", {"argument": name}, f"{chosen.evidence}, as weights of the rows give")
    why = f"it is called {name}, and {kind} is understood" if names_mask(name) else f"{kind} are understood"
    inference.tell("row_weights_as", kind, f"{why}: {chosen.evidence}", others)
    if chosen.means:
        mean = next(one for one in ("rows", "kept", "weights") if one in chosen.means)
        questions.learn(mean_over=mean)
        also = tuple(one for one in chosen.means if one != mean)
        inference.tell("mean_over", mean, f"{chosen.evidence}, as mean_over {mean!r} gives", also)
    return True
