"""Losses from which the entropy of smoothed labels is subtracted, as a Kullback-Leibler divergence has it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import one_hot
from xentcheck.probing.answers import Answer
from xentcheck.probing.compare import same

_SMOOTHINGS = (0.1, 0.05, 0.2, 0.01, 0.02, 0.03, 0.15, 0.25, 0.3, 0.4, 0.5, 0.001, 0.005)
"""Shares that somebody writes down; of so few hardly any other loss is one by chance."""

_WORDS = (
    "but the Kullback-Leibler divergence of {of} from labels smoothed by {share:g} over {over}, {how}: a cross-entropy "
    "less the entropy of the labels, which no key of a contract subtracts; add it, by which the gradient stays that of "
    "label_smoothing={share:g} and smoothing_over={key}"
)


def divergence(one: Answer, limit: float) -> str:
    """Return the words for a divergence from smoothed labels of one class a row; "" if an answer is none.

    Parameters
    ----------
    one : Answer
    limit : float
        In which it may be calculated.
    """
    batch = one.batch
    if batch.options or batch.label_form == "soft" or one.how["extra_axes"] or one.m < 2:
        return ""
    hot = batch.labels.astype(np.float64)
    if batch.label_form == "sparse":
        hot = one_hot(batch.labels.reshape(-1).astype(np.int64), one.m, np.float64)
    for logs, of in _logs(batch.scores.astype(np.float64)):
        for share in _SMOOTHINGS:
            for spread, over, key in (
                (share / one.m, "all classes", "all"),
                (share / (one.m - 1) * (1 - hot), "the other classes", "others"),
            ):
                t = (1.0 - share) * hot + spread
                rows = (t * (np.log(t) - logs)).sum(axis=-1)
                ways = ((rows.mean(), "averaged"), (rows.sum(), "summed"), (rows, "one a row"))
                for reduced, how in ways:
                    if same(one.got, np.asarray(reduced), limit):
                        return _WORDS.format(of=of, share=share, over=over, how=how, key=key)
    return ""


def _logs(scores: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.float64], str]]:
    d = scores - scores.max(axis=-1, keepdims=True)
    yield d - np.log(np.exp(d).sum(axis=-1, keepdims=True)), "logits"
    yield scores, "log-probabilities"
    with np.errstate(all="ignore"):
        yield np.log(scores), "probabilities"
