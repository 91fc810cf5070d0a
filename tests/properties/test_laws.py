"""Every law kills a planted bug, and a right implementation breaks none."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import xentcheck
from xentcheck.properties.registry import LAWS, UnknownPropertyError, choose

_SPEC = importlib.util.spec_from_file_location("planted", Path(__file__).with_name("planted.py"))
planted = sys.modules["planted"] = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(planted)


def judge(bug, **options):
    """Return the report on a planted bug by its own law alone, in float64."""
    loss = bug.loss() if isinstance(bug.loss, type) else bug.loss
    contract = {"dtypes": ["float64"], **bug.contract}
    return xentcheck.check(
        loss,
        gradient=bug.gradient,
        vjp=bug.vjp,
        hessian_vector=bug.hessian_vector,
        jvp=bug.jvp,
        contract=contract,
        properties=[bug.law],
        fail_fast=True,
        **options,
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("bug", planted.PLANTED, ids=lambda bug: f"{bug.law}-{bug.name}")
def test_law_kills_its_bug(bug):
    """A law finds the mistake that was planted for it, with a batch and a title that say what happened."""
    report = judge(bug)
    assert report.verdict == "violates"
    assert {found.property for found in report.findings} == {bug.law}
    assert report.findings[0].title


def test_every_law_has_a_planted_bug():
    """No law is in the suite without having killed something."""
    assert {law.name for law in LAWS} == {bug.law for bug in planted.PLANTED}


def test_right_implementation_breaks_no_law():
    """Plain shifted code conforms, in all dtypes that it promises and by every law that applies."""
    further = {"hessian_vector": planted.hessian_vector, "jvp": planted.jvp}
    report = xentcheck.check(planted.loss, gradient=planted.gradient, **further)
    assert report.findings == ()
    assert report.verdict == "conforms"


@pytest.mark.slow
def test_right_implementation_without_reduction_breaks_no_law():
    """The same code, one loss a row, with a gradient for any upstream."""
    report = xentcheck.check(
        planted.row_losses,
        gradient=planted.row_gradients,
        vjp=planted.row_vjp,
        contract={"reduction": "none", "dtypes": ["float64"]},
    )
    assert report.findings == ()


@pytest.mark.slow
def test_log_probabilities_are_related_to_themselves_alone():
    """Law 7 hands a target that takes log-probabilities what are some: it may refuse anything else."""

    def strict(log_p, labels):
        if (log_p > 0).any() or not np.allclose(np.exp(log_p.astype(np.float64)).sum(axis=1), 1, atol=1e-2):
            raise ValueError("these are no log-probabilities")
        return -log_p[np.arange(len(labels)), labels].sum()

    contract = {"input": "log_probabilities", "reduction": "sum"}
    report = xentcheck.check(strict, contract=contract, properties=["softmax-consistency"])
    assert report.verdict == "conforms"
    assert all(result.examples > 0 for result in report.properties)


@pytest.mark.slow
@pytest.mark.parametrize("nothing", [0, 0.0])
def test_a_sum_of_nothing_may_be_an_integer(nothing):
    """sum(()) is the integer 0; an integer for rows that there are is a finding."""

    def summed(logits, labels):
        return sum(planted.row_losses(logits, labels).tolist(), nothing)

    def truncated(logits, labels):
        return int(summed(logits, labels))

    contract = {"reduction": "sum", "dtypes": ["float64"]}
    assert xentcheck.check(summed, contract=contract, properties=["precision"]).verdict == "conforms"
    assert "integer dtype" in xentcheck.check(truncated, contract=contract, properties=["precision"]).findings[0].title


@pytest.mark.slow
@pytest.mark.parametrize("given", ["bfloat16", "float32", "float16"])
def test_a_declared_dtype_is_that_of_the_loss(given):
    """A gradient may be of the dtype of the scores, too, as autograd returns it, and of no other."""

    def loss(logits, labels):
        return planted.row_losses(logits.astype(np.float32), labels).mean(dtype=np.float32)

    def gradient(logits, labels):
        return planted.gradient(logits.astype(np.float32), labels).astype(given)

    contract = {"dtypes": ["bfloat16"], "output_dtype": "float32"}
    report = xentcheck.check(loss, gradient=gradient, contract=contract, properties=["precision", "gradient"])
    assert (report.verdict == "conforms") == (given != "float16")
    assert ("precision" in {finding.property for finding in report.findings}) == (given == "float16")


def test_choose_by_name_and_number():
    """A number stands for all laws of that number."""
    assert [law.name for law in choose(["2", "value"])] == ["gradient", "own-gradient", "value"]


def test_choose_names_the_nearest():
    """A property that does not exist is refused in one sentence that names the nearest."""
    with pytest.raises(UnknownPropertyError, match="did you mean 'value'"):
        choose(["valeu"])
