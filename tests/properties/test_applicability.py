"""Which laws say nothing about a contract: beside those that are silent about the plain one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from xentcheck.contract import Contract
from xentcheck.properties.law import Capabilities
from xentcheck.properties.registry import LAWS

ALL = Capabilities(loss=True, gradient=True, vjp=True, hessian_vector=True, jvp=True)
OF_LOGITS = "gibbs gradient-row-sum gradient-sign own-gradient second-order shift uniform"
CAPPED = "gradient-row-sum own-gradient second-order shift softmax-consistency"
GIVEN = {"argument": "given"}
KEYS: dict[str, tuple[dict[str, Any], str, str]] = {
    "log-probabilities": ({"input": "log_probabilities", "gradient_wrt": "log_probabilities"}, OF_LOGITS, ""),
    "log-probabilities, by the logits": ({"input": "log_probabilities"}, OF_LOGITS, ""),
    "probabilities": ({"input": "probabilities", "gradient_wrt": "probabilities"}, OF_LOGITS, ""),
    "probabilities, by the logits": ({"input": "probabilities"}, OF_LOGITS, ""),
    "z-loss": ({"z_loss": 0.5}, "gibbs gradient-sign own-gradient", ""),
    "soft cap": ({"soft_cap": 3.0}, CAPPED, "soft-cap"),
    "temperature": ({"temperature": 2.0}, "own-gradient", "temperature"),
    "a constant": ({"boundary": {"add": 1e-7}}, "gibbs gradient-sign own-gradient second-order", ""),
    "entropy": ({"output": "entropy"}, "forward-mode gradient-sign label-forms own-gradient second-order", ""),
    "one-hot labels": ({"labels": ["onehot"]}, "uniform", ""),
    "soft labels": ({"labels": ["soft"]}, "gibbs gradient-sign own-gradient uniform", ""),
    "sparse and soft labels": ({"labels": ["sparse", "soft"]}, "", ""),
    "a gradient of another reduction": ({"reduction": "mean", "gradient_reduction": "sum"}, "own-gradient", ""),
    "no reduction": ({"reduction": "none"}, "reductions", ""),
    "sum": ({"reduction": "sum"}, "", ""),
    "an ignored label": ({"ignore_index": -1}, "", "deletion"),
    "-inf": ({"nonfinite": ["-inf"]}, "", "minus-infinity"),
    "smoothing": ({"label_smoothing": 0.25}, "", ""),
    "weights": ({"class_weights": [1.0, 2.0]}, "", ""),
    "smoothing, given": ({"label_smoothing": GIVEN}, "", "smoothing"),
    "weights, given": ({"class_weights": GIVEN}, "", "weights"),
    "weights of rows, given": ({"row_weights": GIVEN}, "", "row-weights"),
    "z-loss, given": ({"z_loss": GIVEN}, "gibbs gradient-sign own-gradient", "z-loss"),
    "soft cap, given": ({"soft_cap": GIVEN}, CAPPED, "soft-cap"),
    "temperature, given": ({"temperature": GIVEN}, "own-gradient", "temperature"),
    "divisor, given": ({"divisor": GIVEN, "reduction": "sum"}, "", "divisor"),
}
WITHOUT = {
    "loss": "gibbs own-gradient value",
    "gradient": "gradient gradient-row-sum gradient-sign own-gradient",
    "vjp": "vjp-linearity",
    "jvp": "forward-mode",
}


def silent(contract: Contract, capabilities: Capabilities = ALL) -> set[str]:
    return {law.name for law in LAWS if law.silent(contract, capabilities, "float64", contract.labels[0])}


PLAIN = silent(Contract())


@pytest.mark.parametrize("name", KEYS)
def test_laws_that_a_contract_silences_or_wakes(name: str) -> None:
    keys, silenced, woken = KEYS[name]
    found = silent(Contract(**keys))
    assert found - PLAIN == set(silenced.split())
    assert PLAIN - found == set(woken.split())


@pytest.mark.parametrize("part", WITHOUT)
def test_laws_that_need_a_part(part: str) -> None:
    assert silent(Contract(), replace(ALL, **{part: False})) - PLAIN == set(WITHOUT[part].split())


def test_laws_of_some_dtypes_and_forms_of_labels() -> None:
    """Differences need float64, signs one label a row; soft labels take part where others do."""
    contract = Contract(labels=["sparse", "soft"])
    elsewhere = {law.name for law in LAWS if law.silent(contract, ALL, "float32", "soft")}
    here = {law.name for law in LAWS if law.silent(contract, ALL, "float64", "sparse")}
    assert "own-gradient" in elsewhere - here
    assert "gradient-sign" in elsewhere - here
    assert here <= elsewhere
