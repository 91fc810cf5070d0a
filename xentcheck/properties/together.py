"""Questions that travel to a target together, and their answers as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Protocol, runtime_checkable

from xentcheck.targets.outcome import Outcome
from xentcheck.targets.question import Question

Arrived = Callable[[Outcome], None]


@runtime_checkable
class Taking(Protocol):
    """A host that takes several questions at once."""

    def evaluate_each(self, questions: Sequence[Question]) -> Generator[Outcome, None, None]:
        """Yield what the target answers to each; closed early, what is not answered is given up."""
        ...


class Together:
    """What is asked and not answered yet.

    Nothing is sent until an answer is looked at; then all questions go at once, and are answered in their order while
    the first answers are judged.
    """

    def __init__(self, host: Taking) -> None:
        self._host = host
        self._asked: list[tuple[Question, Arrived]] = []
        self._under_way: deque[Arrived] = deque()
        self._answers: Generator[Outcome, None, None] | None = None

    def ask(self, question: Question, arrived: Arrived) -> None:
        """Ask something; `arrived` is told the outcome."""
        self._asked.append((question, arrived))

    def take(self) -> None:
        """Take the next answer; there has to be one."""
        if not self._under_way:
            asked, self._asked = self._asked, []
            self._under_way = deque(arrived for _, arrived in asked)
            self._answers = self._host.evaluate_each([question for question, _ in asked])
        assert self._answers is not None
        outcome = next(self._answers)
        self._under_way.popleft()(outcome)

    def take_all(self) -> None:
        """Take the answers that nobody has looked at."""
        while self._under_way or self._asked:
            self.take()

    def close(self) -> None:
        """Give up what is not answered."""
        if self._answers is not None:
            self._answers.close()
