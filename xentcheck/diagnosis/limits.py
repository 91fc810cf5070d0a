"""What tells the batches that are answered wrongly from those that are answered rightly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xentcheck.diagnosis.observation import Observation

SHAPES: tuple[tuple[str, Callable[[int, int], bool]], ...] = (
    ("of one row", lambda n, m: n == 1),
    ("of several rows", lambda n, m: n > 1),
    ("of two classes", lambda n, m: m == 2),
    ("with as many rows as classes", lambda n, m: n == m),
)
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
    for axis, name in ((1, "classes"), (0, "rows")):
        least, most = min(shape[axis] for shape in wrong), max(shape[axis] for shape in right)
        if most < least and least > SMALL:
            return f"batches of {least} {name} or more"
    return ""
