"""What a target that compiles for each shape is asked for at few shapes, and any other everywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.contract.declaration import OPTIONS
from xentcheck.contract.key import At
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.registry import choose
from xentcheck.reference import sparse_loss_and_gradient
from xentcheck.targets.outcome import Outcome

SHAPES = [(2, 3), (1, 2), (3, 5), (1, 1), (4, 8), (33, 10), (3, 257), (1, 1025)]
ALL = {(2, 3), (3, 5), (4, 8), (3, 257)}
LAWS = ("vjp-linearity", "second-order", "forward-mode", "label-forms", "determinism", "deletion")
OFFERED = Capabilities(gradient=True, vjp=True, hessian_vector=True, jvp=True)
DEAR = Capabilities(gradient=True, vjp=True, hessian_vector=True, jvp=True, expensive_shapes=True)
BATCH = Batch(np.zeros((3, 5)), np.zeros(3, np.int64))


class Noting:
    """A right target; notes what is asked that it has not compiled for a batch's loss and gradient together."""

    def __init__(self, batch):
        self.labels, self.shape, self.asked = batch.labels.dtype, batch.scores.shape, []

    def evaluate(self, batch, want=(), upstream=None, vector=None, tangent=None, **others):
        if upstream is not None or vector is not None or tangent is not None or len(want) < 2:
            self.asked.append("a function of its own")
        elif batch.labels.dtype != self.labels:
            self.asked.append("labels of another dtype")
        elif batch.scores.shape != self.shape:
            self.asked.append("another shape")
        kept = batch.labels != -100
        gradient = np.zeros_like(batch.scores)
        loss, gradient[kept] = sparse_loss_and_gradient(batch.scores[kept], batch.labels[kept])
        return Outcome(loss=loss, gradient=gradient)


def asked(capabilities, law, shape, labels="int64"):
    """Return what a law asks about one batch that has to be compiled."""
    n, m = shape
    scores = np.linspace(-2.0, 2.0, n * m).reshape(shape)
    batch = Batch(scores, (np.arange(n) % m).astype(labels), "sparse", {}, "C")
    host = Noting(batch)
    contract = Contract(label_dtypes=("int64", "int32", "uint8"), ignore_index=-100)
    case = Case(contract, capabilities, host, batch)
    assert case.answer is not None
    choose([law])[0].begin(case)
    return host.asked


@pytest.mark.parametrize("law", LAWS)
def test_at_four_shapes_of_eight_for_the_commonest_labels(law):
    """Elsewhere nothing is asked that has to be compiled again; a target that compiles nothing is asked everywhere."""
    assert {shape for shape in SHAPES if asked(DEAR, law, shape)} <= ALL
    assert asked(DEAR, law, (3, 5))
    assert asked(OFFERED, law, (1, 2))
    assert not asked(DEAR, law, (3, 5), "int32")


def test_labels_of_other_dtypes_where_batches_have_them_anyway():
    """At one shape, and as bytes where these do not hold the number of scores: at one that is asked everything."""
    assert {shape for shape in SHAPES if asked(DEAR, "label-forms", shape)} == {(3, 5), (3, 257)}


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("dear", [True, False])
def test_what_is_compiled_for_each_layout_is_asked_everything_in_one_piece(layout, dear):
    """Where that is dear."""
    case = Case(Contract(), replace(DEAR, expensive_layouts=dear), Noting(BATCH), BATCH.replace(layout=layout))
    assert case.may_compile == (layout == "C" or not dear)


@pytest.mark.parametrize(("capabilities", "alone"), [(DEAR, 0), (OFFERED, 4)])
def test_differences_of_the_loss_are_of_one_that_is_compiled_anyway(capabilities, alone):
    """Beside its gradient; elsewhere of the loss alone, which is quicker."""
    assert len(asked(capabilities, "own-gradient", (3, 5))) == alone


@pytest.mark.parametrize(("capabilities", "shapes"), [(DEAR, {(1, 4)}), (OFFERED, {(1, 4), (2, 4)})])
def test_a_row_without_weight_makes_a_new_shape(capabilities, shapes):
    """One more row of weight 0 is put in where that is not compiled for, or at a shape that has everything."""
    asked = set()

    class Shapes:
        def evaluate(self, batch, *given, **others):
            asked.add(batch.scores.shape)
            return Outcome(loss=np.zeros(()))

    contract = Contract(row_weights={"argument": "v"})
    for place in range(24):
        options = {"row_weights": np.array([2.0])}
        batch = Batch(np.arange(4.0)[None] + place, np.array([1]), "sparse", options, "C")
        choose(["row-weights"])[0].begin(Case(contract, capabilities, Shapes(), batch))
    assert asked == shapes


@pytest.mark.parametrize(
    ("capabilities", "shape", "more"), [(DEAR, (1, 2), 0), (DEAR, (2, 3), 1), (OFFERED, (1, 2), 1)]
)
def test_a_batch_twice_over_is_another_shape(capabilities, shape, more):
    """Asked for where everything is, and nowhere else of a target that compiles for it."""
    sizes = []

    class Host:
        def evaluate(self, batch, *given, **others):
            sizes.append(batch.n)
            loss, gradient = sparse_loss_and_gradient(batch.scores, batch.labels)
            return Outcome(loss=loss, gradient=gradient)

    n, m = shape
    batch = Batch(np.linspace(-2.0, 2.0, n * m).reshape(shape), np.arange(n) % m)
    case = Case(Contract(), capabilities, Host(), batch)
    assert case.answer is not None
    list(choose(["reductions"])[0].judge(case))
    assert sizes == [n, *[2 * n] * more]


class Seeing:
    """Notes shapes and options of what is asked."""

    def __init__(self):
        self.shapes, self.options = set(), {}

    def evaluate(self, batch, *given, **others):
        self.shapes.add(batch.scores.shape)
        for key, value in batch.options.items():
            self.options.setdefault(key, set()).add(value)
        return Outcome(loss=np.zeros(()))


@pytest.mark.parametrize("law", ["deletion", "reductions"])
@pytest.mark.parametrize(("capabilities", "shapes"), [(DEAR, {(6, 5)}), (OFFERED, {(4, 5), (6, 5)})])
def test_laws_on_rows_ask_for_one_further_shape(law, capabilities, shapes):
    """As many ignored rows as there are are put in where twice as many are compiled for another law."""
    host = Seeing()
    contract = Contract(ignore_index=-100, reduction="mean", mean_over="kept")
    batch = Batch(np.arange(15.0).reshape(3, 5), np.array([1, 0, 4]), "sparse", {}, "C")
    choose([law])[0].begin(Case(contract, capabilities, host, batch))
    assert host.shapes - {(3, 5)} <= shapes
    assert host.shapes - {(3, 5)}


@pytest.mark.parametrize(("law", "key", "few"), [("smoothing", "label_smoothing", 2), ("z-loss", "z_loss", 2)])
def test_numbers_are_those_that_most_batches_have(law, key, few):
    """Where each may be compiled; of other targets more are tried."""
    contract = Contract(**{key: {"argument": key}})
    found = {}
    for capabilities in (DEAR, OFFERED):
        host = found[capabilities] = Seeing()
        for place in range(24):
            batch = Batch(np.arange(6.0).reshape(2, 3) + place, np.array([1, 0]), "sparse", {key: 0.0}, "C")
            choose([law])[0].begin(Case(contract, capabilities, host, batch))
    usual = set(OPTIONS[key].drawn_of(contract.drawn[key], At(3))[:2])
    assert found[DEAR].options[key] == usual
    assert len(found[OFFERED].options[key]) > few
