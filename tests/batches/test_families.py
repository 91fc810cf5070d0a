"""Each family makes the inputs that it is named for, in every dtype, from bytes and from a seed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.families import FAMILIES, families
from xentcheck.batches.from_family import EXTRA_BYTES, batch_of_family
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.numbers import ROW_BYTES, Coded, readable
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract
from xentcheck.truth.formats import FORMATS

Make = Callable[..., Batch]
DTYPES = list(FORMATS)


def _exact(batch: Batch) -> np.ndarray:
    return batch.scores.astype(np.float64)


def _label_scores(batch: Batch) -> np.ndarray:
    return _exact(batch)[np.arange(batch.n), batch.labels]


def _loss(batch: Batch) -> np.ndarray:
    """Return the losses of the rows of logits in float64, the sum without its greatest term in log1p."""
    scores = _exact(batch)
    top = scores.argmax(axis=1)
    terms = np.exp(scores - scores.max(axis=1, keepdims=True))
    terms[np.arange(batch.n), top] = 0
    return np.log1p(terms.sum(axis=1)) + scores.max(axis=1) - _label_scores(batch)


@pytest.mark.parametrize("dtype", DTYPES)
def test_families_hold_at_every_shape(dtype: str, everything: Contract, seeded: Make) -> None:
    """No family fails for no rows, one class, two classes or many; the contract admits what comes out."""
    contract = everything.replace(reduction="sum")
    space = InputSpace(contract, dtype)
    for family in families(space):
        for n, m in ((0, 3), (1, 1), (3, 1), (2, 2), (5, 17), (1, 300)):
            batch = seeded(contract, family.name, n, m, dtype=dtype, seed=n + m, scale=10.0)
            assert batch.scores.shape == (n, m), family.name
            assert objection(space, batch) == "", family.name
            if m <= 8:
                codes = np.random.default_rng(m).integers(0, 256, (n, ROW_BYTES)).astype(np.uint8)
                small = batch_of_family(space, family, Coded(space, m, codes), np.zeros(EXTRA_BYTES, np.uint8))
                assert objection(space, small) == "", family.name


def test_every_family_says_what_it_provokes() -> None:
    """Each family has a docstring, and each of the sixteen kinds of worst input has a family that cites it."""
    documents = [family.make.__doc__ or "" for family in FAMILIES.values()]
    assert all(documents)
    modules = "".join(documents) + "".join(
        __import__(f.make.__module__, fromlist=["x"]).__doc__ for f in FAMILIES.values()
    )
    cited = {
        number for number in range(1, 17) if any(f"{mark}{number}{end}" in modules for mark in "[ " for end in ",]")
    }
    assert cited == set(range(1, 17))


def test_codes_of_zero_give_the_plainest_batch() -> None:
    """All bytes 0, to which Hypothesis shrinks, give zeros, class 0, layout C and int64 labels."""
    space = InputSpace(Contract(), "float32")
    source = Coded(space, 3, np.zeros((2, ROW_BYTES), np.uint8))
    batch = batch_of_family(space, families(space)[0], source, np.zeros(EXTRA_BYTES, np.uint8))
    assert batch.family == "plain"
    np.testing.assert_array_equal(batch.scores, np.zeros((2, 3)))
    np.testing.assert_array_equal(batch.labels, [0, 0])
    assert (batch.layout, batch.labels.dtype.name) == ("C", "int64")


@pytest.mark.parametrize("dtype", DTYPES)
def test_readable_numbers_begin_with_integers_and_end_with_special_values(dtype: str) -> None:
    """The palette holds 0 and 1 first, then decimals, and the smallest subnormal and the neighbours of 1 last."""
    palette = list(readable(dtype))
    assert palette[:3] == [0, 1, -1]
    assert palette.index(10) < palette.index(0.5) < palette.index(FORMATS[dtype].smallest_subnormal)
    assert 1 + 2 * FORMATS[dtype].unit_roundoff in palette


@pytest.mark.parametrize("dtype", DTYPES)
def test_confident_right_passes_the_gap_at_which_exp_underflows(dtype: str, seeded: Make) -> None:
    """Leads of the label reach beyond -log of the smallest normal number, and small ones come too."""
    batch = seeded(Contract(), "confident_right", 64, 3, dtype=dtype)
    loss = _loss(batch)
    assert loss.min() < FORMATS[dtype].smallest_normal * 4
    assert loss.max() > 1e-3 * FORMATS[dtype].unit_roundoff


def test_confident_wrong_makes_the_probability_underflow(seeded: Make) -> None:
    """Some labels trail by more than exp can hold."""
    assert _loss(seeded(Contract(), "confident_wrong", 64, 3)).max() >= 1000


@pytest.mark.parametrize("dtype", DTYPES)
def test_probability_near_one_is_what_it_says(dtype: str, seeded: Make) -> None:
    """p_y is about 0.9, 0.99, 0.999 or 1 - u, up to the rounding of the logits."""
    chance = np.exp(-_loss(seeded(Contract(), "label_probability_near_one", 64, 3, dtype=dtype)))
    assert (chance > 0.88).all()
    assert chance.max() > 1 - 8 * FORMATS[dtype].unit_roundoff


def test_common_offsets_reach_1e8_in_both_signs(seeded: Make) -> None:
    """Offsets go from 10 to 1e8, and down to what the dtype holds in float16."""
    batch = seeded(Contract(), "common_offset", 200, 2)
    assert _exact(batch).max() > 9e7
    assert _exact(batch).min() < -9e7
    assert np.abs(_exact(seeded(Contract(), "common_offset", 200, 2, dtype="float16"))).max() < 65504 / 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_stagnation_loses_the_small_classes_one_by_one(dtype: str, seeded: Make) -> None:
    """Added to 1 in the dtype a small class mostly vanishes, while all together count."""
    batch = seeded(Contract(), "stagnation", 32, 100, dtype=dtype)
    terms = np.exp(np.sort(_exact(batch), axis=1))
    u = FORMATS[dtype].unit_roundoff
    np.testing.assert_array_equal(terms[:, -1], 1)
    assert np.median(terms[:, :-1]) <= 1.6 * u
    assert (terms[:, :-1].sum(axis=1) > 30 * u).all()
    assert {0, 99} <= set(np.argmax(_exact(batch), axis=1).tolist())


def test_one_large_loss_hides_the_others(seeded: Make) -> None:
    """One row costs 64; each other costs about half an ulp of it or less."""
    loss = np.sort(_loss(seeded(Contract(), "one_large_loss", 40, 3)))
    assert loss[-1] == pytest.approx(64, rel=0.2)
    assert loss[-2] <= 1.1 * loss[-1] * 2.0**-24
    assert loss[-2] > 0


def test_sums_overflow_while_the_loss_does_not(seeded: Make) -> None:
    """Exponentials summed without a shift exceed the largest number for some rows, although all logits are equal."""
    batch = seeded(Contract(), "sum_overflow", 32, 10, dtype="float16")
    assert (np.exp(_exact(batch)).sum(axis=1) > 65504).any()
    np.testing.assert_allclose(_loss(batch), math.log(10))


def test_losses_whose_sum_overflows_float16(seeded: Make) -> None:
    """The sum exceeds 65504, the mean does not; the family exists for float16 alone."""
    loss = _loss(seeded(Contract(), "loss_sum_overflow", 32, 3, dtype="float16"))
    assert loss.sum() > 65504 > loss.mean()
    assert "loss_sum_overflow" not in {one.name for one in families(InputSpace(Contract(), "float32"))}


def test_masks_stand_off_the_label_at_the_label_and_everywhere(everything: Contract, seeded: Make) -> None:
    """All three kinds of -inf row come; without the declaration there is no such family."""
    batch = seeded(everything, "masks", 100, 4)
    masked = np.isneginf(_exact(batch))
    at_label = masked[np.arange(100), batch.labels.reshape(-1)]
    assert (masked.any(axis=1) & ~at_label).any()
    assert (at_label & ~masked.all(axis=1)).any()
    assert masked.all(axis=1).any()
    assert "masks" not in {one.name for one in families(InputSpace(Contract(), "float32"))}


def test_spreads_overflow_differences_and_domains_bound_them(declare: Callable[..., Contract], seeded: Make) -> None:
    """Differences exceed the largest number, unless the contract states a magnitude."""
    wide = _exact(seeded(Contract(), "spread_to_largest", 20, 5))
    assert (wide.max(axis=1) - wide.min(axis=1)).max() > FORMATS["float32"].largest
    bounded = declare(domain={"magnitude": 30.3})
    for family in families(InputSpace(bounded, "float16")):
        assert np.abs(_exact(seeded(bounded, family.name, 20, 5, dtype="float16"))).max() <= 30.3


def test_breakpoints_lie_around_multiples_of_the_roundoff(seeded: Make) -> None:
    """Exp of the gap is k u within some ulp, k = 1, 2, 3, 5, and the labels are the first two classes."""
    batch = seeded(Contract(), "breakpoints", 64, 3, dtype="float64")
    ratio = np.exp(_exact(batch)[:, 1]) / 2.0**-53
    np.testing.assert_allclose(ratio, np.rint(ratio), rtol=1e-11)
    assert set(np.rint(ratio)) == {1, 2, 3, 5}
    assert set(batch.labels) <= {0, 1}


def test_exact_grid_can_be_shifted_exactly(seeded: Make) -> None:
    """Adding a power of two changes no difference, even in bfloat16."""
    batch = seeded(Contract(), "exact_grid", 20, 5, dtype="bfloat16")
    np.testing.assert_array_equal(_exact(batch) * 8, np.rint(_exact(batch) * 8))
    assert np.abs(_exact(batch)).max() <= 8


def test_probabilities_reach_both_ends_and_the_constants(declare: Callable[..., Contract], seeded: Make) -> None:
    """p_y is 0, 1, 1 - u and subnormal; the eps or clip limits of the contract are met and passed."""
    contract = declare(input="probabilities", boundary={"clip": [3e-5, 1 - 3e-5]})
    ends = set(_label_scores(seeded(contract, "probability_ends", 200, 3)))
    assert {0.0, 1.0, 1 - 2.0**-24, 2.0**-149} <= ends
    near = _label_scores(seeded(contract, "probability_at_constants", 300, 3))
    limit = float(np.float32(3e-5))
    assert (near == limit).any()
    assert ((near < limit) & (near > 0.9999 * limit)).any()
    assert ((near > limit) & (near < 1.0001 * limit)).any()


def test_other_row_sums_only_where_rows_are_divided(declare: Callable[..., Contract], seeded: Make) -> None:
    """Rows that do not sum to 1 need a boundary that normalises and no promise to raise."""
    divided = declare(input="probabilities", boundary={"normalise": True})
    sums = _exact(seeded(divided, "rows_not_summing_to_one", 50, 3)).sum(axis=1)
    assert sums.min() < 0.6
    assert sums.max() > 1.9
    for other in (declare(input="probabilities"), divided.replace(invalid="raise")):
        assert "rows_not_summing_to_one" not in {one.name for one in families(InputSpace(other, "float32"))}


def test_log_probabilities_keep_a_confident_row(declare: Callable[..., Contract], seeded: Make) -> None:
    """The log-probability of the label goes far below the roundoff of 1, as only log1p gives it."""
    batch = seeded(declare(input="log_probabilities"), "confident_right", 64, 3)
    losses = -_label_scores(batch)
    assert ((losses > 0) & (losses < 1e-20)).any()
