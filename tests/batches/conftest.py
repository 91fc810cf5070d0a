"""Contracts of many kinds, and how batches are drawn, for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from xentcheck.batches.batch import Batch
from xentcheck.batches.families import FAMILIES
from xentcheck.batches.from_family import EXTRA_BYTES, batch_of_family
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.numbers import Seeded
from xentcheck.batches.strategies import batches
from xentcheck.contract import Contract

DTYPES = ("float16", "bfloat16", "float32", "float64")
FORMS = ("sparse", "onehot", "soft")
OPTIONS: dict[str, Any] = {
    key: {"argument": key} for key in ("class_weights", "label_smoothing", "ignore_index", "z_loss")
}
CONTRACTS: dict[str, dict[str, Any]] = {
    "default": {},
    "everything": {
        **OPTIONS,
        "nonfinite": ["-inf", "+inf", "nan"],
        "label_shapes": ["(n,)", "(n,1)"],
        "soft_rows": "any",
    },
    "weighted mean": {**OPTIONS, "mean_over": "weights"},
    "softcap": {"soft_cap": {"argument": "soft_cap"}, "nonfinite": ["-inf"]},
    "temperature": {"temperature": {"argument": "temperature"}, "ignore_index": {"argument": "ignored"}},
    "ranges": {
        "label_smoothing": {"argument": "smoothing", "range": [0.25, 0.75]},
        "smoothing_over": "others",
        "z_loss": {"argument": "z", "range": "(0, 0.01]"},
        "soft_cap": {"argument": "soft_cap", "range": [4, 40]},
        "temperature": {"argument": "temperature", "range": "[0.75, 3)"},
    },
    "masks off the label": {**OPTIONS, "nonfinite": ["-inf off the label"], "soft_rows": "any"},
    "log-probabilities masked off the label": {"input": "log_probabilities", "nonfinite": ["-inf off the label"]},
    "row weights": {
        **OPTIONS,
        "row_weights": {"argument": "v"},
        "mean_over": "weights",
    },
    "divisor": {"divisor": {"argument": "items"}, "reduction": "sum"},
    "row mask": {"row_weights": {"argument": "v"}, "row_weights_as": "bool", "mean_over": "kept"},
    "mean of the kept": {**OPTIONS, "mean_over": "kept"},
    "signed weights": {**OPTIONS, "class_weights_as": "signed", "smoothing_weights": "class", "mean_over": "kept"},
    "options apart": {
        **OPTIONS,
        "row_weights": {"argument": "v"},
        "mean_over": "weights",
        "exclusive": [["class_weights", "label_smoothing"], ["soft", "ignore_index"], ["row_weights", "z_loss"]],
    },
    "three options apart": {
        **OPTIONS,
        "smoothing_over": "others",
        "mean_over": "kept",
        "exclusive": [["class_weights", "z_loss", "label_smoothing"], ["class_weights", "ignore_index"]],
    },
    "declared empty mean": {**OPTIONS, "mean_over": "kept", "empty_mean": "nan"},
    "probabilities": {"input": "probabilities"},
    "positive probabilities": {"input": "probabilities", "domain": {"label_probability": "positive"}},
    "positive probabilities, smoothed": {
        "input": "probabilities",
        "domain": {"label_probability": "positive", "classes": [2, 2000]},
        "label_smoothing": 0.1,
        "smoothing_over": "others",
    },
    "divided rows": {"input": "probabilities", "boundary": {"clip": [1e-7, 1 - 1e-7], "normalise": True}},
    "divided after the clip": {
        "input": "probabilities",
        "boundary": {"clip": [1e-7, 1 - 1e-7], "normalise": "after"},
    },
    "clipped at the eps": {"input": "probabilities", "boundary": {"clip": "eps"}},
    "checked rows": {"input": "probabilities", "boundary": {"normalise": True}, "invalid": "raise"},
    "log-probabilities": {"input": "log_probabilities", "nonfinite": ["-inf"]},
    "narrow domain": {"domain": {"rows": [1, 3], "classes": [2, 4], "magnitude": 10}},
    "large domain": {"domain": {"rows": [10, 20], "classes": [100, 120]}},
    "constants": {"class_weights": [0, 1, 0.5], "ignore_index": 1, "label_smoothing": 0.1, "smoothing_over": "others"},
    "weights without the label": {"class_weights": [0, 1, 0.5], "ignore_index": 1, "mean_over": "weights"},
    "narrow labels": {"label_dtypes": ["uint8"], "ignore_index": -100, "reduction": "sum"},
    "float labels": {"label_dtypes": ["float32", "float16"], "soft_rows": "renormalised"},
}


@pytest.fixture(params=CONTRACTS)
def contract(request: pytest.FixtureRequest) -> Contract:
    """Each contract in turn, for all dtypes and label forms."""
    return declared(**CONTRACTS[request.param])


@pytest.fixture(params=FORMS)
def label_form(request: pytest.FixtureRequest) -> str:
    """Each label form in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def everything() -> Contract:
    """The contract with every option, non-finite scores and both label shapes."""
    return declared(**CONTRACTS["everything"])


def declared(**keys: Any) -> Contract:
    """Return a contract for all dtypes and label forms."""
    return Contract.from_mapping({"dtypes": list(DTYPES), "labels": list(FORMS), **keys})


@pytest.fixture
def declare() -> Callable[..., Contract]:
    """Make a contract for all dtypes and label forms of contract keys."""
    return declared


@pytest.fixture(scope="session")
def draw() -> Callable[..., list[Batch]]:
    """Draw batches, always the same ones."""

    def drawn(contract: Contract, dtype: str, label_form: str, examples: int = 60, **more: Any) -> list[Batch]:
        found: list[Batch] = []

        @settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(batches(contract, dtype, label_form, **more))
        def keep(batch: Batch) -> None:
            found.append(batch)

        keep()
        return found

    return drawn


@pytest.fixture
def seeded() -> Callable[..., Batch]:
    """Make the batch of a family and a seed."""

    def made(contract: Contract, family: str, n: int, m: int, **more: Any) -> Batch:
        space = InputSpace(contract, more.get("dtype", "float32"), more.get("label_form", "sparse"))
        source = Seeded(space, n, m, more.get("seed", 1), more.get("scale", 1.0))
        codes = np.frombuffer(more.get("codes", bytes(EXTRA_BYTES)), np.uint8)
        return batch_of_family(space, FAMILIES[family], source, codes)

    return made
