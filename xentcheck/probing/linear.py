"""Constants in which a loss is linear, a smoothing and a z-loss: solved for from two rows, beside others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from xentcheck.probing.digits import DIGITS, nice
from xentcheck.probing.questions import Questions

IN_WHICH_IT_IS_LINEAR: tuple[tuple[str, dict[str, Any]], ...] = (
    ("label_smoothing", {"smoothing_over": "all"}),
    ("label_smoothing", {"smoothing_over": "others"}),
    ("z_loss", {}),
)
HIGHEST = {"label_smoothing": 1.0, "z_loss": 10.0}
"""What each is below: with a smoothing of 1 no label counts."""


def solve_linear(questions: Questions, key: str, beside: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a constant may be, with what stands beside it, the plainer number first.

    Parameters
    ----------
    questions : Questions
    key : {"label_smoothing", "z_loss"}
    beside : mapping
        Other keys of the contract, by which it is solved for.
    """
    batch = questions.plain(2)
    got = questions.numbers(batch)
    if got is None:
        return
    none, whole = (questions.predict(batch, None, **{**beside, key: amount}) for amount in (0.0, 1.0))
    place = np.unravel_index(np.argmax(np.abs(whole - none)), none.shape)
    if got.shape == none.shape and whole[place] != none[place]:
        value = float((got[place] - none[place]) / (whole[place] - none[place]))
        written = [float(f"{value:.{DIGITS}g}")] if questions.dtype == "float32" else []  # sums of many classes blur it
        for known in dict.fromkeys((*written, nice(value, "float32"), nice(value, questions.dtype))):
            if 0 < known < HIGHEST[key]:
                yield {key: known, **beside}
