"""One batch under judgement, and the batches that laws derive from it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.shapes import asked_everything
from xentcheck.batches.storage import digest
from xentcheck.contract import Contract
from xentcheck.properties.answer import Answer
from xentcheck.properties.batch_truth import Truth, prepare_all
from xentcheck.properties.failed_call import failed_call
from xentcheck.properties.law import Capabilities, Violation
from xentcheck.properties.left_open import LeftOpen
from xentcheck.properties.together import Taking, Together
from xentcheck.targets.outcome import Outcome
from xentcheck.targets.question import Question
from xentcheck.truth.problem import label_roundoff
from xentcheck.truth.stacked import LARGEST

LARGEST_SHARED = 2**17
"""Numbers of a batch up to which the truths of all batches derived from it are kept: some 400 bytes a number each."""


class Evaluator(Protocol):
    """What a case needs of a host."""

    def evaluate(
        self,
        batch: Batch,
        want: tuple[str, ...],
        upstream: NDArray[Any] | None = None,
        vector: NDArray[Any] | None = None,
        tangent: NDArray[Any] | None = None,
        *,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Outcome:
        """Return what the target answers; `meanwhile` may be called while it is at work."""
        ...


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
    on_death : callable
        Told of every answer that the target's process did not live to give, whichever law asked for it.
    leave_open : callable
        Takes bad input about which the contract says nothing; it is tried when all valid batches have been judged.
    on_refusal : callable
        Told that a derivative is refused: "hessian_vector" or "jvp".
    """

    def __init__(
        self,
        contract: Contract,
        capabilities: Capabilities,
        host: Evaluator,
        batch: Batch,
        observe: Callable[[str], None] = lambda sentence: None,
        on_death: Callable[[Answer], None] = lambda answer: None,
        leave_open: Callable[[LeftOpen], None] = lambda one: None,
        on_refusal: Callable[[str], None] = lambda part: None,
    ):
        self.contract = contract
        self.capabilities = capabilities
        self.host = host
        # Of an entropy labels are not handed over: batches that differ in them alone are one.
        self.batch = batch.unlabelled() if contract.is_entropy else batch
        self.observe = observe
        self.on_death = on_death
        self.leave_open = leave_open
        self.on_refusal = on_refusal
        self.deaths = 0
        self.looks = 0
        self.drawn = False
        self.want = tuple(part for part in ("loss", "gradient") if getattr(capabilities, part))
        self._truths: dict[tuple[object, ...], Truth] = {}
        self._to_come: list[Truth] = []
        self._together: Together | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Have what is asked within travel together, as far as nobody looks at an answer, where the host can do that.

        In the end all answers have been taken; where an exception ends it, those that are missing are given up.
        """
        if not isinstance(self.host, Taking):
            yield
            return
        self._together = Together(self.host)
        try:
            yield
            self._together.take_all()
        finally:
            self._together.close()
            self._together = None

    @cached_property
    def answer(self) -> Answer:
        """What the target answered on the batch itself."""
        return self.ask(self.batch)

    @cached_property
    def _origin(self) -> str:
        return self.batch.origin or digest(self.batch)

    @cached_property
    def may_compile(self) -> bool:
        """Whether to ask what a target has to compile for, if it compiles for each shape and each dtype of labels.

        Where each layout may be compiled for, too, and dearly, only of what lies in one piece.
        """
        if not self.capabilities.expensive_shapes:
            return True
        if self.capabilities.expensive_layouts and self.batch.layout != "C":
            return False
        space = InputSpace(self.contract, self.batch.dtype, self.batch.label_form)
        return asked_everything(space, self.batch.scores.shape, self.batch.labels.dtype.name)

    def random(self, law: str) -> np.random.Generator:
        """Return a generator that depends on the batch and the law alone, so that a law judges a batch always alike."""
        self.drawn = True
        seed = int(self._origin[:8], 16) ^ int.from_bytes(law.encode()[:4].ljust(4), "little")
        return np.random.Generator(np.random.PCG64(seed))

    def ask(
        self,
        batch: Batch,
        upstream: NDArray[Any] | None = None,
        want: tuple[str, ...] | None = None,
        vector: NDArray[Any] | None = None,
        judged: bool = True,
        tangent: NDArray[Any] | None = None,
    ) -> Answer:
        """Return the target's answer on a batch: where given, the Hessian times a vector, or what is along a tangent.

        The truth is calculated meanwhile if the answer is going to be `judged`.
        """
        if vector is not None or tangent is not None:
            truth = Truth(self.contract, batch, None, False, vector, tangent)
            part = "hessian_vector" if vector is not None else "jvp"
            return self._asked(Question(batch, (part,), vector=vector, tangent=tangent), truth)
        truth = self._truth(batch, upstream)
        question = Question(batch, want or self.want, upstream)
        if judged and batch.scores.size > LARGEST:  # in its turn, since it takes memory
            question = replace(question, meanwhile=truth.prepare)
        elif judged:
            self._to_come.append(truth)
            question = replace(question, meanwhile=self._prepare)
        return self._asked(question, truth)

    def _prepare(self) -> None:
        """Calculate what deciding takes on all answers that are going to be judged."""
        to_come, self._to_come = self._to_come, []
        prepare_all(to_come)

    def _asked(self, question: Question, truth: Truth) -> Answer:
        """Return the answer to a question, or one that is going to come when it is looked at."""
        together, batch, upstream = self._together, question.batch, question.upstream
        wait = together.take if together is not None else lambda: None
        parts = tuple(question.want)
        answer = Answer(self.contract, batch, None, truth, upstream, on_look=self.looked, wait=wait, parts=parts)

        def arrived(outcome: Outcome) -> None:
            answer.arrived(outcome)
            if outcome.died:
                self.deaths += 1
                self.on_death(answer)

        if together is not None:
            together.ask(question, arrived)
        else:
            directions = {"vector": question.vector, "tangent": question.tangent}
            further = {name: given for name, given in directions.items() if given is not None}
            arrived(self.host.evaluate(batch, parts, upstream, meanwhile=question.meanwhile, **further))
        return answer

    @property
    def usable(self) -> bool:
        """Whether a part of the answer on the batch itself is numbers of the right shape."""
        return any(self.answer.numbers(part) is not None for part in self.want)

    def looked(self) -> None:
        """Count that the law at work has held something against an answer.

        `Answer.violation` tells of it by itself; a law that decides in another way calls this where it does. A batch on
        which a law looked at nothing is no example of it, and a law without examples is not held.
        """
        self.looks += 1

    def _truth(self, batch: Batch, upstream: NDArray[Any] | None) -> Truth:
        """Return the truth of a batch; one for all that differ in layout, or in a label dtype that is not narrower."""
        scores, labels = batch.scores, batch.labels
        narrower = 0.0
        flat = labels.astype(np.int64) if labels.dtype.kind in "iu" else labels
        if batch.label_form != "sparse":
            flat = labels.astype(np.float64)
            narrower = label_roundoff(scores.dtype, labels.dtype)
        options = tuple((key, np.asarray(value).tobytes()) for key, value in sorted(batch.options.items()))
        given = None if upstream is None else np.asarray(upstream).tobytes()
        key = (
            scores.dtype,
            scores.shape,
            _fingerprint(scores),
            batch.label_form,
            _fingerprint(flat),
            narrower,
            options,
            given,
        )
        if key not in self._truths:
            if self._truths and batch.scores.size > LARGEST_SHARED:  # that of the batch itself, the first, stays
                self._truths = dict(list(self._truths.items())[:1])
            self._truths[key] = Truth(self.contract, batch, upstream, "gradient" in self.want)
        return self._truths[key]

    def allows(self, batch: Batch) -> bool:
        """Return whether a derived batch lies in the stated domain, and has no options that the target refuses."""
        if self.contract.refused(batch.label_form, batch.options):
            return False
        domain = self.contract.domain or {}
        rows, classes = domain.get("rows", (0, np.inf)), domain.get("classes", (1, np.inf))
        if not (rows[0] <= batch.n <= rows[1] and classes[0] <= batch.m <= classes[1]):
            return False
        if "magnitude" in domain:
            size = np.abs(batch.scores.astype(np.float64))
            return bool(np.all(size[np.isfinite(size)] <= domain["magnitude"]))
        return True

    def check(self, batch: Batch, title: str) -> Iterable[Violation]:
        """Ask the target about a derived batch, and return what gives what is wrong with the answer.

        The answer is held against the certified truth of the derived batch, which is stricter than a
        comparison of two answers, and blames the right one of the two.
        """
        return self.judge(self.ask(batch), title) if self.allows(batch) else ()

    def judge(self, answer: Answer, title: str) -> Iterator[Violation]:
        """Yield what is wrong with an answer: a failed call, a shape, a number outside its allowance.

        Where the answer on the batch itself is wrong in the same part, the derived one is not blamed on the
        relation between the two: that is what laws 0, 1, 2 and 22 report.
        """
        batch = answer.batch
        self._prepare()  # where the host has not called for it
        failure = failed_call(answer, title)
        if failure is not None and failed_call(self.answer) is None:
            yield failure
        for part in self.want:
            malformed = answer.malformed(part)
            if malformed and not self.answer.malformed(part):
                yield Violation(f"{title}, {malformed}", batch, part)
            judged = self.answer if self._as_before(answer, part) else answer
            broken = judged.violation(part, f"{title}, the {self.contract.spoken(part)} is outside its allowance")
            if broken is not None and self.answer.violation(part) is None:
                yield broken

    def _as_before(self, answer: Answer, part: str) -> bool:
        """Return whether a part is bit for bit that of the batch itself and has the same truth, already calculated."""
        one, other = getattr(answer.outcome, part), getattr(self.answer.outcome, part)
        if answer.truth is not self.answer.truth or one is None or other is None:
            return False
        return bool(one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes())


def _fingerprint(array: NDArray[Any]) -> bytes:
    content = array.tobytes()
    return content if len(content) <= 2**12 else hashlib.blake2b(content).digest()
