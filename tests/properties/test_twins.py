"""Law 24: what a memory of answers may take for one another."""

from __future__ import annotations

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.side_effects import determinism
from xentcheck.properties.twins import twins
from xentcheck.targets.outcome import Outcome
from xentcheck.truth.formats import FORMATS
from xentcheck.zoo.parts import mean_loss


class Noting:
    """A host that answers 1 and notes the batches."""

    def __init__(self):
        self.asked = []

    def evaluate(self, batch, want=(), upstream=None, **others):
        self.asked.append(batch)
        return Outcome(loss=np.float64(1.0))


def case(batch, **contract):
    return Case(Contract(**contract), Capabilities(), Noting(), batch)


READABLE = np.array([[0.5, -1.0], [2.0, 0.25]])


@pytest.mark.parametrize(
    ("dtype", "other"),
    [("float64", "float32"), ("float32", "float64"), ("float32", "float16"), ("float16", "bfloat16")],
)
def test_same_bytes_in_another_dtype(dtype, other):
    """A readable batch has a twin of sensible logits in every dtype of the contract."""
    batch = Batch(READABLE.astype(dtype), np.array([0, 0], np.uint8))
    near, (twin, said) = twins(case(batch, dtypes=[dtype, other]))
    assert (near.dtype, twin.dtype) == (dtype, other)
    assert other in said
    assert twin.scores.tobytes() == near.scores.tobytes() != batch.scores.tobytes()
    assert twin.labels.tobytes() == near.labels.tobytes()


def test_same_bytes_in_another_shape():
    """Labels of half the width are twice as many, and each is a class."""
    near, (twin, said) = twins(case(Batch(READABLE, np.array([0, 0])), dtypes=["float64"]))
    assert (twin.scores.shape, twin.labels.shape) == ((4, 1), (4,))
    assert "(4, 1)" in said
    assert twin.labels.dtype == np.int32
    assert twin.scores.tobytes() == near.scores.tobytes()
    assert twin.labels.tobytes() == near.labels.tobytes()


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_same_scores_with_other_labels(kind):
    """Where no other batch of the same bytes is valid, labels move on; probabilities keep their sum."""
    scores = np.array([[0.25, 0.5, 0.25], [1.0, 0.0, 0.0]], np.float32)
    near, (twin, said) = twins(case(Batch(scores, np.array([0, 2])), dtypes=["float32"], input=kind))
    assert said == "the same scores with other labels"
    assert twin.scores.tobytes() == near.scores.tobytes() != scores.tobytes()
    assert (twin.labels == (near.labels + 1) % 3).all()
    assert kind == "logits" or (near.scores.sum(axis=1) == 1).all()


@pytest.mark.parametrize("shape", [(2, 3), (2, 501), (501, 3), (35, 35)])
def test_printed_alike(shape):
    """numpy prints both alike, but for rounding, and the losses are not alike."""
    scores = 1 + (np.arange(np.prod(shape)).reshape(shape) % 7) / 4
    batch = Batch(scores, np.full(shape[0], 2, np.uint8))
    for seed in range(50):  # by chance it is this twin or that of other labels
        found = twins(case(batch.replace(scores=scores + seed), dtypes=["float64"]))
        if found is not None and "printed" in found[1][1]:
            break
    near, (twin, _) = found
    assert repr(near.scores) == repr(twin.scores)
    assert abs(mean_loss(near.scores, near.labels) - mean_loss(twin.scores, twin.labels)) > 1e-11


def test_twin_is_asked_before_the_batch_near_it():
    """What is judged comes last; the twin may be of another dtype and is not judged."""
    one = case(Batch(READABLE, np.array([0, 0])))
    list(determinism.judge(one))
    near, (twin, _) = twins(one)
    last = one.host.asked[-2:]
    assert [batch.scores.tobytes() for batch in last] == [twin.scores.tobytes(), near.scores.tobytes()]
    assert [batch.dtype for batch in last] == [twin.dtype, near.dtype]


@pytest.mark.parametrize(
    ("batch", "contract"),
    [
        (Batch(np.zeros((2, 3)), np.array([0, 2])), {}),  # scaled, zeros are what they were
        (Batch(np.ones((0, 3)), np.array([], np.int64)), {}),
        (Batch(np.ones((2, 1)), np.array([0, 0])), {}),
        (Batch(np.full((1, 2), 1.79e308), np.array([0])), {}),  # scaled, it overflows
        (Batch(np.array([[0.5, 0.5]]), np.array([0])), {"input": "probabilities", "class_weights": [1.0, 2.0]}),
    ],
)
def test_no_twins(batch, contract):
    """Nothing is asked where there is no valid batch near by."""
    assert twins(case(batch, **contract)) is None


def test_truth_of_the_same_bytes_in_another_dtype():
    """What is kept of truths is not looked up by bytes alone: the judge would make the mistake that it looks for."""
    half = Batch(READABLE.astype(np.float16), np.array([0, 1]))
    one = case(half, dtypes=["float16", "bfloat16"])
    other = half.replace(scores=half.scores.view(FORMATS["bfloat16"].dtype))
    assert one.ask(half).truth is one.ask(half).truth
    assert one.ask(other).truth.problem.format.name == "bfloat16"


class Remembers:
    """A mean loss that is looked up by `key`, and in everything else right."""

    def __init__(self, key):
        self.key, self.kept = key, {}

    def __call__(self, scores, labels):
        return self.kept.setdefault(self.key(scores, labels), mean_loss(scores, labels))


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (lambda z, y: (z.tobytes(), y.tobytes()), True),
        (lambda z, y: (z.dtype, z.shape, z.tobytes()), True),
        (lambda z, y: (repr(z), repr(y)), True),
        (lambda z, y: (z.dtype, z.shape, z.tobytes(), y.dtype, y.tobytes()), False),
    ],
    ids=["bytes", "scores", "printed", "all"],
)
def test_memories(key, found):
    """One that is looked up by too little breaks law 24, and its cause is named; one by everything is right."""
    report = xentcheck.check(Remembers(key), contract={"reduction": "mean"}, properties=["determinism"])
    assert [one.property for one in report.findings] == ["determinism"] * found
    if found:
        assert "asked after a batch of" in report.findings[0].title
        assert report.findings[0].mechanism == "state_kept"


class ShiftedByTheLabel:
    """A host without any memory whose gradients are off by little, since the label's logit is taken from all."""

    def evaluate(self, batch, want=(), upstream=None, **others):
        rows = np.arange(batch.n)
        moved = batch.scores - batch.scores[rows, batch.labels][:, None]
        powers = np.exp(moved - moved.max(axis=1, keepdims=True))
        slopes = powers / powers.sum(axis=1, keepdims=True)
        slopes[rows, batch.labels] -= 1
        return Outcome(loss=np.float64(mean_loss(batch.scores, batch.labels)), gradient=slopes / np.float32(batch.n))


def test_an_inaccurate_target_remembers_nothing():
    """Some batches are answered little beyond the allowance, by chance the one that is asked about after its twin."""
    random = np.random.default_rng(5)
    contract, wrong = Contract(dtypes=("float32",), label_dtypes=("int64",)), 0
    compiling = Capabilities(gradient=True, expensive_shapes=True)  # it is not asked about these rows twice
    for _ in range(300):
        scores = random.normal(size=(1, 3)).astype(np.float32)
        scores[0, 1] = -random.uniform(20, 120)
        one = Case(contract, compiling, ShiftedByTheLabel(), Batch(scores, np.array([1])))
        wrong += one.answer.violation("gradient") is not None
        if one.answer.violation("gradient") is None:
            assert not list(determinism.judge(one))
    assert wrong
