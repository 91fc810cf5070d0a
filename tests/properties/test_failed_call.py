"""Law 0 by itself: what is said of an exception."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.values import answers
from xentcheck.targets.outcome import Outcome, Raised


@pytest.mark.parametrize("length", [10, 1500])
def test_a_long_message_is_whole_but_in_the_title(length):
    """A title is one line of a report; the whole is told once, as what came back."""

    class Host:
        def evaluate(self, batch, *given, **others):
            return Outcome(raised=Raised("ValueError", "m" * length, "loss"))

    batch = Batch(np.zeros((1, 2)), np.zeros(1, np.int64))
    (violation,) = answers.judge(Case(Contract(), Capabilities(), Host(), batch))
    assert violation.got == f"ValueError: {'m' * length}"
    assert violation.title.count("m") < 500
    assert ("m" * length in violation.title) == (length < 400)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("p must sum to 1\nApply node that caused the error: Check{...}\nInputs types: [...]", "p must sum to 1 ("),
        ("Errors:\nno rows", "Errors:\\nno rows ("),
        ("", "ValueError ("),
    ],
)
def test_a_title_has_the_first_line_of_a_message(message, said):
    """Of libraries that compile graphs the others say what was calculated; one that leads to others has all of them."""

    class Host:
        def evaluate(self, batch, *given, **others):
            return Outcome(raised=Raised("ValueError", message, "loss", "a.py:1 in f"))

    batch = Batch(np.zeros((1, 2)), np.zeros(1, np.int64))
    (violation,) = answers.judge(Case(Contract(), Capabilities(), Host(), batch))
    assert f"{said}a.py:1 in f)" in violation.title
    assert "Apply node" not in violation.title
    assert ("Apply node" in violation.got) == ("Apply node" in message)
