"""From a batch that breaks a law to a smaller one that still does.

Delta debugging (Zeller and Hildebrandt, IEEE TSE 2002) in the terms of this domain: rows, classes, layout, options,
numbers. Hypothesis shrinks choices; this shrinks the batch itself, whatever drew it, so that a batch of the sweep
or a large batch of a seed comes out as small as one drawn number by number.

How one thinks here. A step yields candidates made from the best batch so far, each strictly simpler by a measure of its
own: fewer rows or classes, an option earlier in a fixed order, a lower label, fewer digits to read (`complexity`). Two
steps that each undid the other would end, since no batch is asked about twice, but with the budget gone and at a batch
that nobody chose. What fails is for the caller to say: `engine/minimise.py` asks for the same law, broken in the same
part by the same kind of event, since a wrong number that is a nan further down may be another mistake. So a step may be
bold and knows no law. What the contract does not admit is dropped unasked: a step keeps rows of probabilities such
rows, and labels classes. A question costs a call of the target, the truth of the batch and whatever else the law asks,
and there are 150 of them in quick, eight where each ends a process. Hence the bold candidates come first (all rows, all
scores 0) and single numbers last; hence steps are generators, of which one that succeeds is left and begun anew from
what it found; and hence bounds on what large batches are offered, where number by number would eat the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.dropping import dropped_classes, label_classes
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.rowwise import simpler_label_rows, simpler_score_rows
from xentcheck.batches.simplify import plainer, simpler_labels, simpler_numbers, simpler_scores
from xentcheck.batches.storage import same_content
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract

_PATIENCE = 6
"""How many chunks of one size may be needed before smaller chunks are tried."""


def reduce(
    batch: Batch,
    fails: Callable[[Batch], bool],
    budget: int = 300,
    *,
    contract: Contract | None = None,
    admits: Callable[[Batch], bool] | None = None,
    row: int | None = None,
) -> Batch:
    """Return the smallest batch found for which `fails` is still true; deterministic.

    Parameters
    ----------
    batch : Batch
        One for which `fails` is true; it is returned itself if nothing smaller fails.
    fails : callable
        Whether a batch still breaks the law. It is never asked twice about one batch, nor about one that the
        contract does not admit (unless `batch` itself is not admitted for the same reason).
    budget : int
        How often `fails` may be called.
    contract : Contract, optional
        What the batch has to obey. Without it, scores that look like rows of probabilities stay such rows.
    admits : callable, optional
        Whether `fails` may be asked about a batch that obeys it; one about which it may not costs none of the budget.
    row : int, optional
        The row that the failure was seen in: it is tried alone before any halves.
    """
    if len(batch.labels) != batch.n:
        return batch  # labels that belong to no row
    space = InputSpace(contract or _guessed(batch), batch.dtype, batch.label_form)
    search = _Search(batch, fails, budget, space, admits or (lambda candidate: True))
    if row is not None and row < batch.n > 1:
        search.accept(batch.rows([row]))
    while search.left > 0:
        before = search.best
        _drop_rows(search)
        if search.best.n == 0:
            break  # nothing is left that could be simpler
        _drop_classes(search)
        for step in (plainer, simpler_scores, simpler_score_rows, simpler_label_rows, simpler_labels, simpler_numbers):
            search.descend(step)
        if search.best is before:
            break
    return search.best


class _Search:
    """The smallest failing batch so far, and what may still be asked."""

    def __init__(
        self,
        batch: Batch,
        fails: Callable[[Batch], bool],
        budget: int,
        space: InputSpace,
        admits: Callable[[Batch], bool],
    ) -> None:
        self.best = batch
        self.left = budget
        self.space = space
        self._fails = fails
        self._admits = admits
        self._asked = {same_content(batch)}
        self._tolerated = ("", objection(space, batch))

    def accept(self, candidate: Batch) -> bool:
        """Return whether a candidate fails, which makes it the best so far."""
        if self.left <= 0:
            return False
        mark = same_content(candidate)
        if mark in self._asked or objection(self.space, candidate) not in self._tolerated:
            return False
        self._asked.add(mark)
        if not self._admits(candidate):
            return False
        self.left -= 1
        if not self._fails(candidate):
            return False
        self.best = candidate
        return True

    def descend(self, step: Callable[[InputSpace, Batch], Iterator[Batch]]) -> None:
        """Accept simpler batches of one kind until none fails any more."""
        found = True
        while found and self.left > 0:
            found = any(self.accept(candidate) for candidate in step(self.space, self.best))


def _drop_rows(search: _Search) -> None:
    """Drop rows: halves, quarters, ..., single ones; at least one row stays."""
    _drop(search, lambda batch: np.arange(batch.n), lambda batch, chosen: batch.rows(chosen))


def _drop_classes(search: _Search) -> None:
    """Drop classes that are no row's label: halves, quarters, ..., single ones."""

    def droppable(batch: Batch) -> NDArray[np.intp]:
        free = np.ones(batch.m, bool)
        free[label_classes(search.space, batch)] = False
        return np.flatnonzero(free)

    def without(batch: Batch, kept: NDArray[np.intp]) -> Batch:
        return dropped_classes(search.space, batch, np.delete(droppable(batch), kept))

    _drop(search, droppable, without)


def _drop(
    search: _Search,
    members: Callable[[Batch], NDArray[np.intp]],
    without: Callable[[Batch, NDArray[np.intp]], Batch],
) -> None:
    """Drop chunks of members, from all to single ones, as long as the rest fails.

    Parameters
    ----------
    members : callable
        What may be dropped from a batch.
    without : callable
        The batch with only those members left whose places are given.
    """
    size = len(members(search.best))
    while size >= 1 and search.left > 0:
        start, refused = 0, 0
        while start < (count := len(members(search.best))) and refused < _PATIENCE and search.left > 0:
            places = np.arange(count)
            kept = np.delete(places, slice(start, start + size))
            if search.accept(without(search.best, kept)):
                continue
            refused += 1
            start += size
        if refused >= _PATIENCE and start < count:  # the last chunk is worth a try: a last label, a last block
            search.accept(without(search.best, np.arange(max(count - size, 0))))
        size //= 2


def _guessed(batch: Batch) -> Contract:
    """Return a contract that asks little, for a batch that comes without one."""
    scores, labels = batch.scores.astype(np.float64), batch.labels.astype(np.float64)
    rows = bool(batch.n) and bool((scores >= 0).all()) and bool((np.abs(scores.sum(axis=1) - 1) < 1e-2).all())
    unit = batch.label_form != "soft" or bool((np.abs(labels.sum(axis=1) - 1) < 1e-2).all())
    return Contract(
        input="probabilities" if rows else "logits",
        labels=(batch.label_form,),
        label_shapes=("(n,)", "(n,1)"),
        soft_rows="normalised" if unit else "any",
        nonfinite=("-inf", "+inf", "nan"),
        reduction="sum",
        dtypes=(batch.dtype,),
        **{key: {"argument": key} for key in batch.options},  # type: ignore[arg-type]
    )
