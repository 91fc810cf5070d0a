"""The gate: its rules, and the exit status that tells a regression from a broken benchmark."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from asv_bench import __main__ as door
from asv_bench.tools import call, gate, verdict
from asv_bench.tools.results import Measured

PLACE = ("1000", "'float32'", "'loss'")


def measured(sparse: float = 1.0, onehot: float = 2.0, memory: float = 1.0, bits: float = 0.58) -> Measured:
    """Return the figures of a commit whose paths take so many times the time of the frozen kernel."""
    return Measured(
        {
            (verdict.RATIO, PLACE): sparse / onehot,
            (verdict.FLOOR, (*PLACE, "'sparse'")): sparse,
            (verdict.FLOOR, (*PLACE, "'onehot'")): onehot,
            ("memory.PeakAlloc.track_loss", ("1000",)): memory,
            ("accuracy.Accuracy.track_loss", ("'normal'",)): bits,
        }
    )


def found(base: Measured, head: Measured) -> list[str]:
    """Return what is worse, by name."""
    return [change.what.partition(" path")[0].partition("(")[0] for change in verdict.regressions(base, head)]


def test_the_same_figures_are_no_regression() -> None:
    """Nor are those within the noise that was seen: 15 % of the ratio, 30 % of most floors."""
    assert found(measured(), measured()) == []
    assert found(measured(), measured(sparse=1.15 * 1.3, onehot=2.0 * 1.3)) == []


def test_one_path_twice_as_slow() -> None:
    """The path that changed is named, and not the other one."""
    assert found(measured(), measured(sparse=2.0)) == ["sparse"]
    assert found(measured(), measured(onehot=4.0)) == ["onehot"]


@pytest.mark.parametrize("drift", [0.77, 1.0, 1.21])
def test_one_path_twice_as_fast(drift: float) -> None:
    """That is no regression of the other, although the ratio has changed as if it were; nor does drift hide one."""
    assert found(measured(), measured(sparse=0.5 * drift, onehot=2.0 * drift)) == []
    assert found(measured(), measured(sparse=2.0 * drift, onehot=2.0 * drift)) == ["sparse"]


def test_both_paths_twice_as_slow() -> None:
    """Their ratio stays; the frozen kernel tells."""
    assert found(measured(), measured(sparse=2.0, onehot=4.0)) == ["sparse", "onehot"]


def test_the_kernel_that_drifts_at_one_size_is_no_regression() -> None:
    """Single ratios to it vary by 90 %; what is slow at most sizes is slow."""
    base, head = measured(), measured()
    for classes in ("10", "100"):
        for form in ("'sparse'", "'onehot'"):
            place = (verdict.FLOOR, (classes, *PLACE[1:], form))
            base.values[place] = head.values[place] = 1.0
    head.values[verdict.FLOOR, (*PLACE, "'sparse'")] = 1.9
    assert found(base, head) == []
    head.values[verdict.FLOOR, ("10", *PLACE[1:], "'sparse'")] = 1.9
    assert found(base, head) == ["sparse"]


def test_memory_and_accuracy() -> None:
    """Figures that are the same in every run have narrow limits; less is never worse."""
    assert found(measured(), measured(memory=1.1)) == ["memory.PeakAlloc.track_loss"]
    assert found(measured(), measured(bits=0.7)) == ["accuracy.Accuracy.track_loss"]
    assert found(measured(), measured(memory=0.1, bits=0.0)) == []


def test_what_base_lacks_is_not_judged() -> None:
    """It is new; and is said to be."""
    base = Measured(dict.fromkeys(measured().values))
    assert verdict.regressions(base, measured()) == []
    assert verdict.compared(base, measured()) == 0
    assert len(verdict.incomparable(base, measured())) == 5


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *answers: Measured) -> tuple[int, int]:
    """Return the gate's exit status, and how often it has measured; in the order base, head, head, base."""
    left = iter(answers)
    calls = itertools.count()

    def measure(commit: str, folder: Path) -> Measured:
        next(calls)
        return next(left)

    monkeypatch.setattr(gate, "measure", measure)
    monkeypatch.setattr(gate, "SCRATCH", tmp_path)
    monkeypatch.setattr(call, "commit", lambda name: name * 8)
    return door.main(["gate", "b", "h"]), next(calls)


def test_status_0_where_nothing_is_worse(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each commit is measured once."""
    assert run(monkeypatch, tmp_path, measured(), measured()) == (0, 2)


def test_status_1_for_a_regression(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After it was measured a second time, and the figure is named."""
    slow = measured(sparse=2.0)
    assert run(monkeypatch, tmp_path, measured(), slow, slow, measured()) == (1, 4)
    assert "WORSE: sparse path at 1000, 'float32', 'loss': 2.00 times" in capsys.readouterr().out


def test_status_0_for_what_does_not_come_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A disturbance of the machine is no regression."""
    assert run(monkeypatch, tmp_path, measured(), measured(sparse=2.0), measured(), measured()) == (0, 4)


def test_status_2_for_a_broken_benchmark(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even if another figure is worse: what is broken hides what it would have told."""
    broken = measured(sparse=2.0)
    broken.values["memory.PeakAlloc.track_loss", ("1000",)] = None
    assert run(monkeypatch, tmp_path, measured(), broken)[0] == 2
    assert "the first is memory.PeakAlloc.track_loss(1000)" in capsys.readouterr().err


def test_status_2_where_nothing_can_be_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A verdict on nothing is none."""
    assert run(monkeypatch, tmp_path, Measured(dict.fromkeys(measured().values)), measured())[0] == 2


def test_status_2_for_an_unknown_commit(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, which says what to give."""
    assert door.main(["gate", "no-such-commit"]) == 2
    assert "names no commit of this repository" in capsys.readouterr().err
