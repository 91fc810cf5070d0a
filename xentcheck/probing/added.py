"""What is added to probabilities before the logarithm, where it is so much that ordinary rows show it.

Less than that is told by `boundary`. Beside a smoothing, whose share of each other class is q, a row that is sure of
class 0 has the losses (1 - q) u - q l of another label and (m - 1) q u - (1 - (m - 1) q) l of its own, where u is
-log eps and l log(1 + eps): of both together come u and q.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xentcheck.probing.boundary_rows import certain, impossible, sure
from xentcheck.probing.digits import DIGITS, is_written, nice
from xentcheck.probing.questions import Questions

_MOST = 0.1
_LEAST = 1e-7
"""Beside a smoothing: of less the smoothing is read off ordinary rows."""
_ROUNDS = 4


def solve_added(questions: Questions) -> Iterator[dict[str, Any]]:
    """Solve for what is added to the probability of a label."""
    if questions.contract.input == "log_probabilities" or questions.part != "loss":
        return
    batch = questions.plain(1)
    loss = questions.of_a_row(batch)
    if loss is None:
        return
    probability = float(np.exp(-questions.once(float(questions.predict(batch).reshape(-1)[0]))))
    with np.errstate(all="ignore"):
        added = nice(float(np.exp(-loss)) - probability, questions.dtype)
    if 0.0 < added < _MOST and is_written(added):
        yield {"boundary": {"add": added}}


def solve_added_beside_smoothing(questions: Questions) -> Iterator[dict[str, Any]]:
    """Solve for both what is added to each probability and a smoothing."""
    if questions.contract.input == "log_probabilities" or questions.part != "loss" or questions.form != "sparse":
        return
    m = questions.m
    own = questions.of_a_row(certain(questions, label=sure(questions)))
    if own is None or not 0.0 < own < np.inf:
        return
    other = questions.of_a_row(impossible(questions, questions.dtype))
    if other is None or not own < other < np.inf:
        return
    share = small = large = 0.0
    for _ in range(_ROUNDS):
        of_others = (own + (1.0 - (m - 1) * share) * small) / (m - 1)
        large = other + share * small + of_others
        share, small = of_others / large, float(np.log1p(np.exp(-large)))
    added = float(np.exp(-large))
    written = float(f"{added:.{DIGITS}g}")
    if not _LEAST < written < _MOST or abs(added - written) > 1e-3 * written:
        return
    for over, smoothing in (("all", share * m), ("others", share * (m - 1))):
        known = float(f"{smoothing:.{DIGITS}g}")
        if 0.0 < known < 1.0 and abs(smoothing - known) < 1e-3 * known:
            yield {"label_smoothing": known, "smoothing_over": over, "boundary": {"add": written}}
