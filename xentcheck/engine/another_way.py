"""Where a reduction ends at a batch that is waived: reduced again, with a size or the labels of that batch excluded.

A mistake that needs six classes may be reduced by way of two, where what is waived is wrong, and ends as that. Of six
classes that are not two, nothing is left to be reduced to but six: what is wrong there is another mistake, or the same
seen twice, which a second waiver settles. A mistake that is there at all sizes comes out at the nearest size, and with
nothing else about it: then it is the one that is waived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.engine.cell_result import Fall
from xentcheck.engine.conclusion import Conclusion
from xentcheck.engine.minimise import Asked
from xentcheck.properties.law import Violation

TRIED = 4
"""Values of a feature that are tried of those that falls have: most reductions of one law end alike."""


def _labels(batch: Batch) -> frozenset[int]:
    sparse = batch.label_form == "sparse"
    return frozenset(np.asarray(batch.labels).ravel().astype(int).tolist()) if sparse else frozenset()


FEATURES: dict[str, Callable[[Batch], object]] = {
    "classes": lambda batch: batch.scores.shape[-1],
    "rows": lambda batch: batch.n,
    "labels": _labels,
}


@dataclass
class AnotherWay:
    """What is tried of a law whose reductions end where it is waived.

    Parameters
    ----------
    conclusion : Conclusion
    explained : callable
        Whether a violation comes of a mistake that is known.
    """

    conclusion: Conclusion
    explained: Callable[[Violation], bool]
    _tried: dict[tuple[str, object], set[object]] = field(default_factory=dict)
    _asked: dict[tuple[str, object], Asked] = field(default_factory=dict)

    def ends(self, fall: Fall, waived: Fall) -> Iterator[tuple[Fall, bool]]:
        """Yield what else a fall is reduced to that ended at a waived one, and whether it was reduced."""
        for name, feature in FEATURES.items():
            own, known = feature(fall.violation.batch), feature(waived.violation.batch)
            tried = self._tried.setdefault((name, known), set())
            if own == known or own in tried or len(tried) == TRIED:
                continue
            tried.add(own)
            asked = self._asked.setdefault((name, known), {})
            smallest, minimal = self.conclusion.minimised(fall, self._excusing(feature, known), asked)
            if minimal and _farther(name, smallest.violation.batch, waived.violation.batch):
                yield smallest, minimal

    def _excusing(self, feature: Callable[[Batch], object], known: object) -> Callable[[Violation], bool]:
        return lambda violation: feature(violation.batch) == known or self.explained(violation)


def _farther(name: str, batch: Batch, waived: Batch) -> bool:
    """Return whether a batch has more about it than that one feature of the waived one is another."""
    top, other = max(_labels(batch), default=0), max(_labels(waived), default=0)
    step = {feature: int(feature == name) for feature in FEATURES}
    classes = max(waived.scores.shape[-1] + step["classes"], top + 1)
    return batch.scores.shape[-1] > classes or batch.n > waived.n + step["rows"] or top > other + max(1, step["labels"])
