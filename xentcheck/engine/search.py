"""The search of one cell: the deterministic sweep first, then batches that Hypothesis draws.

One batch is drawn once and judged by every property that applies. No batch is thrown away because of what the
target answered.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, settings

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.shapes import space_of
from xentcheck.batches.storage import digest
from xentcheck.batches.strategies import batches
from xentcheck.batches.sweep import sweep
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract
from xentcheck.contract.declaration import OPTIONS
from xentcheck.contract.keys_promises import EXCLUSIVE_OPTIONS
from xentcheck.engine import coverage
from xentcheck.engine.cell_result import FATAL_LIMIT, CellResult, Fall, Tally
from xentcheck.engine.economy import Graph, graph_of, in_few_layouts
from xentcheck.engine.grading import grade_answer, worse
from xentcheck.engine.hypothesis_home import elsewhere
from xentcheck.engine.plan import Cell
from xentcheck.properties.answer import Answer
from xentcheck.properties.case import Case, Evaluator
from xentcheck.properties.failed_call import failed_call, refuses_label_dtype
from xentcheck.properties.law import Capabilities, Law, Violation
from xentcheck.properties.left_open import OFTEN, SELDOM, LeftOpen
from xentcheck.properties.values import answers

LARGEST_KEPT = 2**15  # entries of a batch on which a law that has fallen is asked again
LARGEST_WITNESSED = 2**16


@dataclass(frozen=True)
class Begun:
    """A law that has asked what it asks about a batch: its violations to come, and whether it has `looked` already.

    `again`: whether it had fallen before.
    """

    tally: Tally
    violations: Iterator[Violation]
    looked: bool
    again: bool


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
    witnessed : int
        How many batches are kept for the witnesses.
    again : int
        On how many further batches a law may be broken before it is not asked any more.
    turns : float
        Of how many batches a law that asks questions of its own about them has one, on the average.
    graphs : frozenset of Graph, optional
        Those that batches are drawn of; of any by default.
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
        witnessed: int = 0,
        again: int = 0,
        turns: float = 1.0,
        graphs: frozenset[Graph] | None = None,
        on_batch: Callable[[CellResult], None] = lambda result: None,
        on_violation: Callable[[CellResult, Tally], None] = lambda result, tally: None,
    ):
        self.contract = contract
        self.capabilities = capabilities
        self.host = host
        self.result = CellResult(cell, tallies={law.name: Tally(law) for law in laws})
        self.dtypes = dtypes
        self.witnessed = witnessed
        self.again = again
        self.on_batch = on_batch
        self.on_violation = on_violation
        self._space = InputSpace(contract, cell.dtype, cell.labels)
        self._searching = True
        self._turns = turns
        self._graphs = graphs
        self._judged = hashlib.sha256()

    @classmethod
    def over(
        cls,
        result: CellResult,
        contract: Contract,
        capabilities: Capabilities,
        host: Evaluator,
        dtypes: Sequence[str] | None = None,
    ) -> CellSearch:
        """Return a search that is over, with its result: for what is still to be asked about its findings."""
        search = cls(contract, capabilities, host, (), result.cell, dtypes=dtypes)
        search.result, search._searching = result, False
        return search

    def case(self, batch: Batch, contract: Contract | None = None) -> Case:
        """Return the case of one batch, under the target's contract or another."""
        stated = contract or self.contract
        told = self._observe, self._died, self._leave_open, self._refused
        return Case(stated, self.capabilities, self.host, batch, *told)

    def _observe(self, sentence: str) -> None:
        self.result.observations[sentence] += 1

    def _refused(self, part: str) -> None:
        """Ask for a derivative no more that is refused, where all that is compiled to be refused is dear."""
        if self.capabilities.expensive_layouts:
            self.capabilities = replace(self.capabilities, **{part: False})

    def _leave_open(self, one: LeftOpen) -> None:
        """Keep bad input that is to be tried later, if there is not enough of its kind.

        Where each shape is compiled all is of one, and has plain numbers as options.
        """
        kept = self.result.left_open
        expensive = self.capabilities.expensive_shapes or self.capabilities.expensive_calls
        enough = SELDOM if expensive else OFTEN
        if self._searching and sum(other.kind == one.kind for other in kept) < enough:
            put = _as_compiled(self._space, one) if self.capabilities.expensive_shapes else one
            kept += [put] if put is not None else []

    def run(self, profile: str, examples: int, seed: int, *, swept: int | None = None) -> CellResult:
        """Search the whole cell: the sweep, or its first `swept` batches, then what is drawn."""
        return self.search(list(islice(self.sweep(profile), swept)), profile, examples, seed)

    def search(self, first: Sequence[Batch], profile: str, examples: int, seed: int) -> CellResult:
        """Judge the batches of the sweep that are given, then what is drawn; ended early, all is kept."""
        self.result.planned = len(first) + examples
        self._turns = min(self._turns, max(self.result.planned, 1))  # each law has one
        try:
            for batch in first:
                self.judge(batch)
            if examples:
                with elsewhere():
                    self._draw(profile, examples, seed)
        except Enough:
            self.result.left = True
            self._leave()
        except KeyboardInterrupt:
            self.result.interrupted = True
            self._leave()
        except Exception:
            self._leave()
            raise
        finally:
            self._searching = False
            self.result.digest = self._judged.hexdigest()
        return self.result

    def _died(self, answer: Answer) -> None:
        """Take the death of the target's process, on the batch itself or on one that a law derived, for a finding.

        It is one of law 0, chosen or not, if the batch is valid; a death on bad input is law 21's. What dies while a
        finding is reduced is counted only.
        """
        result, batch = self.result, answer.batch
        result.deaths += 1
        if not self._searching:
            return
        violation = failed_call(answer)
        valid = not objection(InputSpace(self.contract, batch.dtype, batch.label_form), batch)
        tally = result.tallies.setdefault(answers.name, Tally(answers)) if valid else None
        if tally is not None and not tally.falls and violation is not None:
            tally.examples += 1
            tally.falls.append(Fall(tally.law, violation, batch))
            self.on_violation(result, tally)
        if result.deaths >= FATAL_LIMIT:
            raise Enough

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
        graphs = self._graphs
        if graphs is not None:
            strategy = strategy.filter(lambda batch: graph_of(batch) in graphs)
        if self.capabilities.expensive_layouts:
            strategy = strategy.map(in_few_layouts)

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
        """Judge one batch by every law, those that have been broken on enough batches of this cell left out."""
        result = self.result
        case = self.case(batch)
        if not case.allows(batch):
            result.skipped += 1
            return
        result.run += 1
        self._judged.update(digest(batch).encode())
        coverage.count(result.coverage, self._space, batch)
        outcome = case.answer.outcome
        if outcome.raised is not None and refuses_label_dtype(self.contract, batch, outcome):
            self._observe(f"labels of dtype {batch.labels.dtype} are refused ({outcome.raised.kind})")
            # Judged all the same: the batch may be the only one with its options and its size.
            case = self.case(batch.replace(labels=batch.labels.astype(batch.plain_label_dtype)))
            outcome = case.answer.outcome
        if not outcome.died and (outcome.raised is None or outcome.raised.call == "convert"):
            result.answered += 1
        elif outcome.raised is not None:
            result.raised = result.raised or outcome.raised
            if answers.name not in result.tallies:
                self._observe(f"a valid batch raises {outcome.raised.kind}, which law 0 judges; it was not asked for")
        with case.together():
            turns = enumerate(list(result.tallies.values()))
            begun = [self._begin(tally, case) for place, tally in turns if self._has_its_turn(tally, place)]
            for one in begun:
                if one is not None:
                    self._judge_by(one, case)
        if outcome.raised is None and not outcome.died:
            self._note(case)
        self.on_batch(result)

    def _has_its_turn(self, tally: Tally, place: int) -> bool:
        """Whether a law is to judge the batch: always, unless it asks further questions and calls are slow.

        It may have nothing to ask on the batch that is its turn: until it had, each one is.
        """
        missed = self.result.run + place % self._turns > self._turns and not (tally.examples or tally.falls)
        return missed or not tally.law.asks or (self.result.run + place) % self._turns < 1

    def _begin(self, tally: Tally, case: Case) -> Begun | None:
        """Have a law ask what it asks; return what is left to do when there are answers."""
        if tally.falls and (tally.again >= self.again or case.batch.scores.size > LARGEST_KEPT):
            return None
        start, looks = time.perf_counter(), case.looks
        violations, waits = tally.law.begin(case)
        tally.seconds += time.perf_counter() - start
        begun = Begun(tally, violations, case.looks > looks, bool(tally.falls))
        if waits:
            return begun
        self._judge_by(begun, case)
        return None

    def _judge_by(self, begun: Begun, case: Case) -> None:
        tally = begun.tally
        if begun.again:
            self._judge_again(tally, begun.violations, case)
            return
        start, looks = time.perf_counter(), case.looks
        violation = next(begun.violations, None)
        tally.seconds += time.perf_counter() - start
        tally.examples += violation is not None or begun.looked or case.looks > looks
        # A death in one of its own calls may have been noted for law 0 in the meantime.
        if violation is not None and not tally.falls:
            tally.falls.append(Fall(tally.law, violation, case.batch))
            self.on_violation(self.result, tally)

    def _judge_again(self, tally: Tally, violations: Iterator[Violation], case: Case) -> None:
        """Keep how a batch breaks a law that has fallen: it may do so by another mistake."""
        start = time.perf_counter()
        found = [Fall(tally.law, violation, case.batch) for violation in violations]
        tally.seconds += time.perf_counter() - start
        tally.again += bool(found)
        tally.falls += found

    def _note(self, case: Case) -> None:
        """Keep what the grades and the witnesses need of a batch."""
        for part in case.want:
            graded = grade_answer(case.answer, part)
            if graded is not None:
                self.result.grades[part] = worse(self.result.grades.get(part), graded)
                self.result.samples.add(case.answer, part, graded)
        # Every third batch, so that drawn ones are among those kept and not the sweep's first alone.
        fit = case.batch.n and case.batch.scores.size <= LARGEST_WITNESSED
        if fit and self.result.run % 3 == 1 and len(self.result.witnessed) < self.witnessed:
            self.result.witnessed.append(case.batch)


def _as_compiled(space: InputSpace, one: LeftOpen) -> LeftOpen | None:
    """Return bad input of the one shape of few that has all numbers as options, with plain ones, and plain labels.

    What is bad about it does not depend on these; None for another shape.
    """
    batch, labels = one.batch, one.batch.labels
    if space_of(space, batch.scores.shape).few_graphs:
        return None
    if one.kind == EXCLUSIVE_OPTIONS:
        return one
    numbers = [key for key in batch.options if OPTIONS[key].kind == "number" and space.drawn(key)]
    at, drawn = space.at(batch.m), space.contract.drawn
    plain = {key: OPTIONS[key].value_of(drawn[key], OPTIONS[key].plain, at) for key in numbers}
    if labels.dtype.kind in "iu" and batch.label_form == "sparse" and "int64" in space.label_dtypes(batch.m):
        labels = labels.astype(np.int64)
    return replace(one, batch=batch.replace(labels=labels, options={**batch.options, **plain}))
