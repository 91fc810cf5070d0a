"""A second host of a target, in which little or nothing has been asked: to tell whether what was asked before matters.

To start one costs the import of the target's framework, which may be seconds. So a run starts it early, while other
things are done, and has one for all its findings, as far as that can be.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from xentcheck.properties.answer import Answer
from xentcheck.targets import Host


class SecondHost:
    """A host of the same target beside the first, opened when it is needed or before; to be closed.

    Parameters
    ----------
    open_host : callable
        Opens one.
    """

    def __init__(self, open_host: Callable[[], Host]) -> None:
        self._open = open_host
        self._host: Host | None = None
        self._untouched = True
        self._begun = False

    def begin(self) -> None:
        """Open it if that has not been tried: it imports the target while other things are done."""
        if not self._begun:
            with suppress(Exception):  # `host` tries again, and says what is the matter
                self.host()

    def host(self) -> Host:
        """Return the host, whatever it has been asked."""
        self._begun = True
        if self._host is None:
            self._host, self._untouched = self._open(), True
        return self._host

    def close(self) -> None:
        """Close it; a new one is opened where it is needed again."""
        host, self._host = self._host, None
        if host is not None:
            host.close()

    def right_when_fresh(
        self,
        part: str,
        wrong: NDArray[np.float64],
        ask: Callable[[Host], Answer],
        right: Callable[[Answer], bool],
    ) -> bool:
        """Return whether a host in which nothing has been asked answers a question rightly.

        One that has been asked something answers for it only where its answer is the wrong one of the first host, bit
        for bit: two that were asked different things before agree on it. All else is left to a new one.

        Parameters
        ----------
        part : str
            The part that is wrong.
        wrong : ndarray
            What the first host answered.
        ask, right : callable
            What has a host answer, and what holds its answer to be right.
        """
        host = self.host()
        untouched, self._untouched = self._untouched, False
        answer = ask(host)
        if not untouched and not _as_wrong(answer, part, wrong):
            self.close()
            answer = ask(self.host())
            self._untouched = False
        found = right(answer)
        if found:
            self.close()  # what was asked matters to it
        return found


def _as_wrong(answer: Answer, part: str, wrong: NDArray[np.float64]) -> bool:
    """Return whether an answer is outside its allowance, and is bit for bit the wrong one that is known."""
    numbers = answer.numbers(part)
    if numbers is None or answer.violation(part) is None:
        return False
    return numbers.shape == wrong.shape and numbers.tobytes() == wrong.tobytes()
