"""Every batch drawn is one that its contract admits, and all kinds of batch are reached."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.families import families
from xentcheck.batches.input_space import BatchError, InputSpace
from xentcheck.batches.layout import LAYOUTS
from xentcheck.batches.shapes import PROFILES, large_shapes
from xentcheck.batches.storage import digest
from xentcheck.batches.strategies import batches
from xentcheck.batches.sweep import sweep
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract

Draw = Callable[..., list[Batch]]
Declare = Callable[..., Contract]


def test_the_contract_admits_every_batch(contract: Contract, label_form: str, draw: Draw) -> None:
    """No batch breaks the contract's domain, label form, options or divisor, in any dtype."""
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        space = InputSpace(contract, dtype, label_form)
        drawn = draw(contract, dtype, label_form, examples=15)
        assert {objection(space, batch) for batch in drawn} == {""}
        assert {batch.dtype for batch in drawn} == {dtype}
        assert {batch.label_form for batch in drawn} == {label_form}


def test_few_shapes_for_a_target_that_compiles(contract: Contract, draw: Draw) -> None:
    """With expensive shapes at most eight are drawn, all admitted."""
    drawn = draw(contract, "float32", "onehot", expensive_shapes=True)
    assert len({batch.scores.shape for batch in drawn}) <= 8
    assert {objection(InputSpace(contract, "float32", "onehot"), batch) for batch in drawn} == {""}


@pytest.mark.parametrize("form", ["sparse", "onehot"])
def test_where_each_shape_is_compiled_one_has_labels_of_every_dtype(draw: Draw, form: str) -> None:
    """A shape is compiled for each dtype of labels, too: all but one have common ones alone, in the sweep, too."""
    contract = Contract(labels=("sparse", "onehot"), dtypes=("float32",))
    found = [*draw(contract, "float32", form, expensive_shapes=True, examples=300)]
    found += [*sweep(contract, "float32", form, expensive_shapes=True)]
    several = {batch.scores.shape for batch in found if batch.labels.dtype != batch.plain_label_dtype}
    assert several == {(3, 5)}
    assert len({batch.labels.dtype for batch in found}) > 4
    assert len({batch.scores.shape for batch in found}) == 8


def test_drawing_is_deterministic(draw: Draw) -> None:
    """The same examples come in the same order, bit for bit."""
    first, second = (draw(Contract(), "float32", "sparse") for _ in range(2))
    assert [digest(batch) for batch in first] == [digest(batch) for batch in second]


@pytest.fixture(scope="module")
def drawn(everything: Contract, draw: Draw) -> list[Batch]:
    """Several hundred batches with every option."""
    return draw(everything, "float16", "sparse", examples=800)


def test_every_family_is_reached(everything: Contract, drawn: list[Batch]) -> None:
    """All families of a space come up, and no other."""
    assert {batch.family for batch in drawn} == {one.name for one in families(InputSpace(everything, "float16"))}


def test_every_layout_label_dtype_and_label_shape_is_reached(drawn: list[Batch]) -> None:
    """All memory layouts, all eight integer dtypes and both shapes of labels come up; plain ones most often."""
    assert {batch.layout for batch in drawn} == set(LAYOUTS)
    kinds = {f"{sign}int{size}" for sign in ("", "u") for size in (8, 16, 32, 64)}
    assert {batch.labels.dtype.name for batch in drawn} == kinds
    assert {batch.labels.ndim for batch in drawn} == {1, 2}
    assert sum(batch.layout == "C" for batch in drawn) > len(drawn) / 2


def test_options_take_ordinary_and_extreme_values(drawn: list[Batch]) -> None:
    """Zero and spread weights, no and full smoothing, ignored labels inside and outside the range come up."""
    smoothing = {batch.options["label_smoothing"] for batch in drawn}
    assert {0.0, 0.1, 2.0**-10, 1.0} <= smoothing
    assert {0.0, 1e-4} <= {batch.options["z_loss"] for batch in drawn}
    weights = [batch.options["class_weights"].astype(float) for batch in drawn]
    assert any((one == 0).any() and (one > 0).any() for one in weights)
    assert any(one.max() > 9e4 * one[one > 0].min() for one in weights)
    ignored = [(batch.options["ignore_index"], batch) for batch in drawn if batch.n]
    inside = [0 <= index < batch.m for index, batch in ignored]
    assert any(inside)
    assert not all(inside)
    outside = [batch for index, batch in ignored if not 0 <= index < batch.m]
    assert any((batch.labels == batch.options["ignore_index"]).any() for batch in outside)
    carried = [float(np.mean(batch.labels == index)) for index, batch in ignored]
    assert 0.0 in carried
    assert 1.0 in carried
    assert any(0 < share < 1 for share in carried)


@pytest.mark.parametrize("rows", ["normalised", "any", "renormalised"])
def test_soft_rows_have_the_sums_that_the_contract_takes(rows: str, declare: Declare, draw: Draw) -> None:
    """Sums are 1; from 0 to 4; or positive. Rows that are not one-hot come up in each."""
    drawn = [batch.labels for batch in draw(declare(soft_rows=rows), "float64", "soft", examples=150)]
    totals = np.concatenate([labels.sum(axis=1, dtype=float) for labels in drawn])
    assert any(((labels > 0) & (labels < 1)).any() for labels in drawn)
    kinds = {labels.dtype.name for labels in drawn} - {"bool"}  # which hold few soft rows
    assert kinds == {"float64", "float32", "int64", "uint8"}
    if rows == "normalised":
        narrow = np.concatenate([np.full(len(labels), labels.dtype == np.float32) for labels in drawn])
        np.testing.assert_allclose(totals[~narrow], 1, rtol=1e-12)
        np.testing.assert_allclose(totals[narrow], 1, rtol=1e-6)
    else:
        assert totals.max() == pytest.approx(4)
        assert (totals.min() == 0) == (rows == "any")


def test_smoothing_over_the_others_needs_two_classes(declare: Declare, draw: Draw) -> None:
    """Eps / (m - 1) has no meaning for one class: as a constant it excludes one class, as an argument it is 0 there."""
    constant = declare(label_smoothing=0.1, smoothing_over="others")
    assert min(batch.m for batch in draw(constant, "float32", "sparse", examples=120)) == 2
    drawn = draw(constant.replace(label_smoothing={"argument": "eps"}), "float32", "sparse", examples=300)
    assert {batch.options["label_smoothing"] for batch in drawn if batch.m == 1} == {0.0}


def test_float_labels_only_where_declared(declare: Declare, draw: Draw) -> None:
    """Sparse labels are floats only if the contract lists floats."""
    declared = draw(declare(label_dtypes=["float32"]), "float64", "sparse", examples=20)
    assert {batch.labels.dtype.name for batch in declared} == {"float32"}
    assert {batch.labels.dtype.kind for batch in draw(Contract(), "float64", "sparse")} <= {"i", "u"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_labels_in_the_dtype_of_the_scores(declare: Declare, draw: Draw, dtype: str) -> None:
    """Whatever it is, beside other dtypes that are listed or alone; no class has a number that it does not hold."""
    declared = declare(label_dtypes=["same"], dtypes=["float16", "bfloat16", "float64"])
    drawn = draw(declared, dtype, "sparse", examples=60)
    assert {batch.labels.dtype.name for batch in drawn} == {dtype}
    assert max(batch.m for batch in drawn) <= 2 ** {"float16": 11, "bfloat16": 8, "float64": 53}[dtype] + 1
    both = draw(declared.replace(label_dtypes=["int64", "same"]), dtype, "sparse", examples=60)
    assert {batch.labels.dtype.name for batch in both} == {dtype, "int64"}


def test_narrow_label_dtypes_bound_the_classes(declare: Declare, draw: Draw) -> None:
    """With int8 labels alone no batch has more than 128 classes."""
    drawn = draw(declare(label_dtypes=["int8"]), "float32", "sparse", examples=120)
    assert max(batch.m for batch in drawn) <= 128


@pytest.mark.parametrize(("profile", "most"), [("quick", 600), ("standard", 600), ("thorough", 3000)])
def test_shapes_stay_affordable(profile: str, most: int) -> None:
    """The mean number of scores of a large batch stays within what a profile pays for."""
    shapes = large_shapes(InputSpace(Contract(), "float32"), PROFILES[profile])
    assert np.mean([n * m for n, m in shapes]) < most
    assert shapes[0][0] * shapes[0][1] <= 10


def test_a_mean_without_rows_is_drawn_only_where_it_is_declared(declare: Declare, draw: Draw) -> None:
    """Batches of no rows come with a sum or a declared empty mean, and not otherwise."""
    assert min(batch.n for batch in draw(Contract(), "float32", "sparse", examples=120)) == 1
    for keys in ({"reduction": "sum"}, {"empty_mean": "zero"}):
        assert min(batch.n for batch in draw(declare(**keys), "float32", "sparse", examples=120)) == 0


def test_names_that_do_not_exist_are_refused() -> None:
    """A profile, dtype or label form that does not exist, or an empty domain, gives one sentence."""
    with pytest.raises(BatchError, match="no sizes 'huge'"):
        batches(Contract(), "float32", "sparse", sizes="huge")
    with pytest.raises(BatchError, match="no dtype 'float8'"):
        batches(Contract(), "float8", "sparse")
    with pytest.raises(BatchError, match="no label form 'dense'"):
        batches(Contract(), "float32", "dense")
    empty = Contract(class_weights=(1.0, 2.0), domain={"classes": [3, 9]})
    with pytest.raises(BatchError, match="leaves no number of classes"):
        batches(empty, "float32", "sparse")
