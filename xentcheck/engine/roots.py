"""Which findings come of one mistake: each mistake is one finding, with all the laws that it breaks beneath it.

How one thinks here. A wrong number breaks the law of values, and with it most laws that relate two batches; so a target
with one mistake breaks ten laws in every dtype. Two of these are taken for one mistake only by what is known:

1. the same mechanism is shown for both, or the one shown for the first predicts the numbers of the second: in the same
   cell, or in another one where the same happened, all that is wrong and nothing that is right;
2. the same weaker promise would mend both (`promises.py`), and no two mechanisms are shown among those that it mends;
3. no mechanism is shown for either, and the same happened to the same part of the answer, or the loss has another shape
   than declared and the derivative along a tangent the same. Then nothing tells them apart, which is what the report
   says; it does not say that they are one.

What happened first is kept apart from what else was found to break the same law (`further.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from xentcheck.engine.further import Shown
from xentcheck.engine.violation_kind import WRONG_SHAPE
from xentcheck.report.finding import Finding
from xentcheck.report.findings import telling


@dataclass(frozen=True)
class Found:
    """A finding, and what is known of its root cause.

    Parameters
    ----------
    finding : Finding
    mechanism : str
        The one that is shown for it, or for a finding of the same cell whose mechanism predicts its numbers; or "".
    promise : str
        The weaker promise under which the target would conform there, or "".
    event : tuple of str
        What happened, to which part.
    suspected : str
        A mechanism that predicts all wrong answers of the cell and is not shown there, or "".
    """

    finding: Finding
    mechanism: str
    promise: str
    event: tuple[str, ...]
    suspected: str = ""


def shown_mechanism(shown: Shown, cell: Sequence[Shown]) -> str:
    """Return the mechanism that accounts for a finding, among all that are shown in its cell; "" if none does."""
    if shown.observation is None:  # an exception and the like: what happened says more than its name
        return ""
    if shown.told:
        return shown.mechanism
    for other in cell:
        if other.told and other.observation is not None and other.covers(shown.observation):
            return other.mechanism
    return ""


def whose_gradient_is_right(shown: Shown, cell: Sequence[Shown]) -> Shown:
    """Return the finding of a cell that shows the mistake of another one: itself, but for a pair of loss and gradient.

    Where the gradient of such a pair is right, the loss is what is wrong, and the law of its values says so.
    """
    seen = shown.observation
    if shown.law.name != "own-gradient" or seen is None or seen.wrong:
        return shown
    return next((one for one in cell if one.law.name == "value" and one.kind.part == "loss"), shown)


def gathered(found: Iterable[Found]) -> tuple[Finding, ...]:
    """Return one finding for each root cause, the most telling, with the others beneath it."""
    found = _shaped_alike(_shown_elsewhere(tuple(found)))
    by_promise: dict[str, set[str]] = {}
    for one in found:
        by_promise.setdefault(one.promise, set()).add(one.mechanism)
    by_root: dict[tuple[str, ...], list[Finding]] = {}
    for one in found:
        shown = {one.mechanism} if one.mechanism or not one.promise else by_promise[one.promise] - {""}
        if len(shown) == 1 and "" not in shown:
            root = ("mechanism", *shown)
        else:
            root = ("promise", one.promise) if one.promise else ("event", *one.event)
        by_root.setdefault(root, []).append(one.finding)
    ordered = (_loss_first(telling(group)) for group in by_root.values())
    return tuple(replace(first, also=tuple(others)) for first, *others in ordered)


def _shown_elsewhere(found: Sequence[Found]) -> tuple[Found, ...]:
    """Return findings, those with the mechanism that they are suspected of that is shown where the same happened."""
    shown = {(one.mechanism, one.event[:2]) for one in found if one.mechanism}
    return tuple(
        replace(one, mechanism=one.suspected) if not one.mechanism and (one.suspected, one.event[:2]) in shown else one
        for one in found
    )


def _shaped_alike(found: Sequence[Found]) -> tuple[Found, ...]:
    """Return findings, that of a derivative along a tangent as one of the loss where it has the shape of that."""
    losses = {_shapes(one): one.event for one in found if one.event[:2] == (WRONG_SHAPE, "loss")}
    return tuple(
        replace(one, event=losses[_shapes(one)])
        if one.event[:2] == (WRONG_SHAPE, "jvp") and _shapes(one) in losses
        else one
        for one in found
    )


def _loss_first(ordered: list[Finding]) -> list[Finding]:
    """Return findings with one of the loss before those of what a derivative along a tangent has from it."""
    return sorted(ordered, key=lambda one: one.part == "jvp" and " has shape " in one.title)


def _shapes(one: Found) -> str:
    return one.finding.title.partition(" has shape ")[2]
