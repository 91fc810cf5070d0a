"""Reduction ends at something minimal and readable that still fails; it keeps its budget and offers good batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.reduce import reduce
from xentcheck.batches.simplify import complexity
from xentcheck.batches.storage import digest
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract
from xentcheck.truth.formats import FORMATS

Law = Callable[[Batch], bool]
Make = Callable[..., Batch]
UNPLAIN = bytes([200, 3, 1, 2, *[11 * i % 250 for i in range(12)]])


def _reduced(batch: Batch, fails: Law, contract: Contract, budget: int = 300) -> tuple[Batch, int]:
    """Return the reduced batch and the number of calls; fails on anything that reduction promises not to do."""
    asked: list[str] = []
    space = InputSpace(contract, batch.dtype, batch.label_form)

    def counted(candidate: Batch) -> bool:
        assert objection(space, candidate) == ""
        assert candidate.dtype == batch.dtype
        asked.append(digest(candidate))
        return fails(candidate)

    assert fails(batch), "the law must fail at first"
    smallest = reduce(batch, counted, budget, contract=contract)
    assert fails(smallest)
    assert len(asked) == len(set(asked))
    assert len(asked) <= budget
    return smallest, len(asked)


def _exact(batch: Batch) -> np.ndarray:
    return batch.scores.astype(np.float64)


def _losses(batch: Batch) -> np.ndarray:
    scores = _exact(batch)
    top = scores.max(axis=1)
    return np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top - scores[np.arange(batch.n), batch.labels]


LAWS: dict[str, tuple[Law, tuple[int, int]]] = {
    "a score is beyond 30": (lambda batch: bool((np.abs(_exact(batch)) > 30).any()), (1, 1)),
    "a label is repeated": (lambda batch: np.unique(batch.labels).size < batch.n, (2, 1)),
    "the last class of three": (lambda batch: batch.m >= 3 and bool((batch.labels == batch.m - 1).any()), (1, 3)),
    "two rows cost differently": (lambda batch: np.unique(np.round(_losses(batch), 3)).size > 1, (2, 2)),
    "a loss is beyond 10": (lambda batch: bool((_losses(batch) > 10).any()), (1, 2)),
    "more than 100 classes": (lambda batch: batch.m > 100, (1, 101)),
    "at least five rows": (lambda batch: batch.n >= 5, (5, 1)),
    "an even number of classes": (lambda batch: batch.m % 2 == 0, (1, 2)),
    "the last row": (lambda batch: bool(_exact(batch)[-1].sum() > 3), (1, 1)),
}


@pytest.mark.parametrize("shape", [(64, 300), (7, 102), (257, 102)])
@pytest.mark.parametrize("law", LAWS)
def test_planted_laws_come_out_minimal(law: str, shape: tuple[int, int], seeded: Make) -> None:
    """From any shape the fewest rows and classes are reached, with layout, labels and numbers plain."""
    fails, (rows, classes) = LAWS[law]
    start = next(
        batch
        for batch in (seeded(Contract(), "plain", *shape, seed=seed, scale=10.0, codes=UNPLAIN) for seed in range(99))
        if fails(batch)
    )
    batch, calls = _reduced(start, fails, Contract())
    assert batch.n == rows
    assert batch.m <= classes + (1 if classes < 3 else 0)
    assert (batch.layout, batch.labels.dtype.name, batch.labels.ndim) == ("C", "int64", 1)
    assert calls <= 200
    if batch.scores.size <= 6:
        assert max(complexity(value, batch.scores.dtype) for value in batch.scores.reshape(-1).tolist()) <= 8


def test_options_become_plain_unless_they_matter(everything: Contract, seeded: Make) -> None:
    """An option that the law does not need goes to its plain value; one that it needs stays readable."""
    start = seeded(everything, "reductions", 9, 5, codes=UNPLAIN)

    def weighs(batch: Batch) -> bool:
        kept = batch.labels[(batch.labels >= 0) & (batch.labels < batch.m)].astype(np.int64)
        return bool((batch.options["class_weights"][kept] > 2.5).any())

    kept = start.replace(labels=np.arange(9).reshape(9, 1).astype(np.int16) % 5)
    kept = kept.replace(options={**kept.options, "ignore_index": 4, "label_smoothing": 0.3})
    batch, _ = _reduced(kept, weighs, everything)
    assert batch.scores.shape == (1, 1)
    assert (batch.options["label_smoothing"], batch.options["z_loss"]) == (0.0, 0.0)
    assert batch.options["ignore_index"] == -100
    assert weighs(batch)
    smoothed, _ = _reduced(kept, lambda one: one.options["label_smoothing"] > 0.2, everything)
    assert smoothed.options["label_smoothing"] == 0.5


def test_ignored_rows_stay_ignored_while_classes_are_dropped(everything: Contract) -> None:
    """An ignored label inside the range is renumbered with its class; one outside stays what it is."""
    scores = np.arange(20.0).reshape(4, 5)
    for index in (3, 5):
        labels = np.array([index, 4, 0, index])
        options = {"class_weights": np.ones(5), "label_smoothing": 0.0, "z_loss": 0.0, "ignore_index": index}
        start = Batch(scores, labels, options=options)

        def ignores(batch: Batch) -> bool:
            return bool((batch.labels == batch.options["ignore_index"]).any() and batch.m > 1)

        batch, _ = _reduced(start, ignores, everything)
        assert batch.scores.shape == (1, 2)
        assert ignores(batch)


@pytest.mark.parametrize("label_form", ["sparse", "onehot", "soft"])
def test_rows_of_probabilities_and_labels_stay_rows(
    label_form: str, declare: Callable[..., Contract], seeded: Make
) -> None:
    """Rows come out as short decimals that sum to 1; dense labels too."""
    contract = declare(input="probabilities")
    start = seeded(contract, "plain", 6, 9, label_form=label_form, dtype="float64")
    batch, _ = _reduced(start, lambda one: bool(((_exact(one) > 0) & (_exact(one) < 0.3)).any()), contract)
    assert batch.scores.shape == (1, 2)
    assert sorted(batch.scores[0].tolist()) == [0.1, 0.9]
    if label_form != "sparse":
        assert sorted(batch.labels[0].tolist()) == [0, 1]


def test_soft_labels_that_matter_come_out_short(declare: Callable[..., Contract], seeded: Make) -> None:
    """A law that needs a label share between 0 and 0.3 ends at two classes and tenths."""
    contract = declare()
    start = seeded(contract, "plain", 20, 9, label_form="soft", dtype="float64")
    batch, _ = _reduced(start, lambda one: bool(((one.labels > 0) & (one.labels < 0.3)).any()), contract)
    assert batch.scores.shape == (1, 2)
    assert all(len(str(round(value, 12))) <= 4 for value in batch.labels[0].tolist())


def test_log_probabilities_stay_normalised(declare: Callable[..., Contract], seeded: Make) -> None:
    """Classes dropped from rows of log-probabilities leave rows whose exponentials sum to 1."""
    contract = declare(input="log_probabilities")
    start = seeded(contract, "plain", 6, 9, dtype="float64")
    batch, _ = _reduced(start, lambda one: bool((_exact(one) < -1).any()), contract)
    assert batch.scores.shape == (1, 2)
    np.testing.assert_allclose(np.exp(batch.scores).sum(axis=1), 1, rtol=1e-12)


def test_the_domain_bounds_what_is_offered(declare: Callable[..., Contract], seeded: Make) -> None:
    """Rows and classes do not go below what the contract states."""
    contract = declare(domain={"rows": [3, 50], "classes": [4, 50]})
    batch, _ = _reduced(seeded(contract, "plain", 30, 20), lambda one: True, contract)
    assert batch.scores.shape == (3, 4)


@pytest.mark.parametrize("budget", [0, 1, 7, 20])
def test_the_budget_holds(budget: int, seeded: Make) -> None:
    """However little is allowed, no more is asked, and the best so far is returned."""
    start = seeded(Contract(), "plain", 64, 100, scale=10.0)
    batch, calls = _reduced(start, lambda one: bool((np.abs(_exact(one)) > 25).any()), Contract(), budget)
    assert calls <= budget
    assert batch.n <= start.n
    assert (batch is start) == (budget == 0)


def test_reduction_is_deterministic(seeded: Make) -> None:
    """Twice the same batch comes out."""
    start = seeded(Contract(), "plain", 33, 17, scale=10.0)
    ends = {digest(_reduced(start, lambda one: bool(_losses(one).sum() > 9), Contract())[0]) for _ in range(2)}
    assert len(ends) == 1


def test_a_batch_that_cannot_be_made_smaller_is_returned_itself(seeded: Make) -> None:
    """If nothing else fails, the batch given comes back."""
    start = seeded(Contract(), "plain", 5, 6)
    mark = digest(start)
    batch, _ = _reduced(start, lambda one: digest(one) == mark, Contract())
    assert batch is start


def test_bad_batches_are_reduced_within_their_badness() -> None:
    """A batch that the contract does not admit, as laws on bad input make them, may stay bad in the same way only."""
    labels = np.array([0, 7, 1])
    start = Batch(np.arange(9.0).reshape(3, 3), labels)

    def out_of_range(batch: Batch) -> bool:
        assert np.isfinite(batch.scores).all()
        return bool((batch.labels >= batch.m).any())

    batch = reduce(start, out_of_range, contract=Contract())
    assert batch.n == 1
    assert out_of_range(batch)


def test_without_a_contract_the_kind_of_rows_is_kept() -> None:
    """Rows that look like probabilities stay such; logits, options and non-finite scores are reduced as well."""
    rows = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]])

    def small(batch: Batch) -> bool:
        np.testing.assert_allclose(batch.scores.sum(axis=1), 1)
        return bool((batch.scores[np.arange(batch.n), batch.labels] < 0.6).any())

    assert reduce(Batch(rows, np.array([1, 1])), small).n == 1
    logits = Batch(np.array([[3.7, -np.inf, 1.2], [1.0, 2.0, 3.0]]), np.array([0, 1]), options={"z_loss": 0.3})
    masked = reduce(logits, lambda batch: bool(np.isneginf(batch.scores).any()))
    assert masked.scores.shape == (1, 2)
    assert masked.options == {"z_loss": 0.0}


@pytest.mark.parametrize(
    ("plain", "other"),
    [(0.0, 1.0), (1.0, -1.0), (2.0, 0.5), (100.0, 87.3), (0.5, 0.52), (40.0, 41.0), (1e8, 1.23e8), (3.0, 1e-45)],
)
def test_complexity_orders_numbers_as_a_reader_does(plain: float, other: float) -> None:
    """Integers before decimals, few digits before many, positive before negative."""
    kind = np.dtype(np.float32)
    assert complexity(plain, kind) < complexity(other, kind)


def test_numbers_too_large_for_an_integer_of_the_machine_are_reduced() -> None:
    """Half of a bfloat16 of 3e38 is tried as a float: ml_dtypes takes no Python integer of that size."""
    scores = np.array([[3e38, 1.0]], np.float64).astype(FORMATS["bfloat16"].dtype)
    batch = Batch(scores, np.array([1]))
    smallest = reduce(batch, lambda tried: bool(tried.scores.astype(np.float64).max(initial=0) > 1e37), 200)
    assert smallest.scores.astype(np.float64).max() > 1e37
