"""Classes are dropped without a change to what the batch means."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.dropping import dropped_classes, label_classes
from xentcheck.batches.input_space import InputSpace
from xentcheck.contract import Contract

SCORES = np.arange(10.0).reshape(2, 5)


def test_labels_weights_and_the_ignored_label_are_renumbered(declare: Callable[..., Contract]) -> None:
    """Each label names the same column as before; labels outside the range stay."""
    options = {"class_weights": np.arange(5.0), "ignore_index": 3}
    contract = declare(class_weights={"argument": "w"}, ignore_index={"argument": "i"})
    space = InputSpace(contract, "float64")
    batch = Batch(SCORES, np.array([[4], [3]], np.uint8), options=options)
    assert label_classes(space, batch).tolist() == [3, 4]
    smaller = dropped_classes(space, batch, np.array([0, 2]))
    assert smaller.scores.tolist() == [[1, 3, 4], [6, 8, 9]]
    assert smaller.labels.tolist() == [[2], [1]]
    assert smaller.labels.dtype == np.uint8
    assert smaller.options["ignore_index"] == 1
    assert smaller.options["class_weights"].tolist() == [1, 3, 4]
    outside = Batch(SCORES, np.array([-100, 4]), options={**options, "ignore_index": -100})
    assert label_classes(space, outside).tolist() == [4]
    assert dropped_classes(space, outside, np.array([0])).labels.tolist() == [-100, 3]


def test_rows_keep_their_mass(declare: Callable[..., Contract]) -> None:
    """What probabilities and soft labels had in dropped classes goes to each row's greatest entry."""
    rows = np.array([[0.5, 0.25, 0.125, 0.125], [0.25, 0.5, 0.25, 0]])
    space = InputSpace(declare(input="probabilities"), "float64", "soft")
    smaller = dropped_classes(space, Batch(rows, 2 * rows, "soft"), np.array([2, 3]))
    assert smaller.scores.tolist() == [[0.75, 0.25], [0.25, 0.75]]
    assert smaller.labels.tolist() == [[1.5, 0.5], [0.5, 1.5]]


def test_log_probabilities_are_normalised_again(declare: Callable[..., Contract]) -> None:
    """The exponentials of what is left sum to 1, in the same proportions."""
    logs = np.log([[0.5, 0.25, 0.25]])
    space = InputSpace(declare(input="log_probabilities"), "float64")
    smaller = dropped_classes(space, Batch(logs, np.array([0])), np.array([2]))
    np.testing.assert_allclose(np.exp(smaller.scores), [[2 / 3, 1 / 3]], rtol=1e-15)
