"""Three classes of which two have the same logit, in all pairs of the numbers of a 16-bit format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xentcheck.campaign import planes, rows
from xentcheck.campaign.exhaustive import subject
from xentcheck.campaign.exhaustive.pairs import numbers
from xentcheck.targets import TargetError

MINE = """
import numpy as np
import xentcheck.reference as reference


def right(logits, labels):
    return reference.loss(logits, labels, reduction="none")


def gradient(logits, labels):
    return reference.gradient(logits, labels, reduction="none")


def one_of_equals(logits, labels):
    z = np.asarray(logits).astype(np.float32)
    losses = [np.log(np.exp(np.unique(row) - row.max()).sum()) + row.max() for row in z]
    return (np.array(losses, np.float32) - z[np.arange(len(z)), labels]).astype(logits.dtype)


def nan_far_out(logits, labels):
    losses = reference.loss(logits, labels, reduction="none")
    return np.where(np.abs(logits).max(axis=1) > 30000, np.nan, losses).astype(logits.dtype)


def raises(logits, labels):
    raise RuntimeError("no")
"""


@pytest.fixture
def target(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Return a target in a file, with a loss and a gradient."""
    path = tmp_path / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    changes = {"reduction": "none", "dtypes": ["float16", "bfloat16"]}
    yield {"loss": f"{path}:right", "gradient": f"{path}:gradient", "changes": changes}
    subject._opened.cache_clear()


def settings(dtype: str = "float16", part: str = "loss", step: int = 1171) -> dict[str, Any]:
    return {"format": dtype, "part": part, "step": step}


def run(target: dict[str, Any], given: dict[str, Any]) -> list[dict[str, Any]]:
    return [planes.run(target, given, unit) for unit in planes.plan(target, given)]


@pytest.mark.parametrize(("dtype", "count"), [("float16", 63488), ("bfloat16", 65280)])
def test_numbers_taken(dtype: str, count: int) -> None:
    """All finite ones, or every so many-th with both zeros and the ends."""
    assert len(planes.chosen(numbers(dtype), 1)) == count
    few = planes.chosen(numbers(dtype), 1000)
    assert sorted(few) == [*few]
    assert (few == 0.0).sum() == 2
    assert few[0] == -few[-1] == -numbers(dtype).format.largest
    assert len(few) in (count // 1000 + 3, count // 1000 + 4)


def test_units_cover_each_pair_once(target: dict[str, Any]) -> None:
    """Whatever the step is, with all pairs of one number in one unit."""
    for step in (1171, 173, 31):
        count = len(planes.chosen(numbers("float16"), step))
        units = planes.plan(target, settings(step=step))
        ends = [unit["first"] + unit["rows"] for unit in units]
        assert [unit["first"] for unit in units] == [0, *ends[:-1]]
        assert ends[-1] == count**2
        assert all(unit["rows"] % count == 0 for unit in units)
        assert max(unit["rows"] for unit in units) <= planes.ROWS


@pytest.mark.parametrize(("part", "dtype"), [("loss", "float16"), ("gradient", "bfloat16")])
def test_the_reference_conforms(target: dict[str, Any], part: str, dtype: str) -> None:
    """Each pair is three rows, of three labels each."""
    given = settings(dtype, part, 2500)
    merged = planes.merge(given, run(target, given))
    assert merged["pairs"] == len(planes.chosen(numbers(dtype), 2500)) ** 2
    assert sum(merged["counts"][name] for name in rows.COUNTS[:4]) == 9 * merged["pairs"]
    assert merged["counts"]["judged"] > 6 * merged["pairs"]
    assert merged["counts"]["violations"] == merged["counts"]["unanswered"] == 0
    assert (merged["verdict"], merged["missing"]) == ("conforms", 0)


def test_equal_logits_that_count_once(target: dict[str, Any]) -> None:
    """Each of the planes shows it, wherever the two that are equal matter."""
    target["loss"] = target["loss"].replace(":right", ":one_of_equals")
    given = settings(step=5000)
    merged = planes.merge(given, run(target, given))
    assert merged["verdict"] == "violates"
    assert len(merged["examples"]) == rows.SHOWN
    example = merged["examples"][0]
    assert len(example["logits"]) == 3
    assert len(set(example["logits"])) < 3
    assert example["failed"]
    lines = [*planes.sentences(merged)]
    assert lines[0].startswith(f"all {merged['pairs']:,} pairs (a, b) of {int(merged['pairs'] ** 0.5)} numbers, one in")
    assert lines[-1] == "VIOLATES"


def test_what_has_no_bound_has_no_largest_error(target: dict[str, Any]) -> None:
    """Optax's loss is nan for the largest and the least logit of float16, of which nothing is promised."""
    target["loss"] = target["loss"].replace(":right", ":nan_far_out")
    target["changes"]["compute"] = "same"
    given = settings(step=10**6)
    found = planes.run(target, given, {"first": 0, "rows": 1})
    assert found["counts"] == {**dict.fromkeys(rows.COUNTS, 0), "unbounded": 9}
    assert found["worst"] == {}


def test_merge_does_not_depend_on_order_or_doubles(target: dict[str, Any]) -> None:
    """And says what is missing."""
    given = settings(step=173)
    found = [planes.run(target, given, {"first": first, "rows": 2}) for first in (7, 70_000)]
    merged = planes.merge(given, found)
    assert json.dumps(planes.merge(given, [*found[::-1], found[0]])) == json.dumps(merged)
    assert (merged["missing"], merged["verdict"]) == (merged["pairs"] - 4, "interrupted")


def test_no_answer_is_counted(target: dict[str, Any]) -> None:
    """With the reason, and where it began."""
    target["loss"] = target["loss"].replace(":right", ":raises")
    given = settings(step=9000)
    merged = planes.merge(given, run(target, given))
    assert merged["counts"]["unanswered"] == 9 * merged["pairs"]
    assert "no answer from a = -65504.0 on, label 0: RuntimeError: no" in [*planes.sentences(merged)]


def test_a_domain_without_three_classes_is_refused(target: dict[str, Any]) -> None:
    """In one sentence."""
    target["changes"] = {**target["changes"], "domain": {"classes": [2, 2]}}
    with pytest.raises(TargetError, match="states a domain of 2 to 2 classes; planes are of 3"):
        planes.plan(target, settings())


def test_each_plane_has_its_own_place_for_the_single_logit() -> None:
    """The first class, the last and the one between."""
    alone = [next(k for k in range(3) if plane.count(plane[k]) == 1) for plane in planes.PLANES]
    assert sorted(alone) == [0, 1, 2]
    assert np.shape(planes.PLANES) == (3, 3)
