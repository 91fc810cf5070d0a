"""What a target answers on more batches than the one of a finding: one batch seldom tells one mistake from another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import chain, islice

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.diagnosis.nearby_batches import LARGEST, above_the_floor, along_axes, edges, twice_as_long, variations
from xentcheck.diagnosis.observation import Observation
from xentcheck.properties.answer import Answer
from xentcheck.properties.case import Case
from xentcheck.properties.directions import direction
from xentcheck.properties.failed_call import failed_call
from xentcheck.properties.law import Law, Violation
from xentcheck.truth.problem import pose

ASKED = 40  # batches of the sweep
JUDGED = 16  # batches of the sweep by which a law is asked again
WRONG, RIGHT = 10, 10  # answers that are looked at
WRONG_OF_LAW = 4
OF_THE_UPSTREAM = (-1.0, 0.5, -0.125, 8.0, 2.0**12 / 3.0)
"""A mistake may be made with negative, small or large ones alone, or with digits that a narrower dtype has not."""
LARGEST_OF_A_FINDING = 2**18


def observed(contract: Contract, violation: Violation) -> Observation | None:
    """Return the values of a violation, or None where there are none to compare."""
    batch, part = violation.batch, violation.part.partition("[")[0]
    if violation.returned is None or batch.scores.size > LARGEST_OF_A_FINDING:
        return None
    further = {"upstream": violation.upstream, "vector": violation.vector, "tangent": violation.tangent}
    return _observation(contract, batch, part, violation.returned, **further)


def _observation(
    contract: Contract, batch: Batch, part: str, returned: object, **further: object
) -> Observation | None:
    given = {role: None if value is None else np.asarray(value) for role, value in further.items()}
    try:
        problem = pose(contract, batch.scores, batch.labels, batch.label_form, dict(batch.options), **given)
        return Observation(problem, part, np.asarray(returned))
    except (ValueError, ArithmeticError):
        return None


class Evidence:
    """The answers of a target in one cell; those on the sweep are asked for once, for all findings of the cell.

    Parameters
    ----------
    case_of : callable
        From a batch to its case.
    sweep : iterable of Batch
        The first batches of the cell; none where the target is not to be asked any more.
    """

    def __init__(self, case_of: Callable[[Batch], Case], sweep: Iterable[Batch]) -> None:
        self._case_of = case_of
        self._sweep = sweep
        self._dead = False
        self._of_part: dict[str, list[Observation]] = {}

    @cached_property
    def _cases(self) -> list[Case]:
        small = (batch for batch in islice(self._sweep, ASKED) if 0 < batch.scores.size <= LARGEST)
        return [case for case in map(self._case_of, small) if case.allows(case.batch)]

    def of_part(self, part: str) -> list[Observation]:
        """Return some wrong and some right answers on the sweep."""
        if part not in self._of_part:
            self._of_part[part] = list(self._few(self._answers(self._cases, part)))
        return self._of_part[part]

    def of_event(self, event: str) -> tuple[list[Batch], list[Batch]]:
        """Return the batches of the sweep that raise the same, and those that are answered."""
        raised: list[Batch] = []
        answered: list[Batch] = []
        for case in self._cases:
            if self._dead:
                break
            outcome = case.answer.outcome
            self._dead = bool(outcome.died)
            failure = failed_call(case.answer)
            if outcome.raised is None and not outcome.died:
                answered.append(case.batch)
            elif failure is not None and failure.event == event:
                raised.append(case.batch)
        return raised, answered

    def of_law(self, law: Law, part: str) -> Iterator[Observation]:
        """Yield some of the wrong answers by which other batches of the sweep break the law."""
        found = 0
        for case in self._cases[:JUDGED]:
            if self._dead or found == WRONG_OF_LAW:
                return
            violation = next(islice(law.judge(case), 1), None)
            self._dead = violation is not None and "ended" in violation.title
            if violation is not None and violation.part.partition("[")[0] == part:
                one = observed(case.contract, violation)
                if one is not None and one.wrong:
                    found += 1
                    yield one

    def along_tangents(self) -> Iterator[Observation]:
        """Yield derivatives along a tangent on the sweep, right and wrong ones."""
        for place, case in enumerate(self._cases[:JUDGED]):
            if self._dead:
                return
            random = np.random.Generator(np.random.PCG64([case.batch.n, case.batch.m, place]))
            tangent = direction(random, case.batch.scores.shape, case.batch.scores.dtype)
            answer = case.ask(case.batch, tangent=tangent.astype(case.batch.scores.dtype))
            self._dead = bool(answer.outcome.died)
            returned = answer.numbers("jvp")
            if returned is not None:
                one = _observation(answer.contract, answer.batch, "jvp", returned, tangent=tangent)
                if one is not None:
                    yield one

    def nearby(self, violation: Violation, part: str) -> Iterator[Observation]:
        """Yield the answers on batches like that of a violation, with other numbers in it, or another cotangent."""
        upstream = None if violation.upstream is None else np.asarray(violation.upstream)
        like = self._case_of(violation.batch)
        new_shapes = not like.capabilities.expensive_shapes
        batch, new_rows = violation.batch, new_shapes and upstream is None  # a cotangent has a number a row
        spread = along_axes(like.contract, batch) if new_rows else ()
        longer = twice_as_long(like.contract, batch) if new_rows else ()
        asked = chain(
            variations(like.contract, batch, new_shapes),
            spread,
            edges(like.contract, batch, new_rows),
            longer,
            above_the_floor(like.contract, batch, violation.returned) if part == "loss" else (),
        )
        cases = map(self._case_of, asked)
        yield from self._answers(cases, part, upstream)
        if upstream is not None:
            for factor in OF_THE_UPSTREAM:
                yield from self._answers([like], part, (upstream * factor).astype(upstream.dtype))
        if upstream is not None and upstream.ndim == 1 and len(upstream) > 1:
            # One number a row, none like another, whose sum is not 0: some mistakes need that it is.
            yield from self._answers([like], part, np.linspace(0.5, 1.5, len(upstream)).astype(upstream.dtype))

    def _answers(self, cases: Iterable[Case], part: str, upstream: object = None) -> Iterator[Observation]:
        for case in cases:
            if self._dead:
                return
            answer = case.answer if upstream is None else case.ask(case.batch, np.asarray(upstream), (part,))
            self._dead = bool(answer.outcome.died)
            one = _answered(answer, part, upstream)
            if one is not None:
                yield one

    def _few(self, answers: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the first wrong ones and the first right ones."""
        left = {True: WRONG, False: RIGHT}
        for one in answers:
            left[one.wrong] -= 1
            if left[one.wrong] >= 0:
                yield one
            if left[True] <= 0 and left[False] <= 0:
                return


def _answered(answer: Answer, part: str, upstream: object) -> Observation | None:
    returned = answer.numbers(part)
    if returned is None:
        return None
    return _observation(answer.contract, answer.batch, part, returned, upstream=upstream)
