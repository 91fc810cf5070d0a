"""What tells the batches that are answered wrongly from those that are answered rightly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from xentcheck.diagnosis.observation import Observation

SHAPES: tuple[tuple[str, Callable[[int, int], bool]], ...] = (
    ("of one row", lambda n, m: n == 1),
    ("of several rows", lambda n, m: n > 1),
    ("of two classes", lambda n, m: m == 2),
    ("with as many rows as classes", lambda n, m: n == m),
)
SPECIAL = {f"batches {said}" for said, _ in SHAPES}
"""Where the mistake shows, and no more: nearly every mistake needs several rows, or more than one class."""
FEWEST = 3  # answers of each sort, to tell them apart by
SPREAD = 64  # so many rows along several axes may just be the first that are not a square of them
SMALL = 8  # fewer rows or classes than that are no limit that a block or a dtype has


def limits(observations: Sequence[Observation]) -> str:
    """Return what all batches with a wrong answer have in common and those with a right one have not, or "".

    Notes
    -----
    Shapes alone are compared: that a block, a buffer or an integer dtype ends, or that a shape is a special case.
    """
    wrong = {(one.model.n, one.model.m) for one in observations if one.wrong}
    right = {(one.model.n, one.model.m) for one in observations if not one.wrong}
    if len(wrong) < 2 or len(right) < 2:
        return ""
    for said, holds in SHAPES:
        if all(holds(*shape) for shape in wrong) and not any(holds(*shape) for shape in right):
            return f"batches {said}"
    spread = any(one.model.contract.extra_axes != (0,) for one in observations)
    for axis, name in ((1, "classes"), (0, "rows")):
        least, most = min(shape[axis] for shape in wrong), max(shape[axis] for shape in right)
        if most < least and least > (SPREAD if spread else SMALL):
            return f"batches of {least} {name} or more"
    return ""


def known(observations: Sequence[Observation]) -> str:
    """Return in a sentence what tells the wrong answers from the right ones, be it a shape or a size of the scores."""
    wrong = [one for one in observations if one.wrong]
    right = [one for one in observations if not one.wrong]
    if len(wrong) < FEWEST or len(right) < FEWEST:
        return ""
    counted = f"of {len(wrong)} wrong answers and {len(right)} right ones"
    if where := limits(observations):
        return f"Known: {counted}, the wrong ones are those on {where}."
    for said, holds in RARE:
        if all(map(holds, wrong)) and not any(map(holds, right)):
            return f"Known: {counted}, the wrong ones are those on {said}."
    for name, size in SIZES:
        of_wrong, of_right = sorted(map(size, wrong)), sorted(map(size, right))
        if of_right[-1] < of_wrong[0]:
            told = f"{name} of {of_wrong[0]:.6g} or more; up to {of_right[-1]:.6g} all are right"
        elif of_wrong[-1] < of_right[0]:
            told = f"{name} of {of_wrong[-1]:.6g} or less; from {of_right[0]:.6g} on all are right"
        else:
            continue
        return f"Known: {counted}, the wrong ones are those with {told}."
    return ""


def _largest_score(one: Observation) -> float:
    return float(np.abs(one.model.raw[np.isfinite(one.model.raw)]).max(initial=0.0))


def _largest_gap(one: Observation) -> float:
    scores = np.where(np.isfinite(one.model.raw), one.model.raw, 0.0)
    return float(np.ptp(scores, axis=-1).max(initial=0.0)) if scores.shape[-1] else 0.0


def _one_label(one: Observation) -> bool:
    labels = one.model.labels
    return labels is not None and one.model.n > 1 and bool((labels == labels[0]).all())


def _tied(one: Observation) -> bool:
    z = one.model.raw
    return one.model.m > 1 and bool(((z == z.max(axis=-1, keepdims=True)).sum(axis=-1) > 1).any())


RARE: tuple[tuple[str, Callable[[Observation], bool]], ...] = (
    ("several rows that all have the same label", _one_label),
    ("rows in which several scores share the maximum", _tied),
    ("batches with ignored rows", lambda one: not one.model.problem.kept.all()),
    ("batches in which a score is infinite", lambda one: bool(np.isinf(one.model.raw).any())),
    (
        "batches in which a score is negative zero",
        lambda one: bool((np.signbit(one.model.raw) & (one.model.raw == 0)).any()),
    ),
)
"""What a special case may be about, beside shapes."""

SIZES: tuple[tuple[str, Callable[[Observation], float]], ...] = (
    ("a largest score", _largest_score),
    ("a largest difference within a row", _largest_gap),
)
