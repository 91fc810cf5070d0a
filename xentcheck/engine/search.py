"""The search of one cell: the deterministic sweep first, then batches that Hypothesis draws.

One batch is drawn once and judged by every property that applies. No batch is thrown away because of what the
target answered.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, settings

from xentcheck.batches.batch import Batch
from xentcheck.batches.strategies import batches
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract
from xentcheck.engine.grading import Graded, grade_answer, worse
from xentcheck.engine.plan import Cell
from xentcheck.properties.answer import refuses_label_dtype
from xentcheck.properties.case import Case, Evaluator
from xentcheck.properties.law import Capabilities, Law, Violation
from xentcheck.truth.problem import Problem

FATAL_LIMIT = 3


@dataclass
class Tally:
    """What is known of one law in one cell."""

    law: Law
    examples: int = 0
    seconds: float = 0.0
    violation: Violation | None = None
    batch: Batch | None = None


@dataclass
class CellResult:
    """Everything about the search of one cell; `drawing` is whether the sweep is over."""

    cell: Cell
    planned: int = 0
    run: int = 0
    skipped: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)
    grades: dict[str, Graded] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    observations: Counter[str] = field(default_factory=Counter)
    deaths: int = 0
    drawing: bool = False
    interrupted: bool = False


class Enough(BaseException):
    """Ends a search early; not an Exception, so that Hypothesis lets it pass."""


class CellSearch:
    """Judges the batches of one cell by all laws.

    Parameters
    ----------
    contract, capabilities, host
        The target.
    laws : sequence of Law
        Those that apply.
    dtypes : sequence of str, optional
        Those of the whole run, among which the sweep is shared; by default all of the contract.
    on_batch, on_violation : callable
        Told of every batch judged and of every law when it is first broken. Either may raise Enough.
    """

    def __init__(
        self,
        contract: Contract,
        capabilities: Capabilities,
        host: Evaluator,
        laws: Sequence[Law],
        cell: Cell,
        *,
        dtypes: Sequence[str] | None = None,
        keep_problems: int = 0,
        on_batch: Callable[[CellResult], None] = lambda result: None,
        on_violation: Callable[[CellResult, Tally], None] = lambda result, tally: None,
    ):
        self.contract = contract
        self.capabilities = capabilities
        self.host = host
        self.result = CellResult(cell, tallies={law.name: Tally(law) for law in laws})
        self.dtypes = dtypes
        self.keep_problems = keep_problems
        self.on_batch = on_batch
        self.on_violation = on_violation

    def case(self, batch: Batch) -> Case:
        """Return the case of one batch."""
        return Case(self.contract, self.capabilities, self.host, batch, self._observe)

    def _observe(self, sentence: str) -> None:
        self.result.observations[sentence] += 1

    def run(self, profile: str, examples: int, seed: int, *, swept: int | None = None) -> CellResult:
        """Search the cell: the sweep, or its first `swept` batches, then what is drawn; ended early, it keeps all."""
        first = list(islice(self.sweep(profile), swept))
        self.result.planned = len(first) + examples
        try:
            for batch in first:
                self.judge(batch)
            self._draw(profile, examples, seed)
        except Enough:
            self._leave()
        except KeyboardInterrupt:
            self.result.interrupted = True
            self._leave()
        return self.result

    def _leave(self) -> None:
        """Count what will not be run any more as skipped."""
        self.result.skipped = self.result.planned - self.result.run

    def sweep(self, profile: str) -> Iterator[Batch]:
        """Return the sweep of the cell."""
        cell = self.result.cell
        return sweep(
            self.contract,
            cell.dtype,
            cell.labels,
            sizes=profile,
            expensive_shapes=self.capabilities.expensive_shapes,
            dtypes=self.dtypes,
        )

    def _draw(self, profile: str, examples: int, seed: int) -> None:
        self.result.drawing = True
        cell = self.result.cell
        strategy = batches(
            self.contract,
            cell.dtype,
            cell.labels,
            sizes=profile,
            expensive_shapes=self.capabilities.expensive_shapes,
        )

        @hypothesis.seed(seed)
        @settings(
            max_examples=examples,
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(strategy)
        def judge(batch: Batch) -> None:
            self.judge(batch)

        judge()

    def judge(self, batch: Batch) -> None:
        """Judge one batch by every law that is not yet known to be broken in this cell."""
        result = self.result
        case = self.case(batch)
        if not case.allows(batch):
            result.skipped += 1
            return
        outcome = case.answer.outcome
        if outcome.died:
            result.deaths += 1
        if outcome.raised is not None and refuses_label_dtype(self.contract, batch, outcome):
            self._observe(f"labels of dtype {batch.labels.dtype} are refused ({outcome.raised.kind})")
            # Judged all the same: the batch may be the only one with its options and its size.
            case = self.case(batch.replace(labels=batch.labels.astype(np.int64)))
            outcome = case.answer.outcome
        result.run += 1
        for tally in result.tallies.values():
            if tally.violation is None:
                self._judge_by(tally, case)
        if outcome.raised is None and not outcome.died:
            self._note(case)
        self.on_batch(result)
        if result.deaths >= FATAL_LIMIT:
            raise Enough

    def _judge_by(self, tally: Tally, case: Case) -> None:
        start = time.perf_counter()
        violation = next(islice(tally.law.judge(case), 1), None)
        tally.seconds += time.perf_counter() - start
        tally.examples += 1
        if violation is not None:
            tally.violation, tally.batch = violation, case.batch
            self.on_violation(self.result, tally)

    def _note(self, case: Case) -> None:
        """Keep what the grades and the witnesses need of a batch."""
        for part in case.want:
            graded = grade_answer(case.answer, part)
            if graded is not None:
                self.result.grades[part] = worse(self.result.grades.get(part), graded)
        # Every third batch, so that drawn ones are among those kept and not the sweep's first alone.
        if self.result.run % 3 == 1 and len(self.result.problems) < self.keep_problems:
            self.result.problems.append(case.answer.problem)
