"""Log-probabilities as the output: every law judges them, and each derivative has to have the turned sign."""

from __future__ import annotations

import pytest

import xentcheck
from xentcheck.contract import Contract
from xentcheck.properties.law import Capabilities
from xentcheck.properties.registry import LAWS
from xentcheck.report.results import ReportData
from xentcheck.zoo import bugs_log_probabilities, right_log_probabilities
from xentcheck.zoo.specimen import Specimen

OFFERED = Capabilities(gradient=True, vjp=True, hessian_vector=True)


def judged(specimen: Specimen, **options: object) -> ReportData:
    """Return the report on a specimen, in float64."""
    roles = ("gradient", "vjp", "hessian_vector")
    given = {role: getattr(specimen, role) for role in roles if getattr(specimen, role) is not None}
    contract = {**specimen.contract, "dtypes": ["float64"]}
    return xentcheck.check(specimen.loss, contract=contract, **given, **options)


def test_every_law_applies_as_it_does_to_a_loss() -> None:
    """The sign is turned before a law sees an answer."""
    plain, turned = Contract(reduction="none"), Contract(reduction="none", output="log_probability")
    for law in LAWS:
        assert law.applies(plain, OFFERED) == law.applies(turned, OFFERED)


@pytest.mark.slow
def test_right_code_keeps_every_law() -> None:
    """Value, gradient, upstream gradients and Hessian-vector product, of log_softmax at the label."""
    report = judged(right_log_probabilities.log_softmax_at_label)
    assert report.findings == ()
    assert report.verdict == "conforms"
    held = {law.name for law in report.properties if law.status == "passed"}
    assert {"value", "gradient", "own-gradient", "gibbs", "vjp-linearity", "second-order", "minus-infinity"} <= held


@pytest.mark.parametrize(
    ("name", "law", "part"),
    [
        ("loss_for_log_probability", "gibbs", "log_probability[0]"),
        ("gradient_of_loss_for_log_probability", "gradient-sign", "gradient[0, 0]"),
        ("gradient_of_loss_for_log_probability", "own-gradient", "gradient"),
        ("advantage_times_gradient_of_loss", "vjp-linearity", "gradient"),
        ("information_for_hessian", "second-order", "hessian_vector"),
    ],
)
def test_a_sign_that_is_not_turned_breaks_a_law(name: str, law: str, part: str) -> None:
    """Value and each derivative on their own; what was got has the sign that was returned."""
    report = judged(getattr(bugs_log_probabilities, name), properties=[law], fail_fast=True)
    (finding,) = report.findings
    assert finding.part.startswith(part)
    assert isinstance(finding.got, float)
    if finding.certified is not None:
        assert finding.got * finding.certified[0] < 0


def test_the_words_of_a_log_probability() -> None:
    """Titles speak of what is returned."""
    report = judged(bugs_log_probabilities.loss_for_log_probability, properties=["gibbs"], fail_fast=True)
    assert report.findings[0].title == "the log-probability is positive"
    report = judged(
        bugs_log_probabilities.gradient_of_loss_for_log_probability, properties=["own-gradient"], fail_fast=True
    )
    assert "but the log-probability" in report.findings[0].title


def test_a_sentinel_is_the_number_that_is_returned() -> None:
    """Declared as -1 it is kept by what returns -1, and not by what returns 1."""
    right = judged(right_log_probabilities.sum_with_a_sentinel, properties=["bad-input"])
    assert right.verdict == "conforms"

    def other(scores: object, labels: object) -> object:
        found = right_log_probabilities.sum_with_a_sentinel.loss(scores, labels)
        return -found if found == -1 else found

    contract = {**right_log_probabilities.sum_with_a_sentinel.contract, "dtypes": ["float64"]}
    report = xentcheck.check(other, contract=contract, properties=["bad-input"], fail_fast=True)
    assert [found.property for found in report.findings] == ["bad-input"]
