"""What quick leaves out of a target whose calls cost much, and that it is decided before the first batch."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.layout import LAYOUTS
from xentcheck.batches.reduce import reduce
from xentcheck.batches.storage import digest
from xentcheck.contract import Contract
from xentcheck.contract.reading import contract_of
from xentcheck.diagnosis.running import OFTEN, when_repeated
from xentcheck.engine.beside import Beside
from xentcheck.engine.cell_result import CellResult, Fall
from xentcheck.engine.conclusion import Conclusion
from xentcheck.engine.costs import NO_COSTS, Costs
from xentcheck.engine.economy import ALL, Compiled, Economy, chosen, economy, graph_of
from xentcheck.engine.memory import Memory
from xentcheck.engine.order import swept
from xentcheck.engine.plan import Cell, cells
from xentcheck.engine.purse import LEAST, Purse
from xentcheck.engine.recalled import Remembering
from xentcheck.engine.search import CellSearch
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities, Violation
from xentcheck.properties.left_open import LeftOpen
from xentcheck.properties.registry import LAWS, choose
from xentcheck.targets.find.registered import by_name
from xentcheck.targets.outcome import Outcome, Raised

CONTRACT = Contract(labels=("sparse", "soft"), dtypes=("float64", "float32"), label_smoothing={"argument": "smoothing"})
DTYPES = ("float64", "float32")


def sweeps(afforded=ALL):
    """Return the sweep of each cell of the contract, as far as it is afforded."""
    return {cell: swept(CONTRACT, cell, "quick", True, DTYPES, afforded) for cell in cells(CONTRACT)}


BATCH = Batch(np.zeros((2, 3)), np.zeros(2, np.int64))
PLAIN = {Cell(dtype, "sparse"): [BATCH] * 98 for dtype in DTYPES}


@pytest.mark.parametrize(
    ("profile", "costs", "few", "found"),
    [
        ("quick", NO_COSTS, True, ALL),
        ("quick", Costs(call=0.0015), False, Economy(None, None, None, 1045, 522, 1.0)),
        ("quick", Costs(call=0.003), False, Economy(None, None, None, 601, 300, 3.1)),
        ("quick", Costs(call=0.006), False, Economy(None, None, None, 325, 162, 6.6)),
        ("quick", Costs(call=0.017), False, Economy(48, 2, None, 86, 43, 16)),
        ("quick", Costs(call=0.031), False, Economy(48, 2, None, 86, 43, 16)),  # of one class, however busy the machine
        ("quick", Costs(call=0.3), False, Economy(4, 2, None, 12, 12, 16)),
        ("quick", Costs(call=60.0), False, Economy(4, 2, None, 12, 12, 16)),
        ("quick", Costs(new_shape=0.1, compiling=0.1), True, Economy(graphs=18)),
        ("quick", Costs(compiling=0.1), False, ALL),  # a second process, and all shapes
        ("quick", Costs(new_shape=5.0, compiling=5.0), True, Economy(graphs=10, few_layouts=True)),
        ("quick", Costs(0.1, 0.02, 0.1), True, Economy(48, 2, 18, 86, 43, 16)),
        ("standard", Costs(0.1, 0.02, 0.1), True, Economy(turns=4)),
        ("standard", Costs(call=0.003), True, ALL),
        ("thorough", Costs(call=3.0), True, ALL),
    ],
)
def test_what_is_afforded_follows_from_coarse_classes_of_the_costs(profile, costs, few, found):
    """Of two cells of 100 batches."""
    assert economy(profile, costs, few, PLAIN, 2) == found


@pytest.mark.parametrize(("cells", "graphs"), [(1, 5), (3, 15), (9, 39)])
def test_a_cell_has_four_graphs_or_five_at_least(cells, graphs):
    """Whatever they cost."""
    sweeps = {Cell("float32", str(place)): [BATCH] for place in range(cells)}
    assert economy("quick", Costs(compiling=9.0), True, sweeps) == Economy(graphs=graphs, few_layouts=True)


@pytest.mark.parametrize(("profile", "turns"), [("quick", 16), ("standard", 4), ("thorough", 1)])
def test_what_is_declared_as_slow_is_taken_for_slow(profile, turns):
    """Nothing is left out for it but turns, since nobody knows how slow it is."""
    afforded = economy(profile, NO_COSTS, False, PLAIN, 2, slow=True)
    assert afforded == Economy(turns=turns)
    assert not afforded.saves


def test_a_cost_at_the_border_of_a_class_makes_a_run_at_most_twice_as_long():
    """What laws and batches ask, by what it costs there: from one class to the next it changes by a factor of two."""

    def seconds(call):
        afforded = economy("quick", Costs(call=call), False, PLAIN, 2)
        batches = 200 if afforded.batches is None else 2 * afforded.batches
        return call * (batches * (1 + 20 / afforded.turns) + afforded.concluding + afforded.again)

    for call in (0.004, 0.008, 0.016, 0.032, 0.064):
        assert max(seconds(0.999 * call), seconds(1.001 * call)) <= 12.0
        assert 0.4 <= seconds(1.001 * call) / seconds(0.999 * call) <= 0.65


def test_the_first_batch_of_each_cell_is_always_tried():
    """Whatever a graph costs."""
    few = sweeps(Economy(graphs=1))
    assert all(found and found[0] is whole[0] for found, whole in zip(few.values(), sweeps().values(), strict=True))


def test_batches_are_left_out_of_a_sweep_and_none_is_added():
    """As many graphs in all as are afforded, as many batches in each cell, in the order of the sweep."""
    whole = sweeps()
    few = sweeps(Economy(12, 3, 16))
    assert len({graph_of(one) for found in whole.values() for one in found}) > 20
    assert len({graph_of(one) for found in few.values() for one in found}) <= 16
    for cell, found in few.items():
        assert len(found) <= 12 - 3
        marks = list(map(digest, whole[cell]))
        places = [marks.index(digest(one)) for one in found]
        assert places == sorted(places)


def test_the_graphs_that_are_kept_show_every_level():
    """Each dtype of labels, each shape and each number of an option that the sweep has, not each in each cell."""

    def levels(found):
        return {
            (place, part) for batches in found.values() for one in batches for place, part in enumerate(graph_of(one))
        }

    assert levels(sweeps(Economy(graphs=24))) == levels(sweeps())


@pytest.mark.parametrize("name", ["sparse_categorical_crossentropy", "nll_loss"])
@pytest.mark.parametrize("compiling", [0.1, 0.3])
def test_tinygrad_s_sum_that_overflows_is_tried_in_both_classes_of_its_costs(name, compiling):
    """33 rows whose mean float16 holds and whose sum it does not: what they show was lost on a busy machine."""
    contract = contract_of(by_name(f"tinygrad.Tensor.{name}").contract)
    run = cells(contract)
    dtypes = tuple(cell.dtype for cell in run)
    whole = {cell: swept(contract, cell, "quick", True, dtypes) for cell in run}
    afforded = economy("quick", Costs(compiling, 0.02, compiling), True, whole, 8)
    half = next(cell for cell in run if cell.dtype == "float16")
    found = swept(contract, half, "quick", True, dtypes, afforded)
    assert ("loss_sum_overflow", (33, 10)) in {(one.family, one.scores.shape) for one in found}


def test_batches_of_many_families_are_kept():
    """The first of each comes before a second one of another, and graphs with families that no other has come first."""
    whole = sweeps()
    families = {cell: {one.family for one in found} for cell, found in whole.items()}
    for cell, found in chosen(whole, Economy(batches=len(max(families.values(), key=len)))).items():
        assert len({one.family for one in found}) > len({one.family for one in whole[cell][: len(found)]})
    few = chosen(whole, Economy(graphs=12))
    assert sum(len({one.family for one in found}) for found in few.values()) >= 40


def test_what_is_chosen_is_the_same_in_each_process():
    """It depends on the sweeps alone."""
    whole = sweeps()
    first, second = (chosen(whole, Economy(10, 2, 14)) for _ in range(2))
    assert {cell: list(map(digest, found)) for cell, found in first.items()} == {
        cell: list(map(digest, found)) for cell, found in second.items()
    }


def test_where_graphs_are_dearest_a_cell_has_one_layout_beside_those_in_one_piece():
    """What is in the batches is the same; of two cells one has another layout than the other."""
    whole, few = sweeps(Economy(graphs=16)), sweeps(Economy(graphs=16, few_layouts=True))
    layouts = {cell.dtype: {one.layout for one in found} for cell, found in few.items()}
    assert {one.layout for found in whole.values() for one in found} == set(LAYOUTS)
    pieces = {"C", "readonly", "unaligned"}
    assert layouts == {"float64": {*pieces, "F"}, "float32": {*pieces, "strided"}}
    for cell, found in few.items():
        assert [digest(one.replace(layout="C")) for one in found] == [
            digest(one.replace(layout="C")) for one in whole[cell]
        ]


@pytest.mark.parametrize(("dear", "layouts"), [(True, {"C", "readonly", "unaligned", "F"}), (False, set(LAYOUTS))])
def test_what_is_drawn_and_derived_has_these_layouts_too(dear, layouts):
    """Hypothesis draws batches of any, and law 22 lays each out in another."""
    asked = set()

    class Host:
        def evaluate(self, batch, want=(), upstream=None, **others):
            asked.add(batch.layout)
            return Outcome(loss=np.float64(0.0))

    capabilities = Capabilities(expensive_shapes=True, expensive_layouts=dear)
    law = next(law for law in LAWS if law.name == "layout")
    CellSearch(CONTRACT, capabilities, Host(), [law], Cell("float64", "sparse"), again=200).search([], "quick", 120, 0)
    assert asked == layouts


@pytest.mark.parametrize("dear", [True, False])
@pytest.mark.parametrize(("law", "part"), [("forward-mode", "jvp"), ("second-order", "hessian_vector")])
def test_a_derivative_that_is_refused_is_asked_for_once_where_graphs_are_dearest(dear, law, part):
    """Elsewhere on each batch: options may be what it is refused for."""
    asked = []

    class Host:
        def evaluate(self, batch, want=(), upstream=None, **others):
            asked.append(want)
            refused = Raised("NotImplementedError", "", part) if part in want else None
            return Outcome(loss=np.float64(0.0), gradient=np.zeros(batch.scores.shape), raised=refused)

    offered = Capabilities(gradient=True, jvp=True, hessian_vector=True, expensive_shapes=True, expensive_layouts=dear)
    search = CellSearch(Contract(), offered, Host(), choose([law]), Cell("float64", "sparse"), again=200)
    first = [BATCH.replace(scores=np.full((2, 3), place / 4)) for place in range(5)]
    search.search(first, "quick", 0, 0)
    assert asked.count((part,)) == (1 if dear else 5)


def test_a_graph_is_what_is_compiled_and_not_what_is_calculated():
    """Other numbers are of the same one; other shapes, dtypes and numbers of options are of others."""
    batch = Batch(np.zeros((2, 3)), np.zeros(2, np.int64), options={"label_smoothing": 0.1})
    assert graph_of(batch) == graph_of(batch.replace(scores=batch.scores + 1))
    others = [
        batch.replace(labels=batch.labels.astype(np.int32)),
        batch.replace(labels=batch.labels[:, None]),
        batch.replace(scores=batch.scores.astype(np.float32)),
        batch.replace(scores=np.zeros((2, 4))),
        batch.replace(options={"label_smoothing": 0.2}),
    ]
    assert len({graph_of(one) for one in (batch, *others)}) == 6


def test_a_reduction_asks_for_few_further_graphs(monkeypatch):
    """Then it goes on among those that it knows, and what it may not ask costs it nothing."""
    monkeypatch.setattr("xentcheck.engine.economy._FURTHER", 4)
    batch = Batch(np.arange(64.0 * 8).reshape(64, 8), np.zeros(64, np.int64))
    known = Batch(np.zeros((2, 8)), np.zeros(2, np.int64))
    asked = []

    def fails(one):
        asked.append(one)
        return one.n > 0

    smallest = reduce(batch, fails, 100, admits=Compiled([batch, known]).admits)
    further = {graph_of(one) for one in asked} - {graph_of(batch), graph_of(known)}
    assert len(further) == 4
    assert not smallest.scores.any()
    unlimited = reduce(batch, lambda one: one.n > 0, 100)
    assert unlimited.scores.shape == (1, 1)


@pytest.mark.parametrize(("slow", "times"), [(True, 3), (False, OFTEN)])
def test_a_slow_target_that_answers_alike_is_not_asked_so_often(slow, times):
    """One that does not is asked as often as any."""
    asked = []

    class Host:
        def evaluate(self, batch, want=(), upstream=None, **others):
            asked.append(batch)
            return Outcome(loss=np.float64(self.loss()))

    def cause(loss):
        asked.clear()
        host = Host()
        host.loss = loss
        capabilities = Capabilities(expensive_calls=slow)
        batch = Batch(np.zeros((2, 3)), np.zeros(2, np.int64))
        return when_repeated(lambda one: Case(Contract(), capabilities, host, one), batch, "loss")

    assert cause(lambda: 2.0) is None
    assert len(asked) == times
    assert cause(lambda: float(len(asked) % 3)) is not None
    assert len(asked) >= OFTEN


@pytest.mark.parametrize(("saving", "tried"), [(ALL, 4), (Economy(50, 6, None, 100, 50), 2)])
def test_bad_input_of_a_kind_is_tried_in_few_cells(saving, tried):
    """As often in all of them together as in one of a target that costs little."""
    asked = []

    class Judged:
        def hurry(self):
            pass

        def evaluate(self, batch, want=(), **others):
            asked.append(batch)
            return Outcome(loss=np.float64(0.0))

    batch = Batch(np.zeros((2, 3)), np.zeros(2, np.int64))
    results = []
    for dtype in DTYPES:
        result = CellResult(Cell(dtype, "sparse"), answered=1)
        result.left_open += [LeftOpen("a kind", batch, "bad")] * 2
        results.append(result)
    Beside(Judged(), SimpleNamespace(), Memory(), saving).observe(results)
    assert len(asked) == tried
    assert sum(count for result in results for count in result.observations.values()) == tried


def test_what_is_asked_to_conclude_a_cell_is_counted():
    """A reduction takes a quarter of what is left, and a few questions when nothing is."""

    class Host:
        def evaluate(self, batch, want, upstream=None, **others):
            return Outcome(loss=np.float64(2.0 if upstream is None else 3.0))

    purse = Purse(Host(), 41)
    batch = Batch(np.zeros((2, 3)), np.zeros(2, np.int64))
    assert purse.for_a_reduction == LEAST
    case = Case(Contract(), Capabilities(), purse, batch)
    assert (case.answer.outcome.loss, case.ask(batch, np.float64(1.0)).outcome.loss) == (2.0, 3.0)
    assert (purse.left, purse.empty) == (39, False)
    purse.left = 0
    assert (purse.for_a_reduction, purse.empty) == (LEAST, True)


def test_a_reduction_ends_when_its_questions_are_asked():
    """A law may ask several about one batch: they are counted, and not the batches."""

    class Host:
        def evaluate(self, batch, want, upstream=None, **others):
            return Outcome(loss=np.float64(2.0))

    purse = Purse(Host(), 80)
    batch = Batch(np.arange(64.0 * 8).reshape(64, 8), np.zeros(64, np.int64))

    def fails(one):
        for _ in range(3):
            purse.evaluate(one, ("loss",))
        return one.n > 60

    reduce(batch, fails, 100, admits=purse.sparing(None))
    assert 20 <= 80 - purse.left < 20 + 3
    assert not purse.sparing(lambda one: False)(batch)


def test_what_has_been_answered_is_not_asked_again():
    """But with another cotangent, or part, or where it raised."""
    asked = []

    class Host:
        def evaluate(self, batch, want, upstream=None, **others):
            asked.append(want)
            return (
                Outcome(raised=Raised("ValueError", "", "loss")) if want == ("no",) else Outcome(loss=np.float64(2.0))
            )

    known = Remembering(Host())
    for _ in range(2):
        case = Case(Contract(), Capabilities(loss=True), known, BATCH)
        assert case.answer.outcome.loss == case.ask(BATCH, np.float64(0.5)).outcome.loss
        case.ask(BATCH, vector=np.ones((2, 3)))
        case.ask(BATCH.replace(layout="F"))
        case.ask(BATCH, want=("no",))
    assert len(asked) == 5 + 1


def test_every_part_of_an_economy_is_kept_with_a_plan():
    """A run that is resumed goes on with what was afforded when it was begun."""
    assert replace(ALL, batches=3) != ALL
    assert Economy(**vars(Economy(1, 2, 3, 4, 5, 6, True))) == Economy(1, 2, 3, 4, 5, 6, True)


@pytest.mark.parametrize("slow", [True, False])
def test_what_is_minimal_for_one_law_is_tried_for_the_next(monkeypatch, slow):
    """Of a slow target, three different batches: most laws fall by one mistake, and a question shows that."""
    tried = []

    def minimised(self, fall, *given, others=()):
        tried.append([one.m for one in others])
        return fall, True

    def named(self, fall, *given):
        return SimpleNamespace(minimal=True, violation=fall.violation)

    monkeypatch.setattr(Conclusion, "minimised", minimised)
    monkeypatch.setattr(Conclusion, "named", named)
    nothing = dict.fromkeys(("search", "order", "host", "diagnosis", "known_case"))
    conclusion = Conclusion(**nothing, known={}, purse=Purse(None, 100) if slow else None)
    for law, m in zip(LAWS, (2, 3, 3, 4, 5, 6), strict=False):
        conclusion.first(Fall(law, Violation("", Batch(np.zeros((1, m)), np.zeros(1, np.int64)), "loss"), BATCH))
    assert tried == ([[], [2], [2, 3], [2, 3], [2, 3, 4], [2, 3, 4]] if slow else [[]] * 6)


def test_whether_an_answer_is_given_again_is_asked_of_the_target(monkeypatch):
    """Not of what is remembered, which is always given again; other laws ask what is not known yet."""
    taken = {}

    def minimise(fall, case_of, *given):
        taken[fall.law] = case_of
        return fall, True

    monkeypatch.setattr("xentcheck.engine.conclusion.minimise", minimise)
    search = CellSearch.over(CellResult(Cell("float64", "sparse")), Contract(), Capabilities(), None)
    order, purse = SimpleNamespace(profile="quick"), Purse(None, 100)

    def known(batch):
        return None

    conclusion = Conclusion(search, order, None, None, {}, known, None, purse)
    search.case = lambda batch: None
    for law in LAWS:
        conclusion.minimised(Fall(law, Violation("", BATCH, "loss"), BATCH))
        assert taken[law] is (search.case if law.name == "determinism" else known)
