"""Calls that travel to a worker together: each has its own answer, whatever becomes of the others."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.targets import TargetSpecification, open_host
from xentcheck.targets.host.base import Host
from xentcheck.targets.host.channel import Channel
from xentcheck.targets.question import Question

PLANTED = str(Path(__file__).with_name("planted.py"))
HARMLESS = Batch(np.zeros((2, 3)), np.array([0, 1]))
PROVOKING = Batch(np.zeros((2, 3)), np.array([1, 0]))


def opened(name: str, **options: object) -> Host:
    return open_host(TargetSpecification(f"{PLANTED}:{name}"), **options)  # type: ignore[arg-type]


def of_classes(*sizes: int) -> list[Question]:
    """Return a question for each number of classes; the loss of equal logits tells them apart."""
    return [Question(Batch(np.zeros((2, m)), np.array([0, 1])), ("loss",)) for m in sizes]


def losses(host: Host, questions: list[Question]) -> list[float]:
    return [float(outcome.loss) for outcome in host.evaluate_each(questions)]  # type: ignore[arg-type]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return, as it grows, how many calls each message had that was sent to a worker."""
    counts: list[int] = []
    send = Channel.send

    def counting(channel: Channel, header: dict[str, object], *others: object, **further: object) -> None:
        if "calls" in header:
            counts.append(len(header["calls"]))  # type: ignore[arg-type]
        send(channel, header, *others, **further)  # type: ignore[arg-type]

    monkeypatch.setattr(Channel, "send", counting)
    return counts


def test_small_calls_are_one_message(sent: list[int]) -> None:
    """Each is answered in its place."""
    with opened("loss") as host:
        assert losses(host, of_classes(3, 5, 2, 7)) == pytest.approx(np.log([3, 5, 2, 7]))
    assert sent == [4]


def test_a_large_call_travels_alone(sent: list[int]) -> None:
    """Its answer may go beside the stream, where that of the next one would lie over it."""
    sizes = (3, 5, 9000, 8000, 2, 7)
    with opened("loss") as host:
        assert losses(host, of_classes(*sizes)) == pytest.approx(np.log(sizes))
    assert sent == [2, 1, 1, 2]


def test_the_call_is_known_that_ends_the_process(sent: list[int]) -> None:
    """Those before it were answered, and those after it are made in the next process."""
    asked = [Question(one) for one in (HARMLESS, PROVOKING, HARMLESS, HARMLESS, PROVOKING)]
    with opened("leave") as host:
        outcomes = list(host.evaluate_each(asked))
        assert [outcome.died for outcome in outcomes] == ["", "exit status 3", "", "", "exit status 3"]
        assert [outcomes[place].loss for place in (0, 2, 3)] == pytest.approx([np.log(3)] * 3)
        assert host.evaluate(HARMLESS).loss == pytest.approx(np.log(3))
    assert sent == [5, 3, 1]


def test_a_hang_among_others_has_the_limit_of_one_call() -> None:
    """It is killed, and the calls after it are made."""
    asked = [Question(one) for one in (HARMLESS, PROVOKING, PROVOKING, HARMLESS)]
    with opened("hang", time_limit=0.3, first_time_limit=2.0) as host:
        died = [outcome.died for outcome in host.evaluate_each(asked)]
    assert died == ["", "no answer within 2 s", "no answer within 0.3 s", ""]


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64", reason="rounding modes of x86"
)
def test_no_call_is_made_in_a_process_whose_rounding_was_changed() -> None:
    """The calls after the one that changed it are made in another process."""
    asked = [Question(one) for one in (HARMLESS, PROVOKING, HARMLESS)]
    with opened("round_upwards") as host:
        seen = [outcome.observations for outcome in host.evaluate_each(asked)]
        assert host.restarts == 1  # type: ignore[attr-defined]
    assert seen == [(), ("rounding-changed",), ()]


def test_a_slow_call_among_others_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it and the others answered first counts; the target sees one call more."""
    ticks = iter([0.0, 1.0, 1.0, 12.0, 12.0, 13.0, 13.0, 14.0])
    monkeypatch.setattr("xentcheck.targets.host.isolated.perf_counter", lambda: next(ticks))
    with opened("count_calls") as host:
        assert losses(host, [Question(HARMLESS)] * 3) == [1.0, 2.0, 3.0]
        assert losses(host, [Question(HARMLESS)]) == [5.0]
        assert host.restarts == 0  # type: ignore[attr-defined]


def test_as_slow_again_it_is_a_death_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers to the calls after it are not taken for it; these are made in the next process."""
    ticks = iter([0.0, 11.0, 11.0, 11.1, 11.1, 11.2])
    monkeypatch.setattr("xentcheck.targets.host.isolated.perf_counter", lambda: next(ticks))
    asked = [Question(one) for one in (HARMLESS, PROVOKING, HARMLESS)]
    with opened("hang_when_repeated", time_limit=0.3) as host:
        outcomes = list(host.evaluate_each(asked))
        assert host.restarts == 1  # type: ignore[attr-defined]
    assert [outcome.died for outcome in outcomes] == ["no answer within 0.3 s", "", ""]


def test_given_up_early_nothing_is_taken_for_a_later_answer() -> None:
    """Closed after the first answer, the host answers what it is asked next."""
    with opened("loss") as host:
        answers = host.evaluate_each(of_classes(3, 5, 7))
        assert next(answers).loss == pytest.approx(np.log(3))
        answers.close()
        assert losses(host, of_classes(2)) == pytest.approx([np.log(2)])


def test_asked_to_its_end_the_process_stays() -> None:
    """The process that has answered all is not replaced, though its generator is closed."""
    with opened("count_calls") as host:
        answers = host.evaluate_each([Question(HARMLESS)] * 2)
        assert [float(next(answers).loss) for _ in range(2)] == [1.0, 2.0]  # type: ignore[arg-type]
        answers.close()
        assert losses(host, [Question(HARMLESS)]) == [3.0]


def test_what_is_done_meanwhile_is_done_before_each_answer() -> None:
    """In the order of the questions, and its failure is the caller's and spoils no later answer."""
    done: list[int] = []

    def fails() -> None:
        raise ZeroDivisionError

    asked = [Question(HARMLESS, meanwhile=lambda place=place: done.append(place)) for place in (0, 1)]  # type: ignore[misc]
    with opened("loss") as host:
        for place, outcome in enumerate(host.evaluate_each(asked)):
            assert outcome.loss is not None
            assert done == list(range(place + 1))
        with pytest.raises(ZeroDivisionError):
            list(host.evaluate_each([Question(HARMLESS), Question(HARMLESS, meanwhile=fails), Question(HARMLESS)]))
        assert losses(host, of_classes(2)) == pytest.approx([np.log(2)])


def test_calls_in_this_process_are_answered_one_by_one() -> None:
    """A host that calls a callable takes several questions, too."""
    with open_host(TargetSpecification(lambda z, y: float(z.shape[1]))) as host:
        assert losses(host, of_classes(3, 5)) == [3.0, 5.0]
