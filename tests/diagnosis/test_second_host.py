"""The second host of a run: when its answer counts for one in which nothing was asked, and how many are opened."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.diagnosis import SecondHost
from xentcheck.engine.order import Order
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.targets import Host
from xentcheck.targets.outcome import Outcome

BATCH = Batch(np.array([[0.5, -1.0]]), np.array([0]))
RIGHT = float(np.log1p(np.exp(-1.5)))


class Hosts:
    """Opens hosts and counts them; each gives the answers of `answers` to its first, second, ... question."""

    def __init__(self, *answers: float) -> None:
        self.answers = answers
        self.opened = self.closed = 0

    def open(self) -> Any:
        """Return a new host."""
        self.opened += 1
        return _Host(self)


class _Host:
    def __init__(self, hosts: Hosts) -> None:
        self.hosts, self.left = hosts, iter(hosts.answers)

    def evaluate(self, *given: Any, **further: Any) -> Outcome:
        return Outcome(loss=np.float64(next(self.left)))

    def close(self) -> None:
        self.hosts.closed += 1


def asked(second: SecondHost, wrong: float) -> bool:
    """Return whether the batch, which was answered by `wrong`, is right when fresh."""

    def ask(host: Host) -> Any:
        return Case(Contract(), Capabilities(True, False, False, False, False, False, False), host, BATCH).answer

    return second.right_when_fresh("loss", np.asarray(wrong), ask, lambda one: one.violation("loss") is None)


@pytest.mark.parametrize(
    ("answers", "wrong", "told", "opened"),
    [
        # The same wrong answer after other questions: what was asked before does not matter to it.
        ((1.0, 2.0), (1.0, 2.0), (False, False), 1),
        # Another wrong answer, or a right one, is no evidence: a new host is asked, and what it says counts.
        ((1.0, 2.0), (1.0, 3.0), (False, False), 2),
        ((1.0, RIGHT), (1.0, 3.0), (False, False), 2),
        # To what answered rightly once when it was fresh, it does matter what was asked: always a new one.
        ((RIGHT, 2.0), (1.0, 2.0), (True, True), 2),
    ],
)
def test_an_answer_after_others_counts_only_where_it_is_the_wrong_one_again(
    answers: tuple[float, ...], wrong: tuple[float, ...], told: tuple[bool, ...], opened: int
) -> None:
    hosts = Hosts(*answers)
    with closing(SecondHost(hosts.open)) as second:
        second.begin()
        assert tuple(asked(second, one) for one in wrong) == told
    assert hosts.opened == hosts.closed == opened


def test_a_host_that_cannot_be_begun_is_asked_for_again() -> None:
    """The exception comes where the host is needed, and not where it is started early."""

    def failing() -> Host:
        raise OSError("no more processes")

    second = SecondHost(failing)
    second.begin()
    with pytest.raises(OSError, match="no more"):
        second.host()


def test_one_process_serves_the_findings_of_all_cells_and_bad_input(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A target that is wrong in each dtype and form of labels has one process started beside the first."""
    (tmp_path / "doubling.py").write_text(
        "import numpy as np\n"
        "def loss(z, y):\n"
        "    shifted = z.astype(np.float64) - z.max(1, keepdims=True)\n"
        "    losses = np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(y)), y]\n"
        "    return (2 * losses.mean()).astype(z.dtype)\n"
    )
    opened: list[Host] = []
    real: Callable[[Order], Host] = Order.host

    def counted(order: Order) -> Host:
        opened.append(real(order))
        return opened[-1]

    monkeypatch.setattr(Order, "host", counted)
    contract = {"labels": ["sparse"], "dtypes": ["float64", "float32"]}
    report = xentcheck.check(loss=f"{tmp_path}/doubling.py:loss", contract=contract, properties=["value", "bad-input"])
    assert report.findings
    assert any("not declared" in line for line in report.observations)
    assert len(opened) == 1
