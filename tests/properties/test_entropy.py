"""Entropies as the output: which laws judge them, that targets get the scores alone, and what their findings say."""

from __future__ import annotations

import numpy as np
import pytest

import xentcheck
from xentcheck.contract import Contract
from xentcheck.properties.law import Capabilities
from xentcheck.properties.registry import LAWS
from xentcheck.report.results import ReportData
from xentcheck.zoo import bugs_entropy, right_entropy
from xentcheck.zoo.parts import row_entropies, softmax
from xentcheck.zoo.specimen import Specimen

SMALL = {"domain": {"rows": [1, 4], "classes": [1, 6]}}
OFFERED = Capabilities(gradient=True, vjp=True, hessian_vector=True, jvp=True)


def judged(specimen: Specimen, **options: object) -> ReportData:
    """Return the report on a specimen, in float64."""
    given = {role: getattr(specimen, role) for role in ("gradient", "vjp") if getattr(specimen, role) is not None}
    contract = {**specimen.contract, "dtypes": ["float64"]}
    return xentcheck.check(specimen.loss, contract=contract, **given, **options)


def test_laws_about_labels_and_about_losses_do_not_apply() -> None:
    """Beside those that a plain loss without options is not asked either; each says why."""
    plain, entropy = Contract(reduction="none"), Contract(reduction="none", output="entropy")
    left = {law.name: law.applies(entropy, OFFERED) for law in LAWS if not law.applies(plain, OFFERED)}
    reasons = {name: why for name, why in left.items() if why}
    assert reasons == {
        "own-gradient": "the bound of the differences is one for losses",
        "label-forms": "an entropy has no labels",
        "gradient-sign": "an entropy has no labels",
        "forward-mode": "no bound is derived for an entropy's derivative along a tangent",
        "second-order": "the certified Hessian is that of a loss",
    }


@pytest.mark.slow
def test_right_code_keeps_every_law() -> None:
    """Value, gradient and the gradient for an upstream gradient; classes at -inf."""
    report = judged(right_entropy.log_sum_and_mean_distance)
    assert report.findings == ()
    held = {law.name for law in report.properties if law.status == "passed"}
    assert {"value", "gradient", "gradient-row-sum", "shift", "gibbs", "uniform", "vjp-linearity"} <= held
    report = judged(right_entropy.entropy_of_masked_actions)
    assert report.findings == ()
    assert "minus-infinity" in {law.name for law in report.properties if law.status == "passed"}


@pytest.mark.parametrize(
    ("name", "law", "mechanism"),
    [
        ("entropy_in_bits", "uniform", "entropy_in_bits"),
        ("entropy_without_its_minus", "gibbs", "wrong_sign"),
        ("zero_times_log_of_zero", "finite", ""),
        ("entropy_with_eps_in_the_logarithm", "value", "eps_added"),
        ("entropy_of_the_mean", "value", "entropy_of_the_mean"),
        ("gradient_without_entropy", "gradient-row-sum", "entropy_gradient"),
        ("gradient_of_each_class_alone", "gradient", "entropy_gradient"),
        ("entropy_from_raw_logits", "shift", "logits_not_shifted"),
    ],
)
def test_each_mistake_breaks_a_law(name: str, law: str, mechanism: str) -> None:
    """The law, and the mechanism where one is shown."""
    report = judged(getattr(bugs_entropy, name), properties=[law], fail_fast=True)
    (finding,) = report.findings
    assert finding.property == law
    assert not mechanism or finding.mechanism in (mechanism, "")
    assert "label" not in finding.cause


def test_a_class_at_minus_infinity_adds_nothing() -> None:
    """What multiplies 0 by -inf breaks it, in the value and in the gradient."""

    def entropy(z: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return row_entropies(z)

    contract = {"output": "entropy", "reduction": "none", "nonfinite": ["-inf"], "dtypes": ["float64"]}
    report = xentcheck.check(entropy, contract=contract, properties=["minus-infinity"], fail_fast=True)
    assert [finding.property for finding in report.findings] == ["minus-infinity"]
    assert "nan" in str(report.findings[0].got)


def test_targets_are_called_with_the_scores_alone() -> None:
    """The entropy, its gradient, and the one for an upstream gradient; no batch has labels."""
    seen: set[tuple[str, int]] = set()

    def entropy(*given: np.ndarray) -> np.ndarray:
        seen.add(("entropy", len(given)))
        return row_entropies(*given)

    def gradient(*given: np.ndarray) -> np.ndarray:
        seen.add(("gradient", len(given)))
        return right_entropy.log_sum_and_mean_distance.gradient(*given)

    def vjp(*given: np.ndarray) -> np.ndarray:
        seen.add(("vjp", len(given)))
        return right_entropy.log_sum_and_mean_distance.vjp(*given)

    contract = {"output": "entropy", "reduction": "none", "dtypes": ["float64"], **SMALL}
    laws = ["value", "gradient", "vjp-linearity"]
    report = xentcheck.check(entropy, gradient, vjp=vjp, contract=contract, properties=laws)
    assert report.verdict == "conforms"
    assert seen == {("entropy", 1), ("gradient", 1), ("vjp", 2)}
    witness = report.grades["float64"]["loss"].witness
    assert witness is not None
    assert "labels" not in witness
    assert witness["label_form"] == "none"
    assert report.coverage
    assert not [aspect for aspect in report.coverage if "label" in aspect]


def test_bad_input_is_that_of_probabilities() -> None:
    """Under a promise to refuse everything, rows that are no distribution are refused; there are no bad labels."""

    def entropy(p: np.ndarray) -> np.ndarray:
        if (np.abs(p.sum(axis=1) - 1) > 1e-3).any() or (p < 0).any():
            raise ValueError("no distribution")
        return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1)

    contract = {"output": "entropy", "reduction": "none", "input": "probabilities", "dtypes": ["float64"]}
    contract |= {"invalid": "raise", **SMALL}
    report = xentcheck.check(entropy, contract=contract, properties=["bad-input"])
    assert [law.status for law in report.properties] == ["passed"]

    def careless(p: np.ndarray) -> np.ndarray:
        return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1)

    report = xentcheck.check(careless, contract=contract, properties=["bad-input"], fail_fast=True)
    assert [finding.property for finding in report.findings] == ["bad-input"]


@pytest.mark.slow
def test_a_gradient_by_the_probabilities() -> None:
    """Of p as it is, -log p - 1, and divided by its sum; p (-log p - H), that by the logits, is another."""
    contract = {
        "output": "entropy",
        "reduction": "none",
        "input": "probabilities",
        "gradient_wrt": "probabilities",
        "dtypes": ["float64"],
        **SMALL,
    }

    def entropy(p: np.ndarray) -> np.ndarray:
        return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1)

    def slope(p: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return -np.log(p) - 1

    laws = ["value", "gradient"]
    assert xentcheck.check(entropy, slope, contract=contract, properties=laws).verdict == "conforms"

    def other(p: np.ndarray) -> np.ndarray:
        return p * (slope(p) + 1 - entropy(p)[:, None])

    report = xentcheck.check(entropy, other, contract=contract, properties=laws, fail_fast=True)
    assert [finding.property for finding in report.findings] == ["gradient"]

    def divided(p: np.ndarray) -> np.ndarray:
        return entropy(p / p.sum(axis=1, keepdims=True))

    def slope_of_divided(p: np.ndarray) -> np.ndarray:
        total = p.sum(axis=1, keepdims=True)
        with np.errstate(all="ignore"):
            return (-np.log(p / total) - divided(p)[:, None]) / total

    normalised = {**contract, "boundary": {"normalise": True}}
    assert xentcheck.check(divided, slope_of_divided, contract=normalised, properties=laws).verdict == "conforms"


def test_a_probability_of_zero_leaves_the_gradient_by_the_logits() -> None:
    """It is 0 there, and promised."""
    p = softmax(np.array([[0.0, -1.0, -800.0]]))
    assert p[0, 2] == 0

    def entropy(p: np.ndarray) -> np.ndarray:
        return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1)

    def careless(p: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return p * (-np.log(p) - entropy(p)[:, None])

    contract = {"output": "entropy", "reduction": "none", "input": "probabilities", "dtypes": ["float64"]}
    report = xentcheck.check(entropy, careless, contract=contract, properties=["gradient"], fail_fast=True)
    assert [finding.property for finding in report.findings] == ["gradient"]
    assert "nan" in str(report.findings[0].got)


@pytest.mark.slow
@pytest.mark.needs("torch")
def test_the_entropy_of_torch() -> None:
    """It keeps every law where all logits are finite; of a masked row, twice the gradient is nan."""
    name, laws = "torch.distributions.Categorical.entropy", ["value", "gradient", "minus-infinity", "vjp-linearity"]
    finite = {"output": "entropy", "reduction": "none", "accuracy": "C"}
    assert xentcheck.check(name, contract=finite).findings == ()
    report = xentcheck.check(name, properties=laws)
    assert {finding.property for finding in report.findings} == {"vjp-linearity"}
    assert "-inf" in report.findings[0].batch["scores"]["values"]
