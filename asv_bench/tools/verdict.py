"""Whether one commit is worse than another: the rules of the gate, without asv.

Only figures that repeat are judged. Memory and accuracy are the same in every run. Times are judged as ratios: the
sparse path over the one-hot path, which repeats within some 10 %. That ratio does not say which of the two has changed,
nor does it see both change alike; each path's ratio to a frozen kernel does, but drifts by some 30 %. So the first
tells that something has changed, and the second what.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from asv_bench.tools.results import Measured

BENCHMARKS = (
    r"ratios\.(SparseOverOneHot|VsSoftmaxFloor)\.",
    r"memory\.PeakAlloc\.",
    r"accuracy\.Accuracy\.",
)
RATIO = "ratios.SparseOverOneHot.track_ratio"
FLOOR = "ratios.VsSoftmaxFloor.track_ratio"

RATIO_FACTOR = 1.25
FLOOR_FACTOR = 1.6
MEMORY_FACTOR = 1.05
ACCURACY_BITS = 0.1


@dataclass(frozen=True)
class Change:
    """A figure that is worse than it was.

    Parameters
    ----------
    what : str
        The benchmark with its parameters; the same for the same figure in every run.
    sentence : str
    """

    what: str
    sentence: str


def regressions(base: Measured, head: Measured) -> list[Change]:
    """Return what is worse at head than at base; what base has no figure for is not judged."""
    return [*_exact(base, head), *_times(base, head)]


def incomparable(base: Measured, head: Measured) -> list[str]:
    """Return what head has a figure for and base has not."""
    return [
        f"{name}({', '.join(given)})"
        for (name, given), value in head.values.items()
        if value is not None and base.values.get((name, given)) is None
    ]


def compared(base: Measured, head: Measured) -> int:
    """Return how many figures both have."""
    return sum(value is not None and base.values.get(place) is not None for place, value in head.values.items())


def _exact(base: Measured, head: Measured) -> Iterator[Change]:
    for (name, given), now in head.values.items():
        before = base.values.get((name, given))
        if now is None or before is None:
            continue
        what = f"{name}({', '.join(given)})"
        if name.startswith("memory.") and now > MEMORY_FACTOR * before:
            yield Change(what, f"{what}: {before:.3g} -> {now:.3g} bytes per byte of logits")
        if name.startswith("accuracy.") and now > before + ACCURACY_BITS:
            yield Change(what, f"{what}: {2**before - 1:.3g} -> {2**now - 1:.3g} ulp")


def _times(base: Measured, head: Measured) -> Iterator[Change]:
    for (name, given), now in head.values.items():
        before = base.values.get((name, given))
        if name != RATIO or now is None or before is None:
            continue
        moved = now / before
        for form, against in (("sparse", moved), ("onehot", 1.0 / moved)):
            place = (FLOOR, (*given, f"'{form}'"))
            old, new = base.values.get(place), head.values.get(place)
            by_floor = new / old if old and new else math.inf
            # Half of the change, on a logarithmic scale: else it is the other path that got faster.
            alone = against > RATIO_FACTOR and by_floor > math.sqrt(against)
            together = math.isfinite(by_floor) and by_floor > FLOOR_FACTOR
            if alone or together:
                other = "one-hot" if form == "sparse" else "sparse"
                what = f"{form} path at {', '.join(given)}"
                yield Change(
                    what,
                    f"{what}: {against:.2f} times the time it took, relative to the {other} path; "
                    f"{by_floor:.2f} times relative to a frozen softmax",
                )
