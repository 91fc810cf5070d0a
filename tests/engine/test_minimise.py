"""A batch is reduced as long as the law is broken in the same way, and no further."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.storage import from_mapping, to_mapping
from xentcheck.contract import Contract
from xentcheck.diagnosis import Cause
from xentcheck.engine.cell_result import Fall
from xentcheck.engine.minimise import finding, minimise, translated
from xentcheck.engine.order import capabilities_of
from xentcheck.engine.plan import Cell
from xentcheck.engine.recalled import Remembering
from xentcheck.engine.run import check_target
from xentcheck.engine.violation_kind import Kind, kind_of
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities, Violation
from xentcheck.properties.registry import choose
from xentcheck.targets import TargetSpecification, open_host
from xentcheck.targets.call import build
from xentcheck.targets.outcome import Outcome
from xentcheck.zoo.parts import mean_gradient, mean_loss, row_losses

BATCH = Batch(np.arange(12.0).reshape(4, 3), np.array([0, 1, 2, 0]))


def _many_rows_are_nan(z: Any, y: Any) -> Any:
    return np.nan if len(z) >= 3 else mean_loss(z, y) + 1


def _many_rows_raise(z: Any, y: Any) -> Any:
    if len(z) >= 3:
        raise ValueError
    raise IndexError


@pytest.mark.parametrize(
    ("law", "loss", "what"),
    [("value", _many_rows_are_nan, "nan for a finite number"), ("answers", _many_rows_raise, "raised ValueError")],
)
def test_the_reducer_keeps_the_kind(law: str, loss: Any, what: str) -> None:
    """Fewer rows break the law in another way; the minimal batch shows what the first one showed."""
    contract = Contract(dtypes=("float64",))
    (chosen,) = choose([law])
    with open_host(TargetSpecification(loss=loss, contract=contract)) as host:

        def case_of(batch: Batch) -> Case:
            return Case(contract, capabilities_of(host), host, batch)

        first = next(chosen.judge(case_of(BATCH)))
        fall = Fall(chosen, first, BATCH)
        smaller, minimal = minimise(fall, case_of, 60, [BATCH.rows([0])], contract)
    assert minimal
    assert smaller.batch.n == smaller.violation.batch.n == 3
    assert kind_of(smaller.violation).what.startswith(what)


def test_the_row_that_is_seen_to_be_wrong_is_tried_alone() -> None:
    """One row of 177 is wrong, and few questions are afforded: it is what the finding shows."""

    def loss(z: Any, y: Any) -> Any:
        return row_losses(z, y) + (z[:, 0] == 1.5)

    contract = Contract(dtypes=("float64",), reduction="none")
    scores = np.zeros((177, 5))
    scores[129] = [1.5, 0.25, 0.125, 0.0, 3.0]
    batch = Batch(scores, np.zeros(177, np.int64))
    (law,) = choose(["value"])
    with open_host(TargetSpecification(loss=loss, contract=contract)) as host:

        def case_of(batch: Batch) -> Case:
            return Case(contract, capabilities_of(host), host, batch)

        fall = Fall(law, next(law.judge(case_of(batch))), batch)
        found, minimal = minimise(fall, case_of, 2, [], contract)
    assert fall.violation.part == "loss[129]"
    assert minimal
    assert found.batch.n == 1
    assert found.batch.scores[0, 0] == 1.5


def test_a_batch_outside_the_domain_is_not_tried() -> None:
    """Every batch breaks the law, the smallest one of another cell, too; the target is asked for admitted ones only."""
    shapes = []

    def wrong(z: Any, y: Any) -> Any:
        shapes.append(z.shape)
        return mean_loss(z, y) + 1

    contract = Contract(dtypes=("float64",), domain={"rows": [2, 4], "classes": [2, 3], "magnitude": 9.0})
    batch = BATCH.replace(scores=BATCH.scores / 4)
    (law,) = choose(["value"])
    with open_host(TargetSpecification(loss=wrong, contract=contract)) as host:

        def case_of(batch: Batch) -> Case:
            return Case(contract, capabilities_of(host), host, batch)

        fall = Fall(law, next(law.judge(case_of(batch))), batch)
        found, minimal = minimise(fall, case_of, 300, [batch.rows([0])], contract)
    assert minimal
    assert found.batch.scores.shape == (2, 2)
    assert min(shapes) == (2, 2)


def test_what_another_finding_explains_is_not_what_is_sought() -> None:
    """Small batches are off by 1, which is excused, and large ones by 2."""

    def loss(z: Any, y: Any) -> Any:
        return mean_loss(z, y) + (2.0 if len(z) >= 3 else 1.0)

    def off_by_one(violation: Violation) -> bool:
        assert violation.certified is not None
        return abs(float(violation.got) - violation.certified[0] - 1.0) < 0.5  # type: ignore[arg-type]

    (law,) = choose(["value"])
    with open_host(TargetSpecification(loss=loss, contract=Contract(dtypes=("float64",)))) as host:
        contract, capabilities = host.description.contract, capabilities_of(host)

        def case_of(batch: Batch) -> Case:
            return Case(contract, capabilities, host, batch)

        fall = Fall(law, next(law.judge(case_of(BATCH))), BATCH)
        every, _ = minimise(fall, case_of, 60, [], contract)
        found, minimal = minimise(fall, case_of, 60, [], contract, off_by_one)
    assert every.batch.n == 1
    assert minimal
    assert found.batch.n == 3


def test_kinds_tell_what_happened() -> None:
    """What came for what, and to which part; the numbers and the element do not matter."""

    def kind(got: Any, right: float, part: str = "loss[1]") -> Kind:
        return kind_of(Violation("", BATCH, part, got=got, bounds=(right, right)))

    assert kind(1.0, 2.0) == kind(0.0, 5.0, "loss[7]") == Kind("a wrong number", "loss")
    assert kind(np.nan, 2.0) == Kind("nan for a finite number", "loss")
    assert kind(2.0, np.nan) == Kind("a finite number for nan", "loss")
    assert kind(np.inf, np.nan) == Kind("an infinity for nan", "loss")
    assert kind(1.0, 2.0, "gradient[0, 1]") == Kind("a wrong number", "gradient")
    assert kind_of(Violation("", BATCH, got="scores changed")) == Kind("scores changed", "")
    assert kind_of(Violation("", BATCH, "loss", got=3)) == Kind("a wrong number", "loss")
    assert kind_of(Violation("the loss has shape (2,)", BATCH, "loss", got="(2,)")) == Kind("a wrong shape", "loss")


@pytest.mark.parametrize("known", [True, False])
def test_a_minimal_batch_of_another_cell_is_tried_first(known: bool) -> None:
    """If it breaks the law here too it is the finding, in this cell's dtype, without any reduction; else it is not."""
    contract = Contract(dtypes=("float64",))
    (chosen,) = choose(["answers"])
    asked = []

    def loss(z: Any, y: Any) -> Any:
        asked.append(z.shape)
        if len(z) in (1, 3):
            raise ValueError
        return np.float64(0.0)

    other = BATCH.rows([0, 0, 0] if known else [0, 0])
    other = other.replace(scores=other.scores.astype(np.float32))
    with open_host(TargetSpecification(loss=loss, contract=contract)) as host:

        def case_of(batch: Batch) -> Case:
            return Case(contract, capabilities_of(host), host, batch)

        start = BATCH.rows([0])
        fall = Fall(chosen, next(chosen.judge(case_of(start))), start)
        asked.clear()
        found, minimal = minimise(fall, case_of, 60, [other], contract)
    assert minimal
    assert found.batch.n == (3 if known else 1)
    assert found.batch.dtype == "float64"
    assert len(asked) == 1 if known else len(asked) > 1


class _Dying:
    """Answers nothing, and counts how often it is asked."""

    def __init__(self, how: str) -> None:
        self.how, self.calls = how, 0

    def evaluate(self, batch: Batch, want: Any = (), *given: Any, **others: Any) -> Outcome:
        self.calls += 1
        return Outcome(died=self.how)


@pytest.mark.parametrize(("how", "calls"), [("SIGSEGV", 8), ("no answer within 10 s", 3)])
def test_what_kills_the_process_is_reduced_a_little(how: str, calls: int) -> None:
    """Each death costs a process, and a hang the whole time limit."""
    contract = Contract(dtypes=("float64",))
    (law,) = choose(["answers"])
    host = _Dying(how)

    def case_of(batch: Batch) -> Case:
        return Case(contract, Capabilities(loss=True), host, batch)

    wide = Batch(np.arange(4096.0).reshape(64, 64), np.arange(64))
    first = next(iter(law.judge(case_of(wide))))
    host.calls = 0
    asked: Any = {}
    found, minimal = minimise(Fall(law, first, wide), case_of, 60, [], contract, asked=asked)
    assert minimal
    assert not asked  # it may have died of something else, and is asked again
    assert found.batch.scores.size < wide.scores.size
    assert host.calls == calls


def test_a_finding_is_minimal_only_where_it_is_said_to_be() -> None:
    """What was not reduced does not claim it."""
    (law,) = choose(["value"])
    violation, cell = Violation("", BATCH, "loss[1]", got=1.0, bounds=(2.0, 2.0)), Cell("float64", "sparse")
    assert not finding(law, cell, violation, Contract()).minimal
    assert finding(law, cell, violation, Contract(), minimal=True).minimal


def test_a_finding_names_the_batch_that_its_own_was_derived_from() -> None:
    """Only where it was derived of another one: laws of value and gradient judge the batch itself."""
    (law,) = choose(["value"])
    violation, cell = Violation("", BATCH, "loss[1]", got=1.0, bounds=(2.0, 2.0)), Cell("float64", "sparse")
    same = finding(law, cell, violation, Contract(), asked=BATCH.replace(scores=BATCH.scores.copy()))
    other = finding(law, cell, violation, Contract(), asked=BATCH.rows([0]))
    assert finding(law, cell, violation, Contract()).derived_from is None
    assert same.derived_from is None
    assert other.derived_from is not None
    assert other.derived_from["scores"]["shape"] == [1, 3]


def test_a_cause_is_told_if_it_is_shown_and_what_is_known_instead_if_not() -> None:
    """Of log-probabilities with the remark that a cause is said of the loss; vectors of 0 are said."""
    (law,) = choose(["value"])
    violation, cell = Violation("", BATCH, "loss[1]", got=1.0, bounds=(2.0, 2.0)), Cell("float64", "sparse")
    shown = Cause("eps_added", "An eps is added.")
    suspected = Cause("eps_added", "An eps is added.", shown=False, known="Known: two of three.")

    def told(cause: Cause | None, output: str = "loss", **given: Any) -> tuple[str, str, tuple[str, ...]]:
        made = finding(law, cell, replace(violation, **given), Contract(output=output), cause=cause)
        return made.mechanism, made.cause, made.detail

    assert told(shown) == ("eps_added", "An eps is added.", ())
    assert told(suspected) == ("", "", ("Known: two of three.",))
    assert told(None, "log_probability") == told(None) == ("", "", ())
    assert [len(told(cause, "log_probability")[2]) for cause in (shown, suspected)] == [1, 1]
    assert "minus the log-probability" in told(shown, "log_probability")[2][0]
    assert told(None, upstream=0.0, vector=[0.0])[2] == ("upstream gradient 0.0", "the Hessian times [0.0]")


def test_what_happens_once_is_not_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state of the target matters: no smaller batch is taken for what shows it, nor this one for minimal."""
    # A target that is tried out first is called with arrays of frameworks that a test before has imported.
    monkeypatch.setattr(build, "imported", list)
    calls = []

    def once(z: Any, y: Any) -> Any:
        calls.append(z.shape)
        return mean_loss(z, y) + (len(calls) == 1)

    contract = Contract(dtypes=("float64",))
    (law,) = choose(["value"])
    with open_host(TargetSpecification(loss=once, contract=contract)) as host:

        def case_of(batch: Batch) -> Case:
            return Case(contract, capabilities_of(host), host, batch)

        fall = Fall(law, next(law.judge(case_of(BATCH))), BATCH)
        found, minimal = minimise(fall, case_of, 60, [], contract)
    assert found is fall
    assert not minimal
    assert set(calls) == {BATCH.scores.shape}


def test_what_another_reduction_asked_is_not_asked_again() -> None:
    """The same batch comes out, and the target is not called for it."""
    calls = []

    def wrong(z: Any, y: Any) -> Any:
        calls.append(len(z))
        return mean_loss(z, y) + 1

    with open_host(TargetSpecification(loss=wrong)) as host:
        contract, capabilities = host.description.contract, capabilities_of(host)
        (law,) = choose(["value"])

        def case(batch: Batch) -> Case:
            return Case(contract, capabilities, host, batch)

        fall = Fall(law, next(law.judge(case(BATCH))), BATCH)
        asked: Any = {}
        first = minimise(fall, case, 300, [], contract, asked=asked)
        calls.clear()
        again = minimise(fall, case, 300, [], contract, asked=asked)
    assert first[1]
    assert again[0].violation is first[0].violation
    assert calls == []


@pytest.mark.parametrize(
    ("options", "others", "same"),
    [(("z_loss",), ("z_loss",), True), (("z_loss",), (), False), ((), ("z_loss",), False)],
)
def test_a_minimal_batch_is_tried_in_cells_that_take_the_same_options(options: Any, others: Any, same: bool) -> None:
    """In the scores' own dtype there; and labels of another form are none of it."""
    minimal = Batch(np.array([[0.5, 0.0]]), np.array([1]), options=dict.fromkeys(options, 0.25))
    like = Batch(np.zeros((3, 4), np.float32), np.zeros(3, np.int64), options=dict.fromkeys(others, 0.5))
    found = translated(minimal, like)
    assert (found is not None) == same
    if found is not None:
        assert (found.dtype, found.scores.tolist(), found.options) == ("float32", [[0.5, 0.0]], {"z_loss": 0.25})
    assert translated(minimal, like.replace(labels=np.eye(4)[:3], label_form="onehot", options=minimal.options)) is None


def test_a_minimal_batch_is_tried_in_cells_whose_dtype_holds_it() -> None:
    """Labels that are classes keep their own dtype, one-hot ones in that of the scores go with these."""
    large = Batch(np.array([[1e30, -np.inf]]), np.array([1]))
    assert translated(large, Batch(np.zeros((1, 2), np.float16), np.array([0]))) is None
    narrow = translated(large, Batch(np.zeros((1, 2), np.float32), np.array([0])))
    assert narrow is not None
    assert (narrow.dtype, narrow.labels.dtype) == ("float32", np.int64)
    classes = Batch(np.zeros((1, 2)), np.array([1.0]))
    onehot = Batch(np.zeros((1, 2)), np.array([[0.0, 1.0]]), "onehot")
    for batch, dtype in ((classes, "float64"), (onehot, "float32")):
        found = translated(batch, batch.replace(scores=batch.scores.astype(np.float32)))
        assert found is not None
        assert found.labels.dtype == dtype


def test_what_one_reduction_was_answered_the_next_is_not_asked_again() -> None:
    """Of a slow target; what ended the process is asked again."""
    contract, asked = Contract(dtypes=("float64",)), []

    class Host:
        died = ""

        def evaluate(self, batch: Batch, want: Any = (), *given: Any, **others: Any) -> Outcome:
            asked.append(batch.scores.shape)
            return Outcome(died=self.died) if self.died else Outcome(loss=np.float64(np.inf))

    host = Host()
    known = Remembering(host)

    def case_of(batch: Batch) -> Case:
        return Case(contract, Capabilities(loss=True), known, batch)

    reduced = []
    for law in choose(["value", "finite"]):
        first = next(iter(law.judge(case_of(BATCH))))
        before = len(asked)
        fall, minimal = minimise(Fall(law, first, BATCH), case_of, 60, [], contract)
        reduced.append((fall.batch.scores.shape, minimal, len(asked) - before))
    assert reduced[0][:2] == reduced[1][:2] == ((1, 1), True)
    assert reduced[0][2] > 0 == reduced[1][2]
    host.died = "SIGSEGV"
    other = BATCH.rows([2, 1, 0])
    asked.clear()
    assert [case_of(other).answer.outcome.died for _ in "ab"] == ["SIGSEGV", "SIGSEGV"]
    assert len(asked) == 2


@pytest.mark.parametrize(("calls", "again"), [("few", False), ("many", True)])
def test_a_slow_target_is_not_asked_by_each_law_that_falls(calls: str, again: bool) -> None:
    """A loss of infinity breaks two laws on the same batches, and one of them asks for all."""

    def asked_by(*laws: str) -> int:
        asked = []

        def loss(z: Any, y: Any) -> Any:
            asked.append(z.shape)
            return np.inf if np.max(z, initial=0.0) > 3 else mean_loss(z, y)

        specification = TargetSpecification(loss=loss, changes={"calls": calls, "dtypes": ["float64"]})
        report = check_target(specification, properties=laws)
        assert {one.name for one in report.properties if one.status == "failed"} == set(laws)
        return len(asked)

    assert (asked_by("value", "finite") - asked_by("value") > 20) == again


@pytest.mark.parametrize(("classes", "reduced"), [(5000, True), (40, False)])
def test_what_a_law_draws_is_kept_where_few_batches_break_it(classes: int, reduced: bool) -> None:
    """One upstream gradient in nine overflows, whatever the batch: a small one is found, and breaks the law again.

    A batch that can be read is left as its own draws reduce it.
    """
    contract = Contract(dtypes=("float64",))
    (law,) = choose(["vjp-linearity"])

    class Host:
        def evaluate(self, batch: Batch, want: Any = (), upstream: Any = None, *given: Any, **others: Any) -> Outcome:
            lost = upstream is not None and float(upstream) == 2.0**14
            exact = mean_gradient(batch.scores, batch.labels) * (1.0 if upstream is None else float(upstream))
            return Outcome(
                loss=np.float64(mean_loss(batch.scores, batch.labels)), gradient=exact * (np.nan if lost else 1)
            )

    def case_of(batch: Batch) -> Case:
        return Case(contract, Capabilities(loss=True, gradient=True, vjp=True), Host(), batch)

    def violations(batch: Batch) -> list[Violation]:
        return list(law.judge(case_of(batch)))

    scores = np.random.default_rng(0).normal(size=(1, classes))
    wide = next(batch for seed in range(99) if violations(batch := Batch(scores + seed, np.array([0]))))
    found, minimal = minimise(Fall(law, violations(wide)[0], wide), case_of, 60, [], contract)
    assert minimal
    assert bool(found.batch.origin) == reduced
    assert found.batch.scores.size <= 64
    assert violations(from_mapping(to_mapping(found.batch)))[0].upstream == found.violation.upstream == 2.0**14
