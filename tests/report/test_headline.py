"""A finding in half a line."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.report.conftest import LONG, batch, stored
from xentcheck.report.finding import Finding
from xentcheck.report.headline import headline

ONE = batch(stored("float64", [1, 1], [0.0]), [0])
FOUND = Finding("value", 1, "", "float64", "sparse", "the loss is outside", ONE, "loss", -1e-9, (-0.0, 0.0))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "law 1: loss -1e-09, certified 0, for [[0.0]], label 0"),
        (
            {"got": 0.1 + 1e-10, "certified": (0.1, 0.1)},
            "law 1: loss 0.1000000001, certified 0.1, for [[0.0]], label 0",
        ),
        ({"certified": (1.0, 2.0)}, "law 1: loss -1e-09, certified [1, 2], for [[0.0]], label 0"),
        ({"got": math.nan}, "law 1: loss nan, certified 0, for [[0.0]], label 0"),
        ({"got": None, "certified": None}, "law 1: the loss is outside for [[0.0]], label 0"),
        ({"got": "raised KeyError", "certified": None}, "law 1: loss raised KeyError for [[0.0]], label 0"),
        ({"part": "", "got": 1.0, "certified": None}, "law 1: the loss is outside for [[0.0]], label 0"),
        ({"batch": LONG}, "law 1: loss -1e-09, certified 0, for a 1 x 3000 batch"),
        ({"batch": {}}, "law 1: loss -1e-09, certified 0"),
        (
            {"batch": batch(stored("float32", [2, 1], [0.0, 1.0]), [0, 0])},
            "law 1: loss -1e-09, certified 0, for [[0.0], [1.0]], labels [0, 0]",
        ),
        (
            {"batch": batch(stored("float32", [1, 2], [0.0, 1.0]), stored("float32", [1, 2], [1.0, 0.0]), "onehot")},
            "law 1: loss -1e-09, certified 0, for [[0.0, 1.0]], labels [[1.0, 0.0]]",
        ),
    ],
)
def test_headlines(changes: dict[str, object], expected: str) -> None:
    """What was got and what is certified, in as many digits as tell them apart."""
    assert headline(replace(FOUND, **changes)) == expected  # type: ignore[arg-type]
