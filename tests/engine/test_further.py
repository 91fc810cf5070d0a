"""After a law has fallen the search goes on: each mistake is reported, and each once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from xentcheck.api import check
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.diagnosis import Cause
from xentcheck.engine.cell_result import Fall
from xentcheck.engine.further import Further, Shown
from xentcheck.engine.violation_kind import Kind, kind_of
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities, Violation
from xentcheck.properties.registry import choose
from xentcheck.report.finding import Finding, identifier
from xentcheck.targets.outcome import Outcome
from xentcheck.zoo.parts import mean_gradient, mean_loss


def _at_label(z: Any, y: Any) -> Any:
    """Return the softmax at the labels."""
    with np.errstate(all="ignore"):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return (e / e.sum(axis=1, keepdims=True))[np.arange(len(z)), y]


def _capped(z: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        p = _at_label(z, y)
        return -np.log(np.where(p < 1e-16, 1e-16, p)).mean()


def _capped_and_nan_swallowed(z: Any, y: Any) -> Any:
    """Do as xgboost's merror and mlogloss: a smallest probability, and a comparison that nan does not pass."""
    return _capped(np.where(np.isnan(z), 0.0, z), y)


def _capped_and_ignored_rows_counted(z: Any, y: Any) -> Any:
    kept = y != -100
    with np.errstate(all="ignore"):
        return -(np.log(np.maximum(_at_label(z, np.where(kept, y, 0)), 1e-16)) * kept).sum() / max(len(z), 1)


def _raises_twice(z: Any, y: Any) -> Any:
    if z.shape[1] == 1:
        raise ValueError("one class")
    if len(z) > 20:
        raise MemoryError("too many rows")
    return mean_loss(z, y)


def _raises_at_first(z: Any, y: Any) -> Any:
    if z.shape == (2, 3):
        raise ValueError("two rows of three")
    if z.shape == (1, 2):
        raise KeyError("one row of two")
    return mean_loss(z, y)


def _checks_nothing(z: Any, y: Any) -> Any:
    return mean_loss(z, np.asarray(y).reshape(-1)[: len(z)].astype(np.int64) % z.shape[1])


def findings(loss: Any, law: str, **more: Any) -> tuple[Finding, ...]:
    """Return the findings of one law in float64."""
    contract = {"nonfinite": ["-inf", "nan"], **more}
    return check(loss, contract=contract, properties=[law], dtypes=["float64"]).findings


@pytest.mark.slow
def test_a_swallowed_nan_is_found_behind_a_cap() -> None:
    """Issue 10, B3: a loss with both had its cap reported, and its nan held."""
    first, second = findings(_capped_and_nan_swallowed, "value")
    assert (first.place, second.place) == (1, 2)
    assert np.isfinite(first.got)
    assert np.isfinite(first.certified[0])
    assert np.isfinite(second.got)
    assert np.isnan(second.certified[0])
    assert identifier(first) != identifier(second)


@pytest.mark.slow
def test_two_wrong_numbers_are_two_findings() -> None:
    """What the first one's mechanism does not predict is reduced on its own, without the first."""
    capped, divided = findings(_capped_and_ignored_rows_counted, "value", ignore_index=-100, mean_over="kept")
    assert capped.mechanism in ("clip", "log_limited")  # of p, or of log p: the same numbers
    assert capped.got == pytest.approx(-np.log(1e-16))
    assert min(divided.batch["labels"]["values"]) == -100
    assert divided.got < 5


@pytest.mark.slow
def test_one_mistake_is_one_finding() -> None:
    """However many batches it shows on, and whatever their numbers."""
    assert len(findings(_capped, "value")) == 1


def test_each_exception_is_reported() -> None:
    """Two places that raise are two mistakes."""
    found = findings(_raises_twice, "answers")
    assert sorted(str(one.got).partition(":")[0] for one in found) == ["MemoryError", "ValueError"]


def test_each_kind_of_bad_input_is_reported_up_to_three() -> None:
    """A target without any check does not fill the report."""
    found = findings(_checks_nothing, "bad-input", invalid="raise")
    assert len(found) == 3
    assert len({one.title for one in found}) == 3


@pytest.mark.slow
def test_what_every_call_accepts_is_one_finding_a_kind() -> None:
    """The loss and the gradient called alone accept what the call for both accepts: that is nothing further."""

    def gradient(z: Any, y: Any) -> Any:
        return mean_gradient(z, np.asarray(y).reshape(-1)[: len(z)].astype(np.int64) % z.shape[1])

    contract = {"invalid": "raise"}
    report = check(_checks_nothing, gradient, contract=contract, properties=["bad-input"], dtypes=["float64"])
    assert len(report.findings) == 3
    assert not any("called alone" in found.title for found in report.findings)


def test_with_fail_fast_nothing_further_is_looked_for() -> None:
    """The first finding ends the run."""
    contract = {"nonfinite": ["-inf", "nan"]}
    report = check(_capped_and_nan_swallowed, contract=contract, properties=["value"], fail_fast=True)
    assert len(report.findings) == 1
    # The run goes on until a call returns: what raises until then is one finding as well.
    assert len(check(_raises_at_first, properties=["answers"], fail_fast=True).findings) == 1


@pytest.mark.parametrize("got", [np.nan, np.inf])
def test_kinds_by_which_an_overflow_is_known(got: float) -> None:
    """What is left to law 12 ends with these words; see `further`."""
    violation = Violation("", None, "loss", got=got, bounds=(1.0, 1.0))
    assert kind_of(violation).what.endswith("for a finite number")
    assert kind_of(violation) != Kind("a wrong number", "loss")


@pytest.mark.parametrize(
    ("cause", "told", "suspected"),
    [
        (None, False, ""),
        (Cause("scaled", "It is scaled."), True, ""),
        (Cause("scaled", "It is scaled.", foretold=True), True, ""),
        (Cause("scaled", "It is scaled.", shown=False, foretold=True), False, "scaled"),
        (Cause("scaled", "It is scaled.", shown=False), False, ""),
    ],
)
def test_a_mechanism_is_suspected_that_predicts_all_and_is_not_shown(
    cause: Cause | None, told: bool, suspected: str
) -> None:
    (law,), batch = choose(["value"]), Batch(np.zeros((1, 2)), np.zeros(1, np.int64))
    shown = Shown(Contract(), Fall(law, Violation("it is wrong", batch), batch), True, cause)
    assert (shown.told, shown.suspected) == (told, suspected)


class _Off:
    """Answers with a loss that is off by 1."""

    def evaluate(self, batch: Batch, *given: Any, **further: Any) -> Outcome:
        return Outcome(loss=mean_loss(batch.scores, batch.labels) + 1.0)


def _off(first: float) -> Fall:
    (law,) = choose(["value"])
    batch = Batch(np.array([[first, 0.0]]), np.zeros(1, np.int64))
    (violation,) = law.judge(Case(Contract(), Capabilities(), _Off(), batch))
    return Fall(law, violation, batch)


@pytest.mark.parametrize(
    ("others", "explained", "covers", "told"),
    [(1, True, True, True), (1, True, False, False), (1, False, False, True), (0, True, False, True)],
    ids=["explains another", "explains none", "no explanation", "nothing else to explain"],
)
def test_a_further_mechanism_has_to_explain_a_second_batch(
    others: int, explained: bool, covers: bool, told: bool
) -> None:
    """If there is one: else it may be fitted to the numbers of the one batch that it was made for."""
    falls = [_off(float(place)) for place in range(1 + others)]

    def reduced(fall: Fall, excused: Any) -> Any:
        made = Shown(Contract(), fall, True, Cause("a guess", "It is guessed.") if explained else None)
        made.__dict__["explanation"] = SimpleNamespace(covers=lambda other: covers) if explained else None
        return made

    shown: list[Shown] = []
    Further(Contract(), shown, reduced).look_for(falls)
    assert bool(shown) == told
