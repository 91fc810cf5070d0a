"""What about a batch a target refuses with an exception: told only where other batches leave no doubt.

The smallest batch that raises has one row, one class or an odd layout by chance as often as for a reason. So a pattern
is the cause only if it alone holds for every batch that raised so and for none that was answered, and if the batch is
answered once that is changed. Otherwise the exception's own words are all that is known, and they stand in the finding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.diagnosis.cause import Cause
from xentcheck.properties.law import Violation

FEWEST = 2  # batches that raised, and batches that were answered
OWN_WORDS = ("ImportError", "ModuleNotFoundError", "SystemExit", "KeyboardInterrupt", "MemoryError")
"""Exceptions about the environment or the process, whatever the batch was."""


@dataclass(frozen=True)
class Pattern:
    """Something about a batch that a target may refuse.

    Parameters
    ----------
    holds : callable
        Whether a batch has it.
    sentence : callable
        What is refused, for a batch that has it.
    without : callable
        The batch without it.
    """

    holds: Callable[[Batch], bool]
    sentence: Callable[[Batch], str]
    without: Callable[[Batch], Batch]


def _two_classes(batch: Batch) -> Batch:
    scores = np.concatenate([batch.scores, batch.scores], axis=1)
    dense = batch.label_form != "sparse"
    labels = np.concatenate([batch.labels, np.zeros_like(batch.labels)], axis=1) if dense else batch.labels
    return batch.replace(scores=scores, labels=labels)


def _one_row(batch: Batch) -> Batch:
    labels = np.zeros((1, *batch.labels.shape[1:]), batch.labels.dtype)
    if batch.label_form != "sparse":
        labels[0, 0] = 1
    return batch.replace(scores=np.zeros((1, batch.m), batch.scores.dtype), labels=labels)


PATTERNS = (
    Pattern(
        lambda batch: batch.n == 0,
        lambda batch: (
            'A batch of no rows is refused; where that is meant, the contract says so: domain={"rows":[1,1048576]}.'
        ),
        _one_row,
    ),
    Pattern(lambda batch: batch.m == 1, lambda batch: "A single class is refused; its loss is 0.", _two_classes),
    Pattern(
        lambda batch: batch.layout != "C",
        lambda batch: f"The target needs another memory layout than {batch.layout}; make the array contiguous first.",
        lambda batch: batch.replace(layout="C"),
    ),
    Pattern(
        lambda batch: batch.labels.dtype != batch.plain_label_dtype,
        lambda batch: f"Labels of dtype {batch.labels.dtype.name} are not taken; convert them before they are used.",
        lambda batch: batch.replace(labels=batch.labels.astype(batch.plain_label_dtype)),
    ),
    Pattern(
        lambda batch: batch.label_form == "sparse" and batch.labels.ndim == 2,
        lambda batch: "Labels of shape (n, 1) are not taken, though the contract declares them; flatten them.",
        lambda batch: batch.replace(labels=batch.labels.reshape(-1)),
    ),
)


def refusal(
    violation: Violation, raised: Sequence[Batch], answered: Sequence[Batch], is_answered: Callable[[Batch], bool]
) -> Cause:
    """Return what a target refuses; a cause without a sentence where nothing is known beyond what its exception says.

    Parameters
    ----------
    violation : Violation
        An exception on a valid batch.
    raised, answered : sequence of Batch
        Further batches that raised the same at the same place, and batches that were answered.
    is_answered : callable
        Asks the target about a batch.
    """
    said = str(violation.got)
    words = Cause("raises", "")
    if said.startswith("FloatingPointError"):
        return replace(words, sentence="numpy raises it under np.errstate(...='raise'), where else it goes on.")
    everywhere = [violation.batch, *raised]
    if said.startswith(OWN_WORDS) or len(everywhere) < FEWEST or len(answered) < FEWEST:
        return words
    fitting = [
        pattern for pattern in PATTERNS if all(map(pattern.holds, everywhere)) and not any(map(pattern.holds, answered))
    ]
    if len(fitting) != 1 or not is_answered(fitting[0].without(violation.batch)):
        return words
    refused = fitting[0].sentence(violation.batch)
    return Cause("raises", f"{refused} Every batch tried that is so raises this, and no other does.")
