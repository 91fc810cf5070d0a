"""Where p - t stops being the derivative of the declared loss."""

from __future__ import annotations

import re

import pytest

from xentcheck.contract import Contract
from xentcheck.engine.boundary import parting_of_gradients

CLIPPED = Contract.from_mapping({"input": "probabilities", "boundary": {"clip": [1e-7, 1 - 1e-7]}})
GUARDED = Contract.from_mapping({"input": "probabilities", "boundary": {"add": 2.0**-52}, "reduction": "sum"})


def test_clip_parts_at_its_limits():
    """Below the clip the loss is flat and p - t is not; above it likewise, by what is left of 1 - p."""
    (sentence,) = parting_of_gradients(CLIPPED, ["float64"])
    assert sentence.startswith("float64: the gradient promised, p - t,")
    assert "p_y <= 1e-07 (the largest difference, 1, at p_y = 0)" in sentence
    assert "p_y >= 1 - 1e-07 (by up to 1e-07)" in sentence


def test_eps_parts_gradually():
    """With an eps the two drift apart as p nears it: more than 0.01 from about 100 eps down."""
    (sentence,) = parting_of_gradients(GUARDED, ["float64"])
    start = float(re.search(r"more than 0.01 from p_y = (\S+) down", sentence).group(1))
    assert 50 * 2.0**-52 < start < 100 * 2.0**-52


def test_a_large_eps_parts_them_toward_1_too():
    """At p = 3/4 with an eps of 1/10: (1 - p) - (1 - p) p/(p + eps) = 0.0294; it grows from there down to 1/2."""
    keys = {"input": "probabilities", "boundary": {"add": 0.1}}
    for dtype in ("float32", "float64"):
        (sentence,) = parting_of_gradients(Contract.from_mapping(keys), [dtype])
        assert sentence.endswith("and where p_y >= 1 - 0.25 (by up to 0.029)")


def test_nothing_to_say():
    """No guard, a gradient of the guarded loss itself, or logits: there is one function only."""
    plain = Contract(input="probabilities")
    own = CLIPPED.replace(gradient_of="loss", gradient_wrt="probabilities")
    assert parting_of_gradients(plain, ["float64"]) == []
    assert parting_of_gradients(own, ["float64"]) == []
    assert parting_of_gradients(Contract(), ["float64"]) == []
    assert parting_of_gradients(Contract(boundary={"add": 1e-7}), ["float64"]) == []


def test_what_rounding_hides_is_not_said():
    """1/p and 1/(p + 1e-7) are 4e-7 apart at 1/2, some roundings of float32; in float64 that is to be seen."""
    keys = {"input": "probabilities", "boundary": {"add": 1e-7}, "gradient_wrt": "probabilities"}
    narrow, wide = parting_of_gradients(Contract.from_mapping(keys), ["float32", "float64"])
    assert (
        float(re.search(r"where p_y <= (\S+) \(", narrow).group(1))
        < 0.5
        == float(re.search(r"where p_y <= (\S+) \(", wide).group(1))
    )
    assert "where p_y >=" not in narrow
    assert "where p_y >=" in wide


def test_the_ideal_gradient_at_a_clip_is_finite_below_it():
    """-t/clip(p) is 1e7 for every p below the clip, where the loss is flat."""
    keys = {"gradient_of": "ideal at clip(p)", "gradient_wrt": "probabilities"}
    (sentence,) = parting_of_gradients(CLIPPED.replace(**keys), ["float64"])
    assert sentence.startswith("float64: the gradient promised, -t/clip(p),")
    assert "p_y <= 1e-07 (the largest difference, 1e+07, at p_y = 0)" in sentence


def test_what_is_said_does_not_depend_on_arguments_and_divisors():
    """It is of one row: a smoothing that the caller gives is left out, and no sum is there to be divided."""
    keys = {"label_smoothing": {"argument": "smoothing"}, "divisor": {"argument": "items"}, "reduction": "sum"}
    assert parting_of_gradients(GUARDED.replace(**keys), ["float64"]) == parting_of_gradients(GUARDED, ["float64"])
    assert parting_of_gradients(GUARDED.replace(divisor=7), ["float64"]) == parting_of_gradients(GUARDED, ["float64"])
    keys |= {"class_weights": {"argument": "weights"}, "exclusive": [["label_smoothing", "class_weights"]]}
    assert parting_of_gradients(GUARDED.replace(**keys), ["float64"]) == parting_of_gradients(GUARDED, ["float64"])


@pytest.mark.parametrize(
    "keys",
    [
        {"class_weights": [2.0, 3.0]},
        {"row_weights": {"argument": "weights"}},
        {"ignore_index": 0},
        {"reduction": "mean"},
        {"labels": ["sparse"]},
        {"labels": ["sparse"], "ignore_index": {"argument": "index"}},
    ],
    ids=str,
)
def test_nor_on_weights_labels_and_means(keys):
    """A single row with its probability of the label is what the sentence is about."""
    other = Contract.from_mapping({**GUARDED.as_mapping(), **keys})
    assert parting_of_gradients(other, ["float64"]) == parting_of_gradients(GUARDED, ["float64"])


def test_p_minus_t_parts_where_labels_do_not_sum_to_one():
    """Said once for all dtypes, and beside what a boundary does."""
    keys = {"labels": ["soft"], "soft_rows": "any", "gradient_of": "p - t"}
    (sentence,) = parting_of_gradients(Contract(**keys), ["float32", "float64"])
    assert sentence.startswith("the gradient promised, p - t whatever the sum of a row, is not the derivative")
    both = parting_of_gradients(CLIPPED.replace(**keys), ["float64"])
    assert both == [sentence, *parting_of_gradients(CLIPPED, ["float64"])]


def test_16_bit_formats_are_left_out():
    """Their clip limits round away; the sentence would be about rounding."""
    assert parting_of_gradients(CLIPPED, ["float16", "bfloat16"]) == []


@pytest.mark.parametrize("contract", [CLIPPED, GUARDED])
def test_a_difference_without_a_limit_is_given_none(contract):
    """By the probabilities it is about 1/p toward 0, whatever is the least p that is looked at."""
    (sentence,) = parting_of_gradients(contract.replace(gradient_wrt="probabilities"), ["float64"])
    assert "(nearly 1/p_y apart toward 0, without a limit" in sentence
    assert "largest" not in sentence
