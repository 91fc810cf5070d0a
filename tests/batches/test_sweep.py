"""The sweep: always the same, admitted, readable first."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.layout import LAYOUTS
from xentcheck.batches.storage import digest
from xentcheck.batches.strategies import batches
from xentcheck.batches.sweep import sweep
from xentcheck.batches.sweep_items import own_items
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract


def test_the_contract_admits_the_whole_sweep(contract: Contract, label_form: str) -> None:
    """In every dtype, with any shape and with few, nothing of the sweep breaks the contract."""
    for dtype, expensive in (("float16", False), ("bfloat16", True), ("float32", True), ("float64", False)):
        space = InputSpace(contract, dtype, label_form)
        swept = list(sweep(contract, dtype, label_form, expensive_shapes=expensive))
        assert {objection(space, batch) for batch in swept} == {""}
        assert len(swept) >= 6
        assert len({batch.scores.shape for batch in swept}) <= 8 or not expensive


def test_with_few_shapes_one_has_every_number(declare: Callable[..., Contract]) -> None:
    """What is an option and a number may be compiled anew for each value: elsewhere it is one of two, where drawn, too.

    Weights are arrays, and vary everywhere.
    """
    names = ("label_smoothing", "z_loss", "class_weights", "ignore_index")
    contract = declare(**{name: {"argument": name} for name in names}, labels=["sparse"], dtypes=["float32"])
    swept = list(sweep(contract, "float32", "sparse", expensive_shapes=True))
    drawn: list[Batch] = []

    @settings(max_examples=60, phases=[Phase.generate], database=None, deadline=None)
    @given(batches(contract, "float32", "sparse", expensive_shapes=True))
    def draw(batch: Batch) -> None:
        drawn.append(batch)

    draw()
    at_one = [batch for batch in swept if batch.scores.shape == (3, 5)]
    elsewhere = [batch for batch in (*swept, *drawn) if batch.scores.shape != (3, 5)]
    for name, least in (("label_smoothing", 4), ("z_loss", 3), ("ignore_index", 4)):
        assert len({batch.options[name] for batch in at_one}) >= least
    assert {batch.options["label_smoothing"] for batch in elsewhere} == {0.0, 0.1}
    assert {batch.options["z_loss"] for batch in elsewhere} == {0.0, 1e-4}
    assert {batch.options["ignore_index"] for batch in elsewhere if batch in drawn} <= {-100, 0}
    assert any(np.ptp(batch.options["class_weights"]) for batch in elsewhere if batch.m > 1)


def test_nearly_one_hot_rows_are_among_the_soft_ones() -> None:
    """Rows of a sum of 1 whose largest share is above 0.99, and not 1, whatever the dtype of the labels."""
    for dtype in ("float16", "float64"):
        items = [batch for batch in sweep(Contract(labels=["soft"]), dtype, "soft") if batch.family == "nearly_one_hot"]
        assert items
        for batch in items:
            largest = batch.labels.astype(np.float64).max(axis=1)
            assert np.all((largest > 0.99) & (largest < 1))


def test_tiny_shares_are_most_of_a_loss() -> None:
    """A cut-off that drops them changes the loss by more than its last digits, in each dtype by one that it has."""
    for dtype, least in (("float32", 1e-7), ("float64", 1e-12)):
        items = [batch for batch in sweep(Contract(labels=["soft"]), dtype, "soft") if batch.family == "tiny_shares"]
        assert items
        shares = np.concatenate([batch.labels[batch.labels > 0] for batch in items]).astype(np.float64)
        assert shares.min() == pytest.approx(least, rel=1e-6)
        for batch in items:
            scores = batch.scores.astype(np.float64)
            gaps = scores.max(axis=1, keepdims=True) - scores
            assert (gaps[(batch.labels > 0) & (batch.labels < 0.1)] >= 40).all()


def test_the_sweep_is_the_same_each_time_and_repeats_nothing(
    everything: Contract, declare: Callable[..., Contract]
) -> None:
    """Two sweeps give the same digests in the same order, all different, even if few shapes make batches alike."""
    for contract in (everything, Contract(), declare(domain={"rows": [1, 1], "classes": [2, 2]})):
        for few in (False, True):
            first, second = (
                [digest(batch) for batch in sweep(contract, "float32", "sparse", expensive_shapes=few)] for _ in "ab"
            )
            assert first == second
            assert len(set(first)) == len(first)


def test_the_first_batches_are_readable() -> None:
    """The first has two rows and three classes of short numbers; the second is log 2."""
    first, second, *_ = sweep(Contract(), "float32", "sparse")
    np.testing.assert_array_equal(first.scores, np.array([[0.5, -1, 2], [1, 0, -0.5]], np.float32))
    np.testing.assert_array_equal(second.scores, np.zeros((1, 2)))
    probabilities = next(sweep(Contract(input="probabilities"), "float64", "sparse"))
    np.testing.assert_array_equal(probabilities.scores, [[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]])


@pytest.mark.slow
def test_the_contract_admits_the_longer_sweep(everything: Contract, declare: Callable[..., Contract]) -> None:
    """In standard too, with its triples and its wide batches, and where all probabilities must be positive."""
    positive = declare(input="probabilities", domain={"label_probability": "positive"})
    for contract, form in ((everything, "sparse"), (positive, "soft")):
        space = InputSpace(contract, "float16", form)
        batches = sweep(contract, "float16", form, sizes="standard")
        assert {objection(space, batch) for batch in batches} == {""}


def test_options_are_plain_first_and_all_vary(everything: Contract) -> None:
    """The first batch has plain options; every option has several values in the sweep."""
    swept = list(sweep(everything, "float32", "sparse"))
    first = swept[0].options
    assert (first["label_smoothing"], first["z_loss"], first["ignore_index"]) == (0.0, 0.0, -100)
    np.testing.assert_array_equal(first["class_weights"], np.ones(3))
    for key, count in (("label_smoothing", 4), ("z_loss", 3), ("ignore_index", 4)):
        assert len({batch.options[key] for batch in swept}) >= count
    assert any((batch.labels == batch.options["ignore_index"]).all() for batch in swept if batch.n)


def test_the_sweep_holds_what_real_bugs_needed(declare: Callable[..., Contract]) -> None:
    """Offsets, a lost maximum, one class, no rows, label dtypes at their limits, the last class, masks, layouts."""
    contract = declare(nonfinite=["-inf"], reduction="sum", labels=["sparse"], dtypes=["float32"])
    swept = list(sweep(contract, "float32", "sparse"))
    shapes = {batch.scores.shape for batch in swept}
    assert {(0, 3), (2, 1), (1, 2), (33, 257), (1, 4097), (4097, 2)} <= shapes
    equal = [batch for batch in swept if batch.m == 2 and batch.n == 1 and np.ptp(batch.scores.astype(float)) == 0]
    assert {0.0, 1e4, 1e8} <= {float(batch.scores[0, 0]) for batch in equal}
    limits = {(batch.labels.dtype.name, batch.m) for batch in swept if (batch.labels == batch.m - 1).any()}
    assert {("int8", 128), ("uint8", 256), ("int64", 257)} <= limits
    masked = [np.isneginf(batch.scores.astype(float)) for batch in swept]
    assert any(rows.all(axis=1).any() for rows in masked if rows.size)
    assert set(LAYOUTS) == {batch.layout for batch in swept}
    assert any(batch.n > 1 and np.ptp(batch.labels) == 0 for batch in swept)


def test_what_a_contract_declares_stands_alone_in_a_row() -> None:
    """Masks up to all classes but one, an infinite label and a label that is nan are in every short sweep, early."""
    contract = Contract(nonfinite=("-inf", "+inf", "nan"), ignore_index=-100, dtypes=("float64",))
    early = list(sweep(contract, "float64", "sparse"))[:40]
    families = [batch.family for batch in early]
    for name in ("masked_but_some", "masked_label", "infinite_label", "not_a_number_label", "some_ignored"):
        assert name in families
    alone = early[families.index("masked_but_some")].scores
    assert ((np.isneginf(alone).sum(axis=1) == 4) & np.isfinite(alone).any(axis=1)).any()


def test_the_sweep_holds_confident_rows_of_every_size_and_many_ties() -> None:
    """Losses of exp(-2) to exp(-37) each in a batch of their own; 4,097 and 65,537 equal logits in float16 alone."""
    one = Contract(dtypes=("float64",))
    ahead = [batch for batch in sweep(one, "float64", "sparse") if batch.family == "label_ahead"]
    gaps = sorted(float(np.ptp(batch.scores, axis=1).min()) for batch in ahead)
    assert gaps[0] < 2 < 37 < gaps[-1]
    assert max(after - before for before, after in pairwise(gaps)) < 10
    for dtype, most in (("float16", {4097, 65_537}), ("float64", set())):
        swept = sweep(Contract(dtypes=(dtype,)), dtype, "sparse")
        assert {batch.m for batch in swept if batch.m > 4096 and np.ptp(batch.scores) == 0} == most


def test_rows_of_probabilities_sum_to_nearly_one() -> None:
    """Where rows are divided by their sum there are sums within 1 % of 1 that are not 1."""
    contract = Contract.from_mapping({"input": "probabilities", "boundary": {"add": 1e-7, "normalise": True}})
    sums = np.concatenate([batch.scores.sum(axis=1) for batch in sweep(contract, "float64", "sparse") if batch.n])
    assert ((np.abs(sums - 1) < 0.01) & (np.abs(sums - 1) > 1e-4)).any()


def test_the_cells_of_a_run_share_the_sweep(declare: Callable[..., Contract]) -> None:
    """With more cells each sweeps less, in all hardly more; in a run of one dtype it is shared by fewer."""
    many = declare(labels=["sparse", "onehot"])
    alone = declare(labels=["sparse"], dtypes=["float32"])

    def swept(contract: Contract, **keys: Any) -> int:
        cells = [(dtype, form) for dtype in contract.dtypes for form in contract.labels]
        own = sum(len(list(own_items(InputSpace(contract, *cell)))) for cell in cells)  # what is not to be shared
        return sum(len(list(sweep(contract, *cell, **keys))) for cell in cells) - own

    assert swept(many) < 1.5 * swept(alone)
    assert len(list(sweep(many, "float32", "sparse"))) < 0.4 * swept(alone)
    of_two = [len(list(sweep(many, "float32", form, dtypes=["float32"]))) for form in many.labels]
    assert sum(of_two) > 0.8 * swept(alone)


def test_options_and_sizes_come_early(everything: Contract) -> None:
    """Among the first sixty batches of a contract with one cell there are fifteen of the design and ten of sizes."""
    contract = everything.replace(labels=["sparse"], dtypes=["float32"])
    first = list(sweep(contract, "float32", "sparse"))[:60]
    assert sum(batch.scores.shape == (4, 5) for batch in first) >= 10
    assert sum(batch.family == "size" for batch in first) >= 10


def test_longer_profiles_add_larger_batches() -> None:
    """Quick ends at 8,194 classes, standard at 65,537; thorough has more."""
    one = Contract(dtypes=("float32",))
    many = {
        profile: {batch.m for batch in sweep(one, "float32", "sparse", sizes=profile) if batch.m > 4096}
        for profile in ("quick", "standard", "thorough")
    }
    assert many["quick"] == {4097, 8_194}
    assert many["quick"] < many["standard"] < many["thorough"]
    assert [max(counts) for counts in many.values()] == [8_194, 65_537, 262_144]
