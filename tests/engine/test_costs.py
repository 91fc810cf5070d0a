"""A target that compiles for each new shape, or is slow, is recognised, and what that changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract
from xentcheck.engine import costs, run_plan
from xentcheck.engine.order import capabilities_of
from xentcheck.engine.plan import Cell
from xentcheck.engine.run import check_target
from xentcheck.engine.run_plan import Options, planned
from xentcheck.engine.search import CellSearch
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.registry import LAWS, choose
from xentcheck.reference import loss_and_gradient
from xentcheck.targets import TargetSpecification, open_host
from xentcheck.targets.outcome import Outcome, Raised

LOSSES = Path(__file__).with_name("losses.py")
CELL = Cell("float64", "sparse")


class Host:
    """Answers after as many seconds, by the clock of `costs`, as a function of the shapes known says."""

    def __init__(self, monkeypatch, seconds):
        self.now, self.seconds, self.shapes, self.calls = 0.0, seconds, [], 0
        monkeypatch.setattr(costs, "perf_counter", lambda: self.now)
        monkeypatch.setattr(costs, "waits", lambda process: {})  # this one may really wait, on a busy machine

    def evaluate(self, batch, want=(), upstream=None, vector=None, **others):
        self.calls += 1
        self.now += self.seconds(batch.scores.shape, batch.scores.shape in self.shapes, len(self.shapes))
        self.shapes.append(batch.scores.shape)
        return Outcome(loss=np.float64(0.0))


class Right:
    """Answers as the reference does, and counts its calls."""

    calls = 0

    def evaluate(self, batch, want=(), upstream=None, vector=None, **others):
        self.calls += 1
        try:
            labels = batch.labels.reshape(-1) if batch.label_form == "sparse" else batch.labels
            loss, gradient = loss_and_gradient(batch.scores, labels)
            return Outcome(loss=loss, gradient=gradient)
        except (TypeError, ValueError) as error:
            return Outcome(raised=Raised(type(error).__name__, str(error), "loss"))


@pytest.mark.parametrize(
    ("seconds", "least", "calls"),
    [
        (lambda shape, known, count: 0.01 if known else 0.01 + 0.1 * shape[1], 0.1, 6),  # the fewest classes are 1
        (lambda shape, known, count: 5.0, 0.0, 2),  # slow, but not because a shape is new
        (lambda shape, known, count: 0.01 if known else 0.05, 0.0, 2),
        (lambda shape, known, count: 0.01 if known else 0.1, 0.0, 6),
        (lambda shape, known, count: 3.0 if not count else 0.01, 0.0, 6),  # the first call of all
        (lambda shape, known, count: 0.01 if known or count > 3 else 0.7, 0.0, 6),
    ],
    ids=["compiles", "slow", "cheap", "nearly", "loads", "two of three"],
)
def test_what_counts_is_the_least_of_three_shapes(monkeypatch, seconds, least, calls):
    """A single slow call, as on a busy machine, changes nothing."""
    host = Host(monkeypatch, seconds)
    found = costs.costs(costs.seconds_of_new_shapes(Contract(), host, CELL), 0.0).new_shape
    assert found >= least
    assert (found > 0) == (least > 0)
    assert host.calls == calls
    assert (2, 3) not in host.shapes


@pytest.mark.parametrize(
    ("found", "shapes", "compiling"),
    [
        ([], 0.0, 0.0),
        ([0.2, 0.4, 0.3], 0.2, 0.3),
        ([0.12, 0.1, 0.02], 0.0, 0.08),  # kernels of the third were there
        ([0.06, 0.01, 0.02], 0.0, 0.0),
        ([0.01], 0.0, 0.0),
    ],
)
def test_what_is_compiled_may_have_been_in_part(found, shapes, compiling):
    """Then it is worth a second process, which changes nothing of the report; few shapes are for what always is."""
    assert costs.costs(found, 0.5) == costs.Costs(shapes, 0.5, pytest.approx(compiling))


@pytest.mark.parametrize(("declared", "took", "calls"), [("few", 1.0, 2), ("few", 0.3, 6), ("measured", 1.0, 6)])
def test_where_few_shapes_are_declared_one_is_enough_to_know_that_it_is_dear(monkeypatch, declared, took, calls):
    """Each is compiled for, and nothing else is done meanwhile."""
    host = Host(monkeypatch, lambda shape, known, count: 0.01 if known else took)
    found = costs.seconds_of_new_shapes(Contract(shapes=declared), host, CELL)
    assert host.calls == calls
    assert costs.costs(found, 0.0).compiling == pytest.approx(took - 0.01)


def test_the_first_shape_counts_where_another_dtype_was_asked_before(monkeypatch):
    """So that there is one compilation less before the search."""
    host = Host(monkeypatch, lambda shape, known, count: 0.01 if known else 1.0)
    found = costs.seconds_of_new_shapes(Contract(shapes="few"), host, CELL, begun=False)
    assert (found, host.shapes) == ([pytest.approx(0.99)], [(2, 3)] * 2)


@pytest.mark.parametrize(
    ("shapes", "dtypes", "begun"),
    [("few", ("float64", "float32"), False), ("few", ("float64",), True), ("measured", ("float64", "float32"), True)],
)
def test_the_first_shape_counts_where_few_are_declared_and_there_are_narrower_dtypes(
    monkeypatch, shapes, dtypes, begun
):
    """Which are asked first; else the first batch takes on what a first call of all does once."""
    asked = []
    monkeypatch.setattr(
        run_plan, "seconds_of_new_shapes", lambda *given, begun=True: asked.append(begun) or [0.5, 0.5, 0.5]
    )
    specification = TargetSpecification(loss=lambda z, y: 0.0, changes={"shapes": shapes})
    with open_host(specification) as host:
        planned(specification, Options(dtypes=dtypes), host)
    assert asked == [begun]


@pytest.mark.parametrize(("seconds", "said"), [(0.5, True), (0.4, False)])
def test_the_report_says_that_layouts_were_few(monkeypatch, seconds, said):
    """Where what is compiled costs so much that they were."""
    monkeypatch.setattr(run_plan, "seconds_of_new_shapes", lambda *given, **named: [seconds] * 3)
    report = check_target(TargetSpecification(loss=f"{LOSSES}:loss"), properties=["value"], dtypes=["float64"])
    assert any("in one other layout" in line for line in report.observations) == said


@pytest.mark.parametrize("outcome", [Outcome(died="exit status 3"), Outcome(raised=Raised("ValueError", "", "loss"))])
def test_what_does_not_return_is_not_measured(monkeypatch, outcome):
    """That is for the search to find, in as many shapes as ever."""
    host = Host(monkeypatch, lambda shape, known, count: 0.0 if known else 1.0)
    monkeypatch.setattr(host, "evaluate", lambda *given: outcome)
    assert costs.seconds_of_new_shapes(Contract(), host, CELL) == []


@pytest.mark.parametrize("failed", [Outcome(died="exit status 3"), Outcome(raised=Raised("ValueError", "", "loss"))])
@pytest.mark.parametrize("at", [2, 4])
def test_what_returns_no_more_is_not_measured_either(monkeypatch, failed, at):
    """The second call of a shape, first or not, may be the one that does not return, however long the first took."""
    host = Host(monkeypatch, lambda shape, known, count: 0.0 if known else 1.0)
    answer = host.evaluate
    monkeypatch.setattr(host, "evaluate", lambda *given: failed if answer(*given) and host.calls == at else Outcome())
    assert costs.seconds_of_new_shapes(Contract(), host, CELL) == []
    assert host.calls == at


def test_a_call_that_does_not_return_is_not_slow(monkeypatch):
    """However long it takes to raise."""
    host = Host(monkeypatch, lambda shape, known, count: 1.0)
    answer, raised = host.evaluate, Outcome(raised=Raised("ValueError", "", "loss"))
    monkeypatch.setattr(host, "evaluate", lambda *given: raised if answer(*given) else None)
    assert costs.seconds_of_a_call(Contract(), host, CELL) == 0.0


def test_one_shape_alone_is_no_new_one(monkeypatch):
    """A contract that admits but one shape leaves nothing to measure."""
    host = Host(monkeypatch, lambda shape, known, count: 1.0)
    contract = Contract(domain={"rows": [7, 7], "classes": [9, 9]})
    assert costs.seconds_of_new_shapes(contract, host, CELL) == []


@pytest.mark.parametrize(
    ("took", "least", "calls"),
    [
        ([0.02, 0.03, 0.015, 0.4, 0.05, 0.3, 0.06], 0.0375, 7),  # the last two are of more rows
        ([0.003, 0.004, 0.003, 0.009, 0.003, 0.004, 0.003], 0.003, 7),
        ([0.0015, 0.0015, 0.0015, 0.0015, 0.0015, 0.0015, 0.0015], 0.0015, 7),
        ([0.02, 0.02, 0.02, 0.02, 0.02, 0.0009], 0.02, 6),
        ([0.2, 0.0009, 0.0007], 0.0, 3),
        ([0.0009, 0.0009], 0.0, 2),
        ([0.0005, 0.0025, 0.0035], 0.0015, 3),
    ],
    ids=["slow", "6,000 take 18 s", "6,000 take 9 s", "quicker later", "slow at first", "quick", "by the row"],
)
def test_a_call_is_slow_where_five_are(monkeypatch, took, least, calls):
    """Of each of two sizes one that is quick decides, so that a busy machine changes nothing."""
    host = Host(monkeypatch, lambda shape, known, count: took[count])
    assert costs.seconds_of_a_call(Contract(), host, CELL) == pytest.approx(least)
    assert (host.calls, set(host.shapes)) == (calls, {(2, 3), (33, 10)})


def test_of_what_is_compiled_for_each_shape_a_quick_call_is_enough(monkeypatch):
    """Another shape would cost more than is known by it."""
    host = Host(monkeypatch, lambda shape, known, count: 0.0009)
    assert costs.seconds_of_a_call(Contract(), host, CELL, compiles=True) == 0.0
    assert host.calls == 1


@pytest.mark.parametrize("compiles", [True, False])
def test_a_call_is_slow_where_no_batch_has_more_rows(monkeypatch, compiles):
    """Then the one size that there is counts."""
    host = Host(monkeypatch, lambda shape, known, count: 0.02)
    monkeypatch.setattr(costs, "nearest_of", lambda shapes, wanted: (5, 5))
    assert costs.seconds_of_a_call(Contract(), host, CELL, compiles=compiles) == pytest.approx(0.02)


@pytest.mark.parametrize(("kept", "slow"), [("target", False), ("judge", False), ("nobody", True)])
def test_a_call_that_had_no_processor_is_not_slow(monkeypatch, kept, slow):
    """What the target's process or this one has waited for one does not count, as on a machine with other work."""
    host = Host(monkeypatch, lambda shape, known, count: 0.02)
    waited = {kept: lambda: {"1": 0.96 * 0.02 * host.calls}}
    host.waits = waited.get("target", dict)
    monkeypatch.setattr(costs, "waits", lambda process: waited.get("judge", dict)())
    assert (costs.seconds_of_a_call(Contract(), host, CELL) > 0.0) == slow


def test_what_a_call_has_worked_counts_in_any_case(monkeypatch):
    """Both processes may have waited at once, for longer together than the call took."""
    host = Host(monkeypatch, lambda shape, known, count: 0.08)
    host.waits = lambda: {"1": 0.06 * host.calls}
    monkeypatch.setattr(costs, "waits", lambda process: {"1": 0.06 * host.calls})
    assert costs.seconds_of_a_call(Contract(), host, CELL) == 0.0
    host.works = lambda: {"1": 0.001, "2": 0.02 * host.calls}
    assert costs.seconds_of_a_call(Contract(), host, CELL) == pytest.approx(0.02)


@pytest.mark.parametrize("outcome", [Outcome(died="exit status 3"), Outcome(raised=Raised("ValueError", "", "loss"))])
def test_what_does_not_return_is_not_slow(monkeypatch, outcome):
    """That is for the search to find, by every law."""
    host = Host(monkeypatch, lambda shape, known, count: 1.0)
    monkeypatch.setattr(host, "evaluate", lambda *given: outcome)
    assert costs.seconds_of_a_call(Contract(), host, CELL) == 0.0


@pytest.mark.parametrize("how", ["no answer within 120 s", "SIGSEGV"])
def test_what_dies_at_the_first_call_is_not_measured(monkeypatch, how):
    """Each further call may cost the whole time limit, and says nothing of what calls cost."""
    specification = TargetSpecification(loss=lambda z, y: 0.0)
    with open_host(specification) as host:
        asked = []

        def dying(questions):
            for one in questions:
                asked.append(one)
                yield Outcome(died=how)

        monkeypatch.setattr(host, "evaluate_each", dying)
        monkeypatch.setattr(host, "evaluate", lambda *given, **named: next(dying([given])))
        plan = planned(specification, Options(), host)
    assert len(asked) == 1
    assert plan.costs == costs.NO_COSTS


@pytest.mark.parametrize(
    ("profile", "call", "slow", "turns"),
    [
        ("standard", 0.0015, False, 1),
        ("standard", 0.003, True, 1),
        ("standard", 0.006, True, 4),
        ("quick", 0.0015, False, 1),
        ("quick", 0.003, True, 3.6),
        ("thorough", 0.006, True, 1),
    ],
)
def test_from_what_a_call_costs_on_a_law_asks_less(monkeypatch, profile, call, slow, turns):
    """Below 2 ms every law asks about every batch, and as much bad input and as many repetitions are tried."""
    monkeypatch.setattr(run_plan, "_costs", lambda *given: costs.Costs(call=call))
    specification = TargetSpecification(loss=lambda z, y: 0.0)
    with open_host(specification) as host:
        plan = planned(specification, Options(profile=profile), host)
        assert plan.economy.turns == turns
        assert capabilities_of(host, plan.costs).expensive_calls == slow


@pytest.mark.parametrize("turns", [16, 4, 1.5, 1])
def test_laws_that_ask_take_turns_where_calls_are_slow(turns):
    """Each is asked on one batch in so many, no two of neighbours on the same; those that only look, on all."""
    capabilities = Capabilities(expensive_calls=True)
    search = CellSearch(Contract(), capabilities, Right(), choose(["value", "shift", "layout"]), CELL, turns=turns)
    result = search.search(list(islice(sweep(Contract(), "float64", "sparse"), 48)), "quick", 0, 0)
    examples = {name: tally.examples for name, tally in result.tallies.items()}
    assert examples["value"] == result.run == 48
    assert 0 < examples["shift"] <= 48 / turns
    assert examples["layout"] == 48 / turns


def test_each_law_has_a_turn_where_few_batches_are_judged():
    """A turn comes again after as many batches as there are at the latest."""
    named = choose(["shift", "layout", "gibbs", "determinism", "row-independence", "reductions"])
    search = CellSearch(Contract(), Capabilities(expensive_calls=True), Right(), named, CELL, turns=16)
    result = search.search(list(islice(sweep(Contract(), "float64", "sparse"), 8)), "quick", 0, 0)
    assert all(tally.examples == 1 for tally in result.tallies.values())


def test_a_law_that_had_nothing_to_ask_in_its_turn_has_the_next():
    """It asks at some shapes or options only, and once it has, it waits for its turn again."""
    capabilities = Capabilities(loss=True, gradient=True, expensive_calls=True)
    begun = []

    def asking(case):
        begun.append(len(begun))
        if case.batch.scores.shape == (4, 8):
            case.looked()
        return ()

    named = replace(choose(["shift"])[0], function=asking)
    batches = [Batch(np.full((3, 5), place / 8), np.zeros(3, np.int64)) for place in range(40)]
    batches[23] = Batch(np.zeros((4, 8)), np.zeros(4, np.int64))
    search = CellSearch(Contract(), capabilities, Right(), [named], CELL, turns=16)
    result = search.search(batches, "quick", 0, 0)
    assert result.tallies["shift"].examples == 1
    assert len(begun) == 24 - 15 + 1  # the 16th to the 24th and the 32nd


@pytest.mark.parametrize(
    ("declared", "known", "measured", "few"),
    [
        ("measured", False, 0.0, False),
        ("measured", False, 0.5, True),
        ("measured", True, 0.0, True),
        ("many", True, 0.5, False),
        ("few", False, 0.0, True),
    ],
)
def test_what_is_declared_goes_before_what_is_measured(declared, known, measured, few):
    """Of shapes some frameworks are known for it, too; of calls none."""
    offered = dict.fromkeys(("has_loss", "has_gradient", "has_vjp", "has_hessian_vector", "has_jvp"), True)

    def found(taken, **keys):
        description = SimpleNamespace(contract=Contract(**keys), expensive_shapes=known, **offered)
        return capabilities_of(SimpleNamespace(description=description), taken)

    shapes = found(costs.Costs(new_shape=measured), shapes=declared)
    calls = found(costs.Costs(call=measured), calls=declared, shapes="many")
    assert (shapes.expensive_shapes, shapes.expensive_calls) == (few, False)
    assert (calls.expensive_shapes, calls.expensive_calls) == (False, few and not (declared == "measured" and known))


def test_laws_that_only_look_ask_nothing():
    """A law that says it asks nothing of its own has no further call on any batch; every other has on some."""
    contract = Contract(labels=("sparse", "onehot", "soft"), nonfinite=("-inf",), invalid="raise")
    capabilities = Capabilities(loss=True, gradient=True)
    asked = Counter()
    for form in contract.labels:
        laws = [law for law in LAWS if not law.silent(contract, capabilities, "float64", form)]
        for batch, law in product(list(islice(sweep(contract, "float64", form), 30)), laws):
            host = Right()
            case = Case(contract, capabilities, host, batch)
            assert case.answer is not None
            before = host.calls
            list(law.judge(case))
            asked[law] += host.calls - before
    assert {law.name for law in asked if not asked[law]} == {law.name for law in asked if not law.asks}


def seen_shapes(tmp_path, monkeypatch, measured, **changes):
    """Return report and shapes of a run on a target that notes the shapes it is given."""
    notes = tmp_path / "shapes"
    source = f"from {LOSSES.stem} import loss as right\ndef loss(z, y):\n"
    source += f"    with open({str(notes)!r}, 'a') as f: print(*z.shape, file=f)\n    return right(z, y)\n"
    (tmp_path / "noting.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(LOSSES.parent))
    monkeypatch.setattr("xentcheck.engine.run_plan.seconds_of_new_shapes", lambda *given, **named: [measured] * 3)
    specification = TargetSpecification(loss=f"{tmp_path / 'noting.py'}:loss", changes=changes)
    report = check_target(specification, properties=["answers"], dtypes=["float64"])
    return report, set(notes.read_text(encoding="utf-8").splitlines())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measured", "changes", "few"),
    [(0.02, {}, True), (0.02, {"calls": "many"}, False), (0.0, {"calls": "few"}, True), (0.0, {}, False)],
)
def test_a_slow_target_is_asked_less_and_the_report_says_so(monkeypatch, measured, changes, few):
    """Measured or declared; what is measured has some batches left out, too, and the counts and a sentence tell it."""
    monkeypatch.setattr("xentcheck.engine.run_plan.seconds_of_a_call", lambda *given, **named: measured)
    specification = TargetSpecification(loss=f"{LOSSES}:loss", changes=changes)
    report = check_target(specification, properties=["value", "shift"], dtypes=["float64"])
    examples = {one.name: one.examples for one in report.properties}
    assert report.verdict == "conforms"
    left_out = measured > 0 and not changes
    assert report.counts.run == 96 if left_out else examples["value"] > 150
    assert (report.counts.skipped > 0) == left_out
    assert any(line.startswith("so dear a target gets 84 ") for line in report.observations) == left_out
    assert (examples["shift"] < 20) == few
    said = "a call takes 0.02 s: laws that make further calls took turns, each on one batch in 16"
    assert any(line.startswith(said) for line in report.observations) == (measured > 0 and not changes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measured", "changes", "few"),
    [(0.6, {}, True), (0.6, {"shapes": "many"}, False), (0.0, {"shapes": "few"}, True), (0.0, {}, False)],
)
def test_few_shapes_where_each_is_dear(tmp_path, monkeypatch, measured, changes, few):
    """Measured or declared; and the report says what was measured."""
    report, shapes = seen_shapes(tmp_path, monkeypatch, measured, **changes)
    assert report.verdict == "conforms"
    assert (len(shapes) <= 8) == few
    assert report.counts.run > 60
    said = "each new shape costs 0.6 s: batches were of 8 shapes, many of each"
    assert any(line.startswith(said) for line in report.observations) == (measured > 0 and not changes)
