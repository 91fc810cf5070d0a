"""Every number of a 16-bit format as a common offset of small batches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xentcheck.campaign import offsets, rows
from xentcheck.campaign.exhaustive import subject

MINE = """
import numpy as np
import xentcheck.reference as reference


def right(logits, labels):
    return reference.loss(logits, labels, reduction="none")


def unshifted(logits, labels):
    z = np.asarray(logits).astype(np.float32)
    top = z.max(axis=1)
    lse = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
    return lse - z[np.arange(len(z)), labels]


def gradient(logits, labels):
    return reference.gradient(logits, labels, reduction="none")


def raises(logits, labels):
    raise RuntimeError("no")
"""
LABELS = sum(len(base) for base in offsets.BASES)
ENDS = ({"first": 0, "rows": 40}, {"first": 31700, "rows": 100}, {"first": 63440, "rows": 48})


@pytest.fixture
def target(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Return a target in a file, with a loss and a gradient."""
    path = tmp_path / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    changes = {"reduction": "none", "dtypes": ["float16", "bfloat16"]}
    yield {"loss": f"{path}:right", "gradient": f"{path}:gradient", "changes": changes}
    subject._opened.cache_clear()


def run(target: dict[str, Any], dtype: str, part: str = "loss", **changes: Any) -> list[dict[str, Any]]:
    given = {**target, "changes": {**target["changes"], **changes}}
    return [offsets.run(given, {"format": dtype, "part": part}, unit) for unit in ENDS]


@pytest.mark.parametrize(("dtype", "count"), [("float16", 63488), ("bfloat16", 65280)])
def test_units_cover_each_offset_once(target: dict[str, Any], dtype: str, count: int) -> None:
    """All finite numbers of the format."""
    units = offsets.plan(target, {"format": dtype, "part": "loss"})
    assert [k for unit in units for k in range(unit["first"], unit["first"] + unit["rows"])] == list(range(count))


@pytest.mark.parametrize("part", ["loss", "gradient"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_reference_conforms(target: dict[str, Any], dtype: str, part: str) -> None:
    """At both ends and about 0; every row is counted, also those whose logits leave the format."""
    for unit, found in zip(ENDS, run(target, dtype, part), strict=True):
        assert sum(found["counts"][name] for name in rows.COUNTS[:4]) == LABELS * unit["rows"]
        assert found["counts"]["violations"] == found["counts"]["unanswered"] == 0
        assert found["counts"]["judged"] + found["counts"]["unbounded"] > LABELS * unit["rows"] // 2
    assert found["worst"].keys() == {"ulps", "share"}


def test_logits_that_leave_the_format_are_not_asked(target: dict[str, Any]) -> None:
    """-65504 - 20 rounds to -65536, which float16 has not."""
    (found, *_) = run(target, "float16")
    assert found["counts"]["overflowed"] == 10  # the third row alone, at the very lowest offset


def test_a_loss_without_a_shift_falls_far_out_alone(target: dict[str, Any]) -> None:
    """logsumexp(z) - z_y in float32: wrong by accuracy B where offsets are large; right by C, which allows for that."""
    target["loss"] = target["loss"].replace(":right", ":unshifted")
    low, middle, high = run(target, "float16")
    assert low["counts"]["violations"] > 100
    assert high["counts"]["violations"] > 100
    assert middle["counts"]["violations"] == 0
    example = low["examples"][0]
    assert example["failed"]
    assert (
        not example["certified"][0] - example["allowance"]
        <= example["got"]
        <= (example["certified"][1] + example["allowance"])
    )
    assert [found["counts"]["violations"] for found in run(target, "float16", accuracy="C")] == [0, 0, 0]


def test_merge_does_not_depend_on_order_or_doubles(target: dict[str, Any]) -> None:
    """And says what is missing."""
    settings = {"format": "float16", "part": "loss"}
    target["loss"] = target["loss"].replace(":right", ":unshifted")
    found = run(target, "float16")
    merged = offsets.merge(settings, found)
    assert json.dumps(offsets.merge(settings, [*found[::-1], found[1]])) == json.dumps(merged)
    assert merged["missing"] == 63488 - sum(unit["rows"] for unit in ENDS)
    assert merged["counts"]["violations"] == sum(unit["counts"]["violations"] for unit in found)
    assert merged["verdict"] == "violates"
    assert len(merged["examples"]) == rows.SHOWN
    assert offsets.merge(settings, found[1:2])["verdict"] == "interrupted"


def test_no_answer_is_counted(target: dict[str, Any]) -> None:
    """With the reason."""
    target["loss"] = target["loss"].replace(":right", ":raises")
    found = run(target, "float16")
    assert found[1]["counts"]["unanswered"] == LABELS * 100
    assert found[1]["trouble"]["said"] == "RuntimeError: no"
    assert offsets.merge({"format": "float16", "part": "loss"}, found)["verdict"] == "violates"
