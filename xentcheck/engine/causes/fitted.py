"""Mistakes with a constant that nobody can guess: fitted to one number returned, it has to explain the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from xentcheck.engine.causes.guess import Guess
from xentcheck.engine.causes.model import Floats, Model
from xentcheck.engine.causes.seen import Group, Seen

TRIES = 3  # batches to whose values a constant is fitted


def scaled(wrong: Sequence[Seen]) -> Iterator[Group]:
    """Yield one factor for every number."""
    for factor in _constants(wrong, lambda seen: seen.got / seen.model.right):

        def group(model: Model, factor: float = factor) -> Iterator[Guess]:
            text = f"The {model.part} equals the certified one times {factor:.10g} everywhere: a factor is wrong."
            yield Guess("scaled", text, factor * model.right, variant=f"{factor:.6g}", free=1)

        yield group


def _constants(wrong: Sequence[Seen], fit: Callable[[Seen], Floats]) -> Iterator[float]:
    """Yield the constants that the heaviest numbers of the first batches give, no two alike."""
    given: list[float] = []
    with np.errstate(all="ignore"):
        for seen in wrong[:TRIES]:
            values = np.ravel(fit(seen))
            weight = np.where(np.isfinite(values), np.ravel(seen.error), -1.0)
            if not weight.size or weight.max() <= 0:
                continue
            value = float(values[weight.argmax()])
            if not any(abs(value - other) <= 1e-6 * abs(other) for other in given):
                given.append(value)
                yield value


FITS = (scaled,)
