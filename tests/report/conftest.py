"""Reports of three kinds, made by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from xentcheck.report.finding import Finding
from xentcheck.report.report import Report
from xentcheck.report.results import Counts, Environment, Grade, Largest, PropertyResult, TargetSummary, WitnessResult

VALUE = "The loss lies within its allowance of the certified value."
SHIFT = "Adding one number to all logits of a row changes nothing."
DELETION = "An ignored row equals its removal."
LN2 = (0.6931471805599453, 0.6931471805599454)


def stored(dtype: str, shape: list[int], values: list[float]) -> dict[str, Any]:
    """Return an array as batches.storage stores it."""
    plain = [float(value).hex() if math.isfinite(value) else str(value) for value in values]
    return {"dtype": dtype, "shape": shape, "layout": "C", "values": plain}


def batch(scores: dict[str, Any], labels: list[int] | dict[str, Any], form: str = "sparse", **options: Any) -> Any:
    """Return a batch as batches.storage stores it; a list stands for sparse labels."""
    if isinstance(labels, list):
        labels = {"dtype": "int64", "shape": [len(labels)], "layout": "C", "values": labels}
    return {
        "scores": scores,
        "labels": labels,
        "label_form": form,
        "options": options,
        "layout": "C",
        "family": "common-offset",
    }


PAIR = batch(stored("float32", [1, 2], [1e8, 1e8]), [0])
LONG = batch(stored("float32", [1, 3000], [0.0, *[-14.25] * 2999]), [5])


def laws(status: dict[tuple[int, str, str], str], examples: int = 400) -> tuple[PropertyResult, ...]:
    """Return the results of three laws in two dtypes and two label forms; passed unless stated."""
    known = {1: ("value", VALUE), 3: ("shift", SHIFT), 9: ("deletion", DELETION)}
    results = []
    for number, (name, sentence) in known.items():
        for dtype in ("float32", "float64"):
            for labels in ("sparse", "onehot"):
                why = "the contract declares no ignore_index" if number == 9 else ""
                found = status.get((number, dtype, labels), "not-applicable" if why else "passed")
                count = 0 if found in ("skipped", "not-applicable") else examples
                if found == "skipped":
                    why = "no batch was judged"
                results.append(PropertyResult(name, number, sentence, dtype, labels, found, count, 0.25, why))
    return tuple(results)


def report(verdict: str, **changes: Any) -> Report:
    """Return a report of a run on a made-up target."""
    fields: dict[str, Any] = {
        "target": TargetSummary(
            "mine.py:loss", "mine.py:loss", "", {"reduction": "sum", "boundary": {"add": 1e-7}}, "declared"
        ),
        "xentcheck": "0.1.0",
        "environment": Environment("3.11.7", "an operating system", "a processor", {"numpy": "2.4.0"}),
        "seed": 7,
        "profile": "quick",
        "seconds": 6.32,
        "verdict": verdict,
        "command": "xentcheck check mine.py:loss --contract reduction=sum",
    }
    return Report(**{**fields, **changes})


@pytest.fixture
def conforming() -> Report:
    """A target that conforms."""
    return report(
        "conforms",
        counts=Counts(planned=2500, run=2500),
        properties=laws({}),
        grades={
            "float32": {
                "loss": Grade(
                    "A*",
                    0.5,
                    PAIR,
                    "loss",
                    max_error=Largest(3e-8, PAIR, "loss"),
                    max_share=Largest(0.13, LONG, "loss"),
                ),
                "gradient": Grade("B+", 1.75, LONG, "gradient[0, 3]", max_error=Largest(2e-8, LONG, "gradient[0, 3]")),
            },
            "float64": {"loss": Grade("B", 12345.0, PAIR, "loss", note="conforms, although it passes the tight bound")},
        },
        witnesses=(
            WitnessResult("jax autodiff, float64", 1204, 1204, 0.42),
            WitnessResult("finite differences", note="the target has no gradient"),
        ),
        observations=("-inf logits: not declared; the target returns nan",),
    )


@pytest.fixture
def violating() -> Report:
    """A target that breaks two laws, in three places."""
    lost = Finding(
        "value",
        1,
        VALUE,
        "float32",
        "sparse",
        "the loss is outside its allowance",
        PAIR,
        "loss[0]",
        0.0,
        LN2,
        4.8e-7,
        1.45e6,
        cause="logsumexp(z) - z[y] cancels: an offset common to all logits pushes their differences out of the format.",
        reproducer="print('value')\n",
        digest="0123456789abcdef",
        minimal=True,
    )
    infinite = Finding(
        "value", 1, VALUE, "float64", "onehot", "the loss is inf", PAIR, "loss", math.inf, LN2, 1e-15, math.inf
    )
    moved = Finding(
        "shift",
        3,
        SHIFT,
        "float32",
        "sparse",
        "shifted by 1e8, the loss is outside its allowance",
        LONG,
        "loss",
        "ValueError: overflow",
        detail=("The same batch without the offset gave 0.69.",),
        digest="fedcba9876543210",
    )
    return report(
        "violates",
        counts=Counts(planned=2500, run=2410, skipped=90, findings=3),
        properties=laws(
            {
                (1, "float32", "sparse"): "failed",
                (1, "float64", "onehot"): "failed",
                (3, "float32", "sparse"): "failed",
                (3, "float32", "onehot"): "failed",
                (3, "float64", "onehot"): "skipped",
            }
        ),
        grades={
            "float32": {
                "loss": Grade("fail", math.inf, PAIR, "loss", max_share=Largest(1.45e6, PAIR, "loss")),
                "gradient": Grade("C"),
            }
        },
        findings=(moved, infinite, lost),
        interrupted=True,
    )


@pytest.fixture
def nothing() -> Report:
    """A run in which nothing was judged."""
    statuses = {(n, d, f): "skipped" for n in (1, 3) for d in ("float32", "float64") for f in ("sparse", "onehot")}
    return report("nothing-judged", counts=Counts(planned=12, filtered=12), properties=laws(statuses), seconds=0.04)
