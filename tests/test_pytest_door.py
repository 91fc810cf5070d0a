"""One pytest test a target and property."""

from __future__ import annotations

import numpy as np
import pytest

import xentcheck

ONE_CELL = {"dtypes": ["float64"]}


def right(logits, labels):
    """A mean cross-entropy."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(logits)), np.asarray(labels).reshape(-1)]
    return losses.mean() if len(losses) else np.float64("nan")


def halved(logits, labels):
    """Half of it."""
    return right(logits, labels) / 2


def verifiers(target):
    """Return the tests made of one target: property to what the test calls."""
    mark = xentcheck.parametrize([{"loss": target, "contract": ONE_CELL}], properties=["value", "gradient"])
    name, params = mark.args
    assert name == "verify"
    return {param.id.rpartition("-")[2]: param.values[0] for param in params}


def test_a_law_that_holds_passes():
    """The test of a law that holds returns without a word."""
    verifiers(right)["value"]()


def test_a_law_that_is_broken_fails_with_the_evidence():
    """The test of a broken law raises FindingsError, an AssertionError, that shows the finding."""
    with pytest.raises(xentcheck.FindingsError, match="law 1, value"):
        verifiers(halved)["value"]()
    assert issubclass(xentcheck.FindingsError, AssertionError)


def test_a_law_that_does_not_apply_is_skipped_with_the_reason():
    """A target without a gradient has nothing to say about it."""
    with pytest.raises(pytest.skip.Exception, match="the target offers no gradient"):
        verifiers(right)["gradient"]()


def test_ids_name_target_and_property():
    """The ids by which pytest lists the tests."""
    mark = xentcheck.parametrize(["reference", right], properties=["value"])
    assert [param.id for param in mark.args[1]] == ["reference-value", "right-value"]
