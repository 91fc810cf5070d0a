"""Whether one commit is worse than another: the rules of the gate, without asv.

Only figures that repeat are judged. Memory and accuracy are the same in every run. Times are judged as ratios: the
sparse path over the one-hot path, which repeats within some 10 %. That ratio does not say which of the two has changed,
nor does it see both change alike; each path's ratio to a frozen kernel does, but single ones drift by up to 90 %. So
the first tells that something has changed, the second what; alone, the second counts only by its median over all sizes.
"""

from __future__ import annotations

import math
import statistics
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
    """Yield paths that got slower: one relative to the other at some size, or on the whole relative to the kernel."""
    for form, other in (("sparse", "one-hot"), ("onehot", "sparse")):
        floors = _floor_changes(base, head, form)
        alone = False
        for (name, given), now in head.values.items():
            before = base.values.get((name, given))
            if name != RATIO or now is None or before is None:
                continue
            against = now / before if form == "sparse" else before / now
            part = given[-1]
            typical = statistics.median([change for place, change in floors.items() if place[-1] == part] or [math.inf])
            # Half of the change, on a logarithmic scale: else it is the other path that got faster.
            by_floor = max(floors.get(given, math.inf), typical)
            if against > RATIO_FACTOR and by_floor > math.sqrt(against):
                alone = True
                what = f"{form} path at {', '.join(given)}"
                yield Change(what, f"{what}: {against:.2f} times the time it took, relative to the {other} path")
        # One size alone proves nothing here: the kernel's own time drifts.
        for part in sorted({place[-1] for place in floors}):
            typical = statistics.median(change for place, change in floors.items() if place[-1] == part)
            if typical > FLOOR_FACTOR and not alone:
                what = f"{form} path, {part}, at most sizes"
                yield Change(what, f"{what}: {typical:.2f} times the time it took, relative to a frozen softmax")


def _floor_changes(base: Measured, head: Measured, form: str) -> dict[tuple[str, ...], float]:
    """Return by how much the time of a path over that of the frozen kernel has changed, by the other parameters."""
    changes = {}
    for (name, given), now in head.values.items():
        before = base.values.get((name, given))
        if name == FLOOR and given[-1].strip("'") == form and now and before:
            changes[given[:-1]] = now / before
    return changes
