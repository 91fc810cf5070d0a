"""The second method: right where the truth is, under every option, and able to disagree."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.storage import to_mapping
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract
from xentcheck.report import returned
from xentcheck.report.finding import Finding
from xentcheck.survey.rows import DISAGREES, VERIFIED, verified
from xentcheck.survey.second_method import NotVerifiableError, expected
from xentcheck.truth.certify import certify
from xentcheck.truth.problem import pose

FORMS = ["sparse", "onehot", "soft"]
ANY_SUM = {"soft_rows": "any", "gradient_of": "p - t"}
CONTRACTS: dict[str, dict[str, Any]] = {
    "plain": {"labels": FORMS},
    "sum": {"reduction": "sum"},
    "none": {"reduction": "none"},
    "log-probabilities returned": {"output": "log_probability", "reduction": "none"},
    "log-likelihood": {"output": "log_probability", "class_weights": {"argument": "w"}, "z_loss": 0.01},
    "entropy": {"output": "entropy", "reduction": "none"},
    "mean entropy": {"output": "entropy"},
    "entropy of probabilities": {"output": "entropy", "input": "probabilities", "gradient_wrt": "probabilities"},
    "entropy of rows divided": {
        "output": "entropy",
        "input": "probabilities",
        "boundary": {"normalise": True},
        "gradient_wrt": "probabilities",
    },
    "entropy by the logits behind": {"output": "entropy", "input": "probabilities"},
    "weights": {"class_weights": {"argument": "w"}, "mean_over": "weights"},
    "row weights": {
        "row_weights": {"argument": "v"},
        "class_weights": {"argument": "w"},
        "mean_over": "weights",
        "z_loss": 0.01,
    },
    "weights of smoothed labels": {
        "class_weights": {"argument": "w"},
        "label_smoothing": {"argument": "s"},
        "smoothing_weights": "mean",
        "mean_over": "weights",
        "labels": FORMS,
    },
    "divisor": {"divisor": {"argument": "d"}, "reduction": "sum"},
    "mask": {"row_weights": {"argument": "v"}, "row_weights_as": "mask", "mean_over": "kept"},
    "weights inside": {
        "class_weights": {"argument": "w"},
        "label_smoothing": {"argument": "s"},
        "smoothing_weights": "class",
        "labels": FORMS,
    },
    "weights outside": {"class_weights": {"argument": "w"}, "label_smoothing": 0.25, "labels": ["soft"]},
    "smoothing over the others": {"label_smoothing": 0.1, "smoothing_over": "others"},
    "ignored": {"ignore_index": -100, "mean_over": "kept"},
    "ignored by argument": {"ignore_index": {"argument": "i"}, "reduction": "sum"},
    "z loss": {"z_loss": 0.01},
    "soft cap": {"soft_cap": 30.0, "temperature": 2.0},
    "drawn cap": {"soft_cap": {"argument": "c"}, "temperature": {"argument": "T"}, "z_loss": {"argument": "z"}},
    "soft rows": {"labels": ["soft"], "soft_rows": "any"},
    "p - t": {"labels": FORMS, **ANY_SUM, "label_smoothing": 0.1, "row_weights": {"argument": "v"}, "soft_cap": 9.0},
    "p - t from probabilities": {"labels": ["soft"], **ANY_SUM, "input": "probabilities", "boundary": {"add": 1e-7}},
    "p - t from log-probabilities": {"labels": ["soft"], **ANY_SUM, "input": "log_probabilities"},
    "soft rows divided": {"labels": ["soft"], "soft_rows": "renormalised"},
    "probabilities": {"input": "probabilities", "gradient_wrt": "probabilities"},
    "ideal at the clip": {
        "input": "probabilities",
        "boundary": {"clip": [0.01, 0.9]},
        "gradient_of": "ideal at clip(p)",
        "class_weights": {"argument": "w"},
        "labels": FORMS,
    },
    "ideal at the clip by probabilities": {
        "input": "probabilities",
        "boundary": {"clip": [0.01, 0.9]},
        "gradient_of": "ideal at clip(p)",
        "gradient_wrt": "probabilities",
        "row_weights": {"argument": "v"},
    },
    "ideal at the clip of a softmax": {"boundary": {"clip": [0.01, 0.9]}, "gradient_of": "ideal at clip(p)"},
    "added": {"input": "probabilities", "boundary": {"add": 1e-7}, "gradient_of": "loss"},
    "clipped": {
        "input": "probabilities",
        "boundary": {"clip": [1e-7, 0.9999999], "normalise": True},
        "gradient_of": "loss",
        "gradient_wrt": "probabilities",
        "dtypes": ["float64"],
    },
    "clipped at the eps": {
        "input": "probabilities",
        "boundary": {"clip": "eps"},
        "gradient_of": "loss",
        "gradient_wrt": "probabilities",
        "dtypes": ["float32"],
    },
    "clipped, then divided": {
        "input": "probabilities",
        "boundary": {"clip": [1e-7, 0.9999999], "normalise": "after"},
        "gradient_of": "loss",
        "gradient_wrt": "probabilities",
    },
    "clipped, then divided, by logits": {
        "input": "probabilities",
        "labels": ["sparse", "soft"],
        "boundary": {"clip": [1e-3, 0.9], "normalise": "after"},
        "gradient_of": "loss",
    },
    "weights of either sign": {
        "class_weights": {"argument": "w"},
        "class_weights_as": "signed",
        "label_smoothing": {"argument": "s"},
        "smoothing_weights": "class",
        "labels": ["sparse", "soft"],
    },
    "options apart": {
        "class_weights": {"argument": "w"},
        "label_smoothing": {"argument": "s"},
        "ignore_index": {"argument": "i"},
        "labels": ["sparse", "onehot"],
        "exclusive": [["class_weights", "label_smoothing"], ["onehot", "ignore_index"]],
        "reduction": "sum",
    },
    "log-probabilities": {"input": "log_probabilities", "gradient_wrt": "log_probabilities"},
    "by logits": {"input": "log_probabilities", "gradient_wrt": "logits"},
    "gradient of the sum": {"gradient_reduction": "sum"},
}


def batches(contract: Contract, dtype: str) -> Iterator[Batch]:
    """Yield some small batches of finite numbers of each form of labels."""
    for form in contract.labels:
        found = sweep(contract, dtype, form, sizes="quick")
        small = (one for one in found if 0 < one.scores.size <= 12 and np.isfinite(one.scores.astype(np.float64)).all())
        yield from itertools.islice(small, 6)


@pytest.mark.parametrize("name", CONTRACTS)
def test_it_finds_the_value_in_the_certified_interval(name: str) -> None:
    """For loss and gradient, under each convention."""
    contract = Contract.from_mapping({"dtypes": ["float64"], **CONTRACTS[name]})
    compared = set()
    for batch in batches(contract, "float64"):
        problem = pose(contract, batch.scores, batch.labels, batch.label_form, dict(batch.options))
        rows, columns = (size - 1 for size in batch.scores.shape)
        loss = (rows,) if contract.reduction == "none" else ()
        for part, index in (("loss", loss), ("gradient", (rows, columns)), ("gradient", (0, 0))):
            where = "rows" if loss and part == "loss" else part
            low, high = certify(problem, where, index)
            if not np.isfinite([low, high]).all():
                continue
            element = returned.element(contract, f"{part}[{', '.join(map(str, index))}]" if index else part)
            certified = returned.interval(contract, (low, high))
            finding = replace(stated(), batch=to_mapping(batch), part=element, certified=certified, got=math.inf)
            said, _ = verified(finding, contract)
            assert said != DISAGREES, (batch, element)
            compared |= {part} if said == VERIFIED else set()
    assert compared == {"loss", "gradient"}


def stated(**changes: Any) -> Finding:
    """Return the finding that the loss of two equal logits is 1."""
    scores = {"dtype": "float64", "shape": [1, 2], "layout": "C", "values": ["0x0.0p+0", "0x0.0p+0"]}
    labels = {"dtype": "int64", "shape": [1], "layout": "C", "values": [0]}
    batch = {"scores": scores, "labels": labels, "label_form": "sparse", "options": {}, "layout": "C"}
    finding = Finding(
        property="value",
        number=1,
        law="",
        dtype="float64",
        labels="sparse",
        title="",
        batch=batch,
        part="loss",
        got=1.0,
        certified=(0.693147180559945, 0.693147180559946),
        allowance=1e-15,
    )
    return replace(finding, **changes)


def test_the_sign_of_a_log_probability() -> None:
    """It is that of what is returned, in the interval and in the answer."""
    contract, bounds = Contract(output="log_probability"), (-0.693147180559946, -0.693147180559945)
    right = stated(part="log_probability", certified=bounds)
    assert verified(right, contract) == (VERIFIED, "-0.69314718055994531")
    assert verified(replace(right, certified=stated().certified), contract)[0] == DISAGREES
    assert verified(right, Contract())[0] == DISAGREES


def test_what_is_wrong_disagrees() -> None:
    """A certified interval beside the value, and an answer within its allowance."""
    assert verified(stated(), Contract()) == (VERIFIED, "0.69314718055994531")
    beside = replace(stated(), certified=(0.6931471805599, 0.69314718055994))
    assert verified(beside, Contract())[0] == DISAGREES
    assert verified(replace(stated(), got=0.6931471805599453), Contract())[0] == DISAGREES


def test_an_infinite_loss() -> None:
    """A label of probability 0 costs +inf, which is its interval; no other is."""
    batch = {**stated().batch, "scores": {**stated().batch["scores"], "values": ["0x0.0p+0", "0x1.0p+0"]}}
    infinite = stated(batch=batch, certified=(math.inf, math.inf))
    contract = Contract(input="probabilities")
    assert verified(infinite, contract) == (VERIFIED, "inf")
    assert verified(replace(infinite, certified=(700.0, math.inf)), contract)[0] == DISAGREES


def test_a_loss_below_any_float() -> None:
    """Of logits 800 apart it is e^-800: 0 in a text, and no exponent of three digits."""
    batch = {**stated().batch, "scores": {**stated().batch["scores"], "values": ["0x1.9p+9", "0x0.0p+0"]}}
    assert verified(stated(batch=batch, certified=(0.0, 5e-324)), Contract()) == (VERIFIED, "0.0")


def test_a_second_derivative() -> None:
    """The Hessian of two equal logits is 1/4 (1, -1; -1, 1)."""
    one = replace(stated(), part="hessian_vector[0, 1]", certified=(-0.25, -0.25), vector=[[1.0, 0.0]], got=0.0)
    assert mpmath.almosteq(expected(one, Contract()), -0.25, 1e-100)
    soft = {**one.batch, "labels": {**one.batch["scores"], "values": [2.0, 0.5]}, "label_form": "soft"}
    keys = {"labels": ["soft"], "soft_rows": "any"}
    ideal, policy = (Contract(**keys), Contract(**keys, gradient_of="p - t"))
    assert mpmath.almosteq(expected(replace(one, batch=soft), ideal), -0.625, 1e-100)
    assert mpmath.almosteq(expected(replace(one, batch=soft), policy), -0.25, 1e-100)


def test_a_derivative_along_a_tangent() -> None:
    """Of two equal logits with label 0, the gradient is (-1/2, 1/2); reduced as the loss is, whatever the gradient."""
    one = replace(stated(), part="jvp", certified=(1.5, 1.5), tangent=[[-1.0, 2.0]], got=0.0)
    assert mpmath.almosteq(expected(one, Contract()), 1.5, 1e-100)
    assert mpmath.almosteq(expected(replace(one, part="jvp[0]"), Contract(reduction="none")), 1.5, 1e-100)
    halved = Contract(reduction="sum", divisor=2.0, gradient_reduction="none")
    assert mpmath.almosteq(expected(one, halved), 0.75, 1e-100)
    assert verified(one, Contract())[0] == VERIFIED
    with pytest.raises(NotVerifiableError, match="tangent is not known"):
        expected(replace(one, tangent=None), Contract())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"certified": None}, "it is about no number"),
        ({"part": "answers"}, "it is about no number"),
        ({"part": "gradient[0, 0]"}, None),
    ],
)
def test_what_it_says_nothing_about(changes: dict[str, Any], why: str | None) -> None:
    """It says so; a gradient it does speak of."""
    finding = replace(stated(), **changes)
    if why is None:
        assert mpmath.almosteq(expected(finding, Contract()), -0.5, 1e-100)
    else:
        with pytest.raises(NotVerifiableError, match=why):
            expected(finding, Contract())


def test_a_batch_too_large_is_left() -> None:
    """It would take minutes."""
    large = {"dtype": "float64", "shape": [1, 5000], "layout": "C", "values": ["0x0.0p+0"] * 5000}
    finding = stated()
    with pytest.raises(NotVerifiableError, match="5000 numbers"):
        expected(replace(finding, batch={**finding.batch, "scores": large}), Contract())
