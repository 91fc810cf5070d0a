"""Batches at which exponentials without the right shift nearly vanish."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract
from xentcheck.diagnosis.evidence import Evidence
from xentcheck.diagnosis.nearby_batches import above_the_floor, edges
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities, Violation
from xentcheck.targets.outcome import Outcome


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("form", "labels"), [("sparse", [1]), ("onehot", [[0.0, 1.0, 0.0]])])
def test_every_edge_is_valid_and_without_a_shift_finite_and_wrong_somewhere(
    dtype: str, form: str, labels: list[object]
) -> None:
    """exp(z) of all logits is subnormal there: what comes of it has few digits, and is not infinite."""
    contract = Contract(labels=(form,))
    y = np.array(labels, np.int64 if form == "sparse" else dtype)
    found = list(edges(contract, Batch(np.zeros((1, 3), dtype), y, form), new_shapes=True))
    assert len(found) == 7
    assert not any(objection(InputSpace(contract, dtype, form), batch) for batch in found)
    assert {batch.n for batch in found} == {2}
    first = np.exp(found[0].scores)
    assert np.all((first > 0) & (first < np.finfo(dtype).tiny))


@pytest.mark.parametrize("contract", [Contract(input="probabilities"), Contract(domain={"magnitude": 50.0})])
def test_there_are_none_where_the_contract_admits_none(contract: Contract) -> None:
    batch = Batch(np.full((1, 2), 0.5), np.array([0]))
    assert list(edges(contract, batch, new_shapes=True)) == []


def test_a_cotangent_of_each_row_keeps_their_number() -> None:
    """One number a row was given for one row: two rows would be bad input."""
    asked: list[tuple[int, tuple[int, ...]]] = []

    class Noting:
        def evaluate(self, batch: Batch, want: object = (), upstream: object = None, **others: object) -> Outcome:
            asked.append((batch.n, np.shape(upstream)))  # type: ignore[arg-type]
            return Outcome(gradient=np.zeros(batch.scores.shape))

    contract = Contract(reduction="none")
    batch = Batch(np.array([[0.0, 1.0]]), np.array([0]))

    def case_of(one: Batch) -> Case:
        return Case(contract, Capabilities(True, True, True), Noting(), one)

    violation = Violation("", batch, "gradient[0, 0]", got=0.0, upstream=np.array([2.0]), returned=np.zeros((1, 2)))
    list(Evidence(case_of, []).nearby(violation, "gradient"))
    assert len(asked) > 7
    assert set(asked) == {(1, (1,))}


def test_a_batch_of_several_rows_is_asked_twice_over() -> None:
    """Not one of few rows, of which the sweep has every number."""
    from xentcheck.diagnosis.nearby_batches import twice_as_long

    for n, found in ((4, []), (5, [10]), (65, [130])):
        batch = Batch(np.zeros((n, 3)), np.arange(n) % 3, "sparse")
        assert [one.n for one in twice_as_long(Contract(), batch)] == found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given", ["probabilities", "logits"])
@pytest.mark.parametrize("form", ["sparse", "onehot"])
def test_above_a_floor_a_limit_is_right_and_an_added_eps_is_not(dtype: str, given: str, form: str) -> None:
    """The label has twice the probability of which the loss returned would be the logarithm."""
    contract = Contract(input=given, labels=(form,))
    labels = np.array([1]) if form == "sparse" else np.array([[0, 1, 0]], dtype)
    batch = Batch(np.array([[1.0, 0.0, 0.0]], dtype), labels, form)
    (asked,) = above_the_floor(contract, batch, -np.log(1e-9))
    row = asked.scores[0].astype(np.float64)
    p = row / row.sum() if given == "probabilities" else np.exp(row) / np.exp(row).sum()
    assert p[1] == pytest.approx(2e-9, rel=1e-5)
    assert np.array_equal(asked.labels, batch.labels)


@pytest.mark.parametrize("returned", [np.inf, np.nan, 0.5, np.array([20.0, 20.0])])
def test_there_is_none_above_what_is_no_floor(returned: object) -> None:
    """Of no finite large loss of one row anything follows."""
    batch = Batch(np.array([[1.0, 0.0]]), np.array([1]))
    assert list(above_the_floor(Contract(input="probabilities"), batch, returned)) == []
    assert list(above_the_floor(Contract(input="probabilities"), batch.rows(np.array([0, 0])), 20.0)) == []
