"""What a user's own pytest shows: Hypothesis shrinks a batch to something readable."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, __version_info__, find, settings

from xentcheck.batches.batch import Batch
from xentcheck.batches.strategies import batches
from xentcheck.contract import Contract


def _shrunk(fails: Callable[[Batch], bool], contract: Contract, label_form: str = "sparse") -> Batch:
    quiet = settings(
        max_examples=1000, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    return find(batches(contract, "float64", label_form), fails, settings=quiet)


def test_a_repeated_label_shrinks_to_zeros() -> None:
    """Two rows of zeros, both of class 0."""
    batch = _shrunk(lambda one: one.n >= 2 and np.unique(one.labels).size < one.n, Contract())
    assert batch.family == "plain"
    assert batch.scores.tolist() == [[0, 0], [0, 0]]
    assert batch.labels.tolist() == [0, 0]


@pytest.mark.skipif(__version_info__ < (6, 160), reason="Hypothesis shrinks so far since version 6.160")
def test_the_last_class_of_three_shrinks_to_one_row() -> None:
    """One row of three zeros, labelled by its last class."""
    batch = _shrunk(lambda one: one.m >= 3 and bool((one.labels == one.m - 1).any()), Contract())
    assert batch.scores.tolist() == [[0, 0, 0]]
    assert batch.labels.tolist() == [2]


def test_a_large_score_shrinks_to_few_digits() -> None:
    """One row of two classes, no number longer than two digits and no odd layout or label dtype."""
    batch = _shrunk(lambda one: bool((np.abs(one.scores) > 80).any()), Contract())
    assert batch.n == 1
    assert batch.m <= 2
    assert all(float(f"{value:.2g}") == value for value in batch.scores[0].tolist())
    assert (batch.layout, batch.labels.dtype.name) == ("C", "int64")


def test_rows_of_probabilities_shrink_to_tenths() -> None:
    """Two classes, tenths, a one-hot label."""
    contract = Contract(input="probabilities", labels=("soft",))
    batch = _shrunk(lambda one: bool(((one.scores > 0) & (one.scores < 0.3)).any()), contract, "soft")
    assert batch.scores.shape == (1, 2)
    assert all(round(value, 1) == value for value in batch.scores[0].tolist())
    assert sorted(batch.labels[0].tolist()) == [0, 1]


def test_a_large_batch_shrinks_in_few_numbers() -> None:
    """Where many classes matter, the family goes to the plainest and the shape to a small one."""
    batch = _shrunk(lambda one: one.m > 100, Contract())
    assert batch.n <= 3
    assert batch.m <= 260
    assert batch.family == "plain"
