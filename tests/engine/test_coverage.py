"""What was tried: counts of what occurs in the batches judged, and 0 for what could have been tried and was not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.families import FAMILIES
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract
from xentcheck.engine.coverage import Counts, add, count, with_what_is_missing
from xentcheck.engine.plan import cells

OPTIONS = {"label_smoothing": {"argument": "s"}, "ignore_index": {"argument": "i"}, "class_weights": {"argument": "w"}}


def counted(contract: Contract, *batches: Batch) -> Counts:
    """Return the counts of batches, each in its own space."""
    counts: Counts = {}
    for batch in batches:
        count(counts, InputSpace(contract, batch.dtype, batch.label_form), batch)
    return counts


@pytest.mark.parametrize(
    ("dtype", "values", "levels"),
    [
        ("float64", [0.0, -0.0, 1.5, -1.0], {"0", "2^-1 to 2^1"}),
        ("float64", [5e-324, 2.0**-1022, 1.7976931348623157e308], {"2^-1074 to 2^-1022", "2^-1022 to 2^-512",
                                                                   "2^512 to 2^1024"}),
        ("float16", [6e-8, -65504.0], {"2^-24 to 2^-14", "2^8 to 2^16"}),
        ("float32", [np.nan, np.inf, 2.0, 15.9], {"nan", "+inf", "2^1 to 2^4"}),
        ("bfloat16", [-np.inf, 0.4999], {"-inf", "2^-1 to 2^1"}),
    ],
)  # fmt: skip
def test_scores_are_counted_by_their_binades(dtype: str, values: list[float], levels: set[str]) -> None:
    """Once a batch, whatever the sign and however often; what is not finite under its own name."""
    contract = Contract(dtypes=(dtype,))
    scores = np.array([values]).astype(InputSpace(contract, dtype).format.dtype)
    counts = counted(contract, Batch(scores, np.zeros(1, np.int64)))
    assert counts[f"logits in {dtype}"] == dict.fromkeys(levels, 1)


@pytest.mark.parametrize(
    ("shape", "rows", "classes"),
    [
        ((0, 1), "0", "1"),
        ((2, 9), "2", "3 to 9"),
        ((10, 10), "10 to 31", "10 to 31"),
        ((1, 65_536), "1", "65,536 or more"),
    ],
)
def test_shapes_are_counted_in_ranges(shape: tuple[int, int], rows: str, classes: str) -> None:
    counts = counted(Contract(), Batch(np.zeros(shape), np.zeros(shape[0], np.int64)))
    assert (dict(counts["rows"]), dict(counts["classes"])) == ({rows: 1}, {classes: 1})


@pytest.mark.parametrize(
    ("options", "aspect", "level"),
    [
        ({"label_smoothing": 0.0}, "label_smoothing", "0"),
        ({"label_smoothing": 2.0**-24}, "label_smoothing", "below 1/256"),
        ({"label_smoothing": 0.1}, "label_smoothing", "1/256 to 1"),
        ({"label_smoothing": 1.0}, "label_smoothing", "1"),
        ({"class_weights": np.ones(3)}, "class_weights", "equal"),
        ({"class_weights": np.array([1.0, 2.0, 0.0])}, "class_weights", "with zeros"),
        ({"ignore_index": -100}, "ignore_index", "no class"),
        ({"ignore_index": 2}, "ignore_index", "a class"),
        ({"ignore_index": -100}, "ignored rows", "none"),
        ({"ignore_index": 1}, "ignored rows", "some"),
    ],
)
def test_options_are_counted_by_what_they_are_like(options: dict[str, Any], aspect: str, level: str) -> None:
    batch = Batch(np.zeros((2, 3)), np.array([0, 1]), options={"ignore_index": -100, **options})
    assert counted(Contract.from_mapping(OPTIONS), batch)[aspect] == {level: 1}


def test_what_was_never_tried_is_there_with_0() -> None:
    """Of what the contract admits, and nothing else: no classes beyond its domain, no infinities undeclared."""
    contract = Contract(dtypes=("float16",), domain={"classes": [2, 20]}, nonfinite=("-inf",))
    chosen = cells(contract)
    batch = Batch(np.ones((2, 2), np.float16), np.zeros(2, np.int64), family="plain")
    found = with_what_is_missing(counted(contract, batch, batch), contract, chosen)
    assert found["classes"] == {"2": 2, "3 to 9": 0, "10 to 31": 0}
    assert (found["logits in float16"]["-inf"], "+inf" in found["logits in float16"]) == (0, False)
    assert list(found["logits in float16"])[:2] == ["0", "2^-24 to 2^-14"]
    assert found["label shapes"] == {"(n,)": 2}
    assert (found["families"]["plain"], found["families"]["ties"]) == (2, 0)
    assert "masks" in found["families"]
    assert "not_numbers" not in found["families"]


def test_no_probability_is_missed_that_there_cannot_be() -> None:
    """Beyond 1 there is none."""
    contract = Contract(dtypes=("float32",), input="probabilities")
    found = with_what_is_missing({}, contract, cells(contract))["probabilities in float32"]
    assert list(found)[-1] == "2^-1 to 2^1"


def test_all_that_is_drawn_is_among_what_is_admitted() -> None:
    """No batch has a level that the table would not list as missing without it; families of the sweep excepted."""
    contract = Contract.from_mapping({**OPTIONS, "labels": ["sparse", "onehot", "soft"], "nonfinite": ["-inf"]})
    chosen = cells(contract)
    judged = [batch for cell in chosen for batch in sweep(contract, cell.dtype, cell.labels)]
    empty, full = (with_what_is_missing(one, contract, chosen) for one in ({}, counted(contract, *judged)))
    more = {(aspect, level) for aspect, levels in full.items() for level in levels if level not in empty[aspect]}
    assert {aspect for aspect, _ in more} == {"families"}
    assert not {level for _, level in more} & set(FAMILIES)
    assert sum(full["dtypes"].values()) == len(judged)
    assert list(full)[-2:] == ["memory layouts", "families"]


def test_counts_of_several_shards_add_up() -> None:
    first = counted(Contract(), Batch(np.zeros((1, 2)), np.zeros(1, np.int64)))
    add(first, {"rows": {"1": 3, "2": 1}, "families": {"ties": 1}})
    assert (first["rows"], first["families"]) == ({"1": 4, "2": 1}, {"given": 1, "ties": 1})


def test_numbers_of_extra_axes_are_counted() -> None:
    """Each that is promised occurs in the sweep; where rows have one axis nothing is said of it."""
    contract = Contract(extra_axes=(0, 1, 2))
    counts = with_what_is_missing(counted(contract, *sweep(contract, "float64", "sparse")), contract, cells(contract))
    assert set(counts["extra axes"]) == {"0", "1", "2"}
    assert all(counts["extra axes"].values())
    assert "extra axes" not in with_what_is_missing({}, Contract(), cells(Contract()))


@pytest.mark.parametrize(
    ("keys", "aspects"),
    [
        ({}, {"labels", "label shapes"}),
        ({"labels": ["onehot"]}, {"labels"}),
        ({"labels": ["soft"]}, {"labels"}),
        ({"output": "entropy"}, set()),
    ],
)
def test_labels_are_admitted_where_there_are_any(keys: dict[str, Any], aspects: set[str]) -> None:
    """An entropy has none, and dense ones have the shape of the scores."""
    contract = Contract(**keys)
    found = with_what_is_missing({}, contract, cells(contract))
    assert {aspect for aspect in found if aspect.startswith("label")} == aspects
