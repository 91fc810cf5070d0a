"""A batch, what the target answered, and the judging of it and of the batches that laws derive from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.storage import digest
from xentcheck.contract import Contract
from xentcheck.properties.law import Capabilities, Violation
from xentcheck.targets.outcome import Outcome
from xentcheck.truth.allowance import Allowances, conformance
from xentcheck.truth.conditions import Conditions, conditions
from xentcheck.truth.enclose import Enclosed, enclose
from xentcheck.truth.enclosure import Enclosure
from xentcheck.truth.grades import Bounds, tight
from xentcheck.truth.problem import Problem, pose
from xentcheck.truth.verdict import Held, hold


class Evaluator(Protocol):
    """What a case needs of a host."""

    def evaluate(
        self,
        batch: Batch,
        want: tuple[str, ...],
        upstream: NDArray[Any] | None = None,
        vector: NDArray[Any] | None = None,
    ) -> Outcome:
        """Return what the target answers."""
        ...


class Truth:
    """The certified truth of one batch under a contract; calculated when it is asked for."""

    def __init__(
        self,
        contract: Contract,
        batch: Batch,
        upstream: NDArray[Any] | None,
        gradient: bool,
        vector: NDArray[Any] | None = None,
    ):
        self._given = (contract, batch, upstream, vector)
        self._gradient = gradient

    @cached_property
    def problem(self) -> Problem:
        """The exact question."""
        contract, batch, upstream, vector = self._given
        options = dict(batch.options)
        return pose(contract, batch.scores, batch.labels, batch.label_form, options, upstream=upstream, vector=vector)

    @cached_property
    def conditions(self) -> Conditions:
        """The quantities that the allowances are made of."""
        return conditions(self.problem)

    @cached_property
    def enclosed(self) -> Enclosed:
        """The enclosures of loss and gradient."""
        return enclose(self.problem, gradient=self._gradient)

    @cached_property
    def tights(self) -> Bounds:
        """The bounds by which the batch is graded."""
        return tight(self.problem, self.conditions)

    @cached_property
    def allowances(self) -> Allowances:
        """The conformance allowances."""
        return conformance(self.problem, self.conditions)


class Answer:
    """What a target answered on one batch, beside the certified truth."""

    def __init__(
        self, contract: Contract, batch: Batch, outcome: Outcome, truth: Truth, upstream: NDArray[Any] | None = None
    ):
        self.contract = contract
        self.batch = batch
        self.outcome = outcome
        self.truth = truth
        self.upstream = upstream
        self._held: dict[str, Held | None] = {}

    @property
    def problem(self) -> Problem:
        """The exact question."""
        return self.truth.problem

    @property
    def enclosed(self) -> Enclosed:
        """The certified loss and gradient."""
        return self.truth.enclosed

    @property
    def allowances(self) -> Allowances:
        """How far a legitimate algorithm may be off."""
        return self.truth.allowances

    def expected_shape(self, part: str) -> tuple[int, ...]:
        """Return the shape that the contract gives a part of the answer."""
        if part != "loss":
            return (self.batch.n, self.batch.m)
        return (self.batch.n,) if self.contract.reduction == "none" else ()

    def malformed(self, part: str) -> str:
        """Return what is wrong with the shape or kind of a returned array, or ""."""
        returned = getattr(self.outcome, part)
        if returned is None:
            return ""
        if returned.shape != self.expected_shape(part):
            return f"the {part} has shape {returned.shape}, but must have {self.expected_shape(part)}"
        if returned.dtype.kind not in "fiuV" or (returned.dtype.kind == "V" and returned.dtype.name != "bfloat16"):
            return f"the {part} has dtype {returned.dtype.name}, but must be a real floating-point number"
        return ""

    def numbers(self, part: str) -> NDArray[np.float64] | None:
        """Return a part of the answer as float64, or None where nothing usable came back."""
        returned = getattr(self.outcome, part)
        if returned is None or self.malformed(part):
            return None
        return np.asarray(returned).astype(np.float64)

    def held(self, part: str) -> Held | None:
        """Return the decision on a part, or None where there is nothing to decide."""
        if part not in self._held:
            self._held[part] = self._decide(part)
        return self._held[part]

    def _decide(self, part: str) -> Held | None:
        got = self.numbers(part)
        if got is None or got.size == 0 or self.enclosed.unspecified:
            return None
        enclosure: Enclosure | None = getattr(self.enclosed, part)
        if enclosure is None:
            return None
        return hold(self.problem, part, got, enclosure, getattr(self.allowances, part))

    def measured(self, part: str) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Return an upper bound of the error of each number and the exact values to float64, or None."""
        if self.clearly_right(part):
            estimate = getattr(self.allowances, f"{part}_estimate")
            return np.abs(self.numbers(part) - estimate) + np.abs(estimate) * 2.0**-44, estimate
        held = self.held(part)
        return None if held is None else (held.error, getattr(self.enclosed, part).hi)

    def clearly_right(self, part: str) -> bool:
        """Return whether plain float64 arithmetic already shows a part of a float32 or 16-bit result to be right.

        The estimate's own error, some hundred units of 2**-53, is nothing beside an allowance of many units of
        2**-24; a 256th of it is kept for that, and numpy's exp and log are trusted to 64 ulp. What is not clearly
        right is decided by the enclosure, so that no failure rests on this trust.
        """
        got = self.numbers(part)
        if got is None or got.size == 0 or self.problem.format.precision > 24:
            return False
        if not np.all(np.isfinite(self.truth.conditions.L)):
            return False
        allowed = getattr(self.allowances, part)
        estimate = getattr(self.allowances, f"{part}_estimate")
        if allowed.shape != got.shape or estimate.shape != got.shape:
            return False
        with np.errstate(invalid="ignore"):
            inside = np.isfinite(got) & (np.abs(got - estimate) <= allowed * (1 - 2.0**-8))
        return bool(inside.all())

    def violation(self, part: str, title: str = "") -> Violation | None:
        """Return the worst element of a part that is proved to be outside its allowance, or None."""
        if self.clearly_right(part):
            return None
        held = self.held(part)
        miss = held.worst() if held is not None else None
        if miss is None:
            return None
        where = f"[{', '.join(str(int(i)) for i in miss.index)}]" if miss.index else ""
        return Violation(
            title=title or f"the {part} is outside its allowance",
            batch=self.batch,
            part=part + where,
            got=miss.got,
            certified=(miss.low, miss.high),
            allowance=miss.allowance,
            times=miss.times,
            upstream=None if self.upstream is None else np.asarray(self.upstream).tolist(),
            vector=None if self.problem.vector is None else self.problem.vector.tolist(),
            returned=self.numbers(part),
        )


class Case:
    """One batch under judgement.

    Parameters
    ----------
    contract, capabilities
        Of the target.
    host : Evaluator
    batch : Batch
    observe : callable
        Takes a sentence about something seen that is not judged.
    """

    def __init__(
        self,
        contract: Contract,
        capabilities: Capabilities,
        host: Evaluator,
        batch: Batch,
        observe: Callable[[str], None] = lambda sentence: None,
    ):
        self.contract = contract
        self.capabilities = capabilities
        self.host = host
        self.batch = batch
        self.observe = observe
        self.want = tuple(part for part in ("loss", "gradient") if getattr(capabilities, part))
        self._truths: dict[tuple[object, ...], Truth] = {}

    @cached_property
    def answer(self) -> Answer:
        """What the target answered on the batch itself."""
        return self.ask(self.batch)

    @cached_property
    def _digest(self) -> str:
        return digest(self.batch)

    def random(self, law: str) -> np.random.Generator:
        """Return a generator that depends on the batch and the law alone, so that a law judges a batch always alike."""
        seed = int(self._digest[:8], 16) ^ int.from_bytes(law.encode()[:4].ljust(4), "little")
        return np.random.Generator(np.random.PCG64(seed))

    def ask(
        self,
        batch: Batch,
        upstream: NDArray[Any] | None = None,
        want: tuple[str, ...] | None = None,
        vector: NDArray[Any] | None = None,
    ) -> Answer:
        """Return the target's answer on a batch, with the Hessian times a vector where one is given."""
        if vector is not None:
            outcome = self.host.evaluate(batch, ("hessian_vector",), vector=vector)
            return Answer(self.contract, batch, outcome, Truth(self.contract, batch, None, False, vector))
        outcome = self.host.evaluate(batch, want or self.want, upstream)
        return Answer(self.contract, batch, outcome, self._truth(batch, upstream), upstream)

    def _truth(self, batch: Batch, upstream: NDArray[Any] | None) -> Truth:
        """Return the truth of a batch; one and the same for all that differ in layout or label dtype only."""
        scores, labels = batch.scores, batch.labels
        flat = labels.astype(np.int64) if labels.dtype.kind in "iu" else labels
        options = tuple((key, np.asarray(value).tobytes()) for key, value in sorted(batch.options.items()))
        given = None if upstream is None else np.asarray(upstream).tobytes()
        key = (scores.shape, scores.tobytes(), batch.label_form, flat.tobytes(), options, given)
        if key not in self._truths:
            self._truths[key] = Truth(self.contract, batch, upstream, "gradient" in self.want)
        return self._truths[key]

    def allows(self, batch: Batch) -> bool:
        """Return whether a derived batch lies in the domain that the target states."""
        domain = self.contract.domain or {}
        rows, classes = domain.get("rows", (0, np.inf)), domain.get("classes", (1, np.inf))
        if not (rows[0] <= batch.n <= rows[1] and classes[0] <= batch.m <= classes[1]):
            return False
        if "magnitude" in domain:
            size = np.abs(batch.scores.astype(np.float64))
            return bool(np.all(size[np.isfinite(size)] <= domain["magnitude"]))
        return True

    def check(self, batch: Batch, title: str, upstream: NDArray[Any] | None = None) -> Iterator[Violation]:
        """Ask the target about a derived batch and yield what is wrong with the answer.

        The answer is held against the certified truth of the derived batch, which is stricter than a
        comparison of two answers, and blames the right one of the two.
        """
        if self.allows(batch):
            yield from self.judge(self.ask(batch, upstream), title)

    def judge(self, answer: Answer, title: str) -> Iterator[Violation]:
        """Yield what is wrong with an answer: a failed call, a shape, a number outside its allowance.

        Where the answer on the batch itself is wrong in the same part, the derived one is not blamed on the
        relation between the two: that is what laws 0, 1, 2 and 22 report.
        """
        batch = answer.batch
        failure = failed_call(answer, title)
        if failure is not None and failed_call(self.answer) is None:
            yield failure
        for part in self.want:
            malformed = answer.malformed(part)
            if malformed and not self.answer.malformed(part):
                yield Violation(f"{title}, {malformed}", batch, part)
            broken = answer.violation(part, f"{title}, the {part} is outside its allowance")
            if broken is not None and self.answer.violation(part) is None:
                yield broken


def gradient_enclosure(answer: Answer) -> Enclosure:
    """Return the certified gradient of an answer that has one."""
    assert answer.enclosed.gradient is not None
    return answer.enclosed.gradient


def refuses_label_dtype(contract: Contract, batch: Batch, outcome: Outcome) -> bool:
    """Return whether an exception is the clean refusal of an integer dtype other than int64, which is no finding."""
    return (
        outcome.raised is not None
        and batch.label_form == "sparse"
        and contract.label_dtypes == "integers"
        and batch.labels.dtype != np.int64
    )


def failed_call(answer: Answer, title: str = "") -> Violation | None:
    """Return the violation that an exception, a crash or a hang on a valid batch is, or None."""
    outcome = answer.outcome
    lead = f"{title}, " if title else ""
    if outcome.died:
        return Violation(f"{lead}the process running the target ended: {outcome.died}", answer.batch, got=outcome.died)
    if outcome.raised is None or refuses_label_dtype(answer.contract, answer.batch, outcome):
        return None
    if answer.enclosed.unspecified:
        return None  # a mean of nothing, about which the contract says nothing: an exception will do
    raised = outcome.raised
    said = f"{raised.kind}: {raised.message}".strip().rstrip(":")
    verb = "could not be read as numbers" if raised.call == "convert" else f"raised from its {raised.call}"
    place = f" ({raised.where})" if raised.where else ""
    return Violation(f"{lead}the target {verb}: {said}{place}", answer.batch, got=said)
