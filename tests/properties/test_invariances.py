"""Laws 3 and 6 by themselves: which batches they ask about."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.invariances import _other_shapes, shift
from xentcheck.properties.law import Capabilities
from xentcheck.targets.outcome import Outcome


class Noting:
    """Keeps what it is asked, and answers with a number."""

    def __init__(self):
        self.asked = []

    def evaluate(self, batch, want=(), *given, **further):
        self.asked.append(batch)
        return Outcome(loss=np.zeros((), batch.scores.dtype))


@pytest.mark.parametrize(("largest", "moved"), [(8184.0, True), (8192.0, False), (-60000.0, False)])
def test_logits_are_moved_where_that_stays_far_from_the_largest_number(largest, moved):
    """An eighth of float16's 65504 is 8188; beyond, a logit and an offset may come to an infinity."""
    host = Noting()
    batch = Batch(np.array([[largest, 0.0, -np.inf]], np.float16), np.array([0]))
    list(shift.judge(Case(Contract(), Capabilities(), host, batch)))
    assert bool(host.asked) == moved
    assert all(one.scores.tolist() == [[largest - 128, -128, -np.inf]] for one in host.asked[:1])  # what fits


def test_offsets_are_less_than_an_eighth_of_the_largest_number():
    """Of those tried -128 alone is so in float16; in float32 they go beyond 1e8, of either sign."""
    found = {"float16": set(), "float32": set()}
    for dtype, offsets in found.items():
        for number in range(60):
            host = Noting()
            batch = Batch(np.array([[0.0, float(number)]], dtype), np.array([0]))
            list(shift.judge(Case(Contract(), Capabilities(), host, batch)))
            offsets.add(float(host.asked[0].scores[0, 0]))
    assert found["float16"] == {-128.0}
    assert min(found["float32"]) < -1e8 < 1e8 < max(found["float32"])


@pytest.mark.parametrize(("form", "shape", "others"), [("sparse", (2,), [(2, 1)]), ("sparse", (2, 1), [(2,)])])
def test_class_numbers_are_passed_in_the_other_promised_shape(form, shape, others):
    """Neither in their own, nor rows in any other, nor in a shape that is not promised."""
    batch = Batch(np.zeros((2, 2)), np.array([1, 0]).reshape(shape), form)
    promised = Contract(labels=["sparse", "onehot"], label_shapes=["(n,)", "(n,1)"])
    found = [one for one, _ in _other_shapes(Case(promised, Capabilities(), None, batch))]
    assert [one.labels.shape for one in found] == others
    assert all(one.labels.ravel().tolist() == [1, 0] for one in found)
    rows = Batch(np.zeros((2, 2)), np.eye(2), "onehot")
    assert list(_other_shapes(Case(promised, Capabilities(), None, rows))) == []
    own = Contract(label_shapes=["(n,)" if shape == (2,) else "(n,1)"])
    assert list(_other_shapes(Case(own, Capabilities(), None, batch))) == []
