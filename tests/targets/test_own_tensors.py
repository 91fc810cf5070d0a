"""Losses of tensors of a framework that nobody has said anything of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.probing import infer
from xentcheck.targets import TargetSpecification, open_host

PLANTED = str(Path(__file__).with_name("planted_tensors.py"))
STRICT = str(Path(__file__).with_name("planted_strict_tensors.py")) + ":loss"
BATCH = Batch(np.log([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]), np.array([0, 2]))
SLOPES = np.array([[-0.5, 0.25, 0.25], [0.25, 0.5, -0.75]])


def test_a_mean_is_pulled_back_by_its_own_backward() -> None:
    """The tensors are made of the arrays, and read; the gradient is what is left in the scores."""
    with open_host(TargetSpecification(f"{PLANTED}:Mean"), in_process=True) as host:
        told = host.evaluate(BATCH, ("loss", "gradient"))
        assert told.loss == pytest.approx(np.log(8) / 2)
        assert told.gradient == pytest.approx(SLOPES / 2)
        assert host.ready().has_gradient


def test_a_loss_of_each_row_is_weighted_by_the_upstream_gradient() -> None:
    """Whatever the order of the arguments, which is told later than the framework."""
    declared = Contract(reduction="none", argument_order="labels_first")
    with open_host(TargetSpecification(f"{PLANTED}:one_a_row", contract=declared), in_process=True) as host:
        assert host.evaluate(BATCH, ("loss",)).loss == pytest.approx(np.log([2.0, 4.0]))
        pulled = host.evaluate(BATCH, ("gradient",), upstream=np.array([2.0, -1.0])).gradient
        assert pulled == pytest.approx(SLOPES * np.array([[2.0], [-1.0]]))


def test_what_takes_arrays_of_numpy_is_given_those() -> None:
    """Tensors beside it are its own affair."""
    with open_host(TargetSpecification(f"{PLANTED}:of_arrays"), in_process=True) as host:
        assert host.evaluate(BATCH, ("loss",)).loss == pytest.approx(np.log(8) / 2)
        assert host.ready().framework == "numpy"


@pytest.mark.parametrize(("name", "reduction"), [("Mean", "mean"), ("one_a_row", "none")])
def test_the_contract_is_told(name: str, reduction: str) -> None:
    """With the gradient, and labels first where they are."""
    inference = infer(TargetSpecification(f"{PLANTED}:{name}"))
    assert inference.contradictions == []
    assert (inference.told["input"], inference.told["reduction"]) == ("logits", reduction)
    assert inference.told["gradient_wrt"] == "logits"
    assert inference.told["argument_order"] == ("scores_first" if name == "Mean" else "labels_first")


def test_labels_are_tensors_where_the_signature_says_so() -> None:
    """Integers, too, be they classes or one-hot rows; a class with an underscore before its name is found."""
    with open_host(TargetSpecification(STRICT), in_process=True) as host:
        for labels in (BATCH.labels, np.eye(3)[BATCH.labels], np.eye(3, dtype=np.uint8)[BATCH.labels]):
            form = "sparse" if labels.ndim == 1 else "onehot"
            told = host.evaluate(BATCH.replace(labels=labels, label_form=form), ("loss", "gradient"))
            assert told.loss == pytest.approx(np.log(8) / 2)
            assert told.gradient == pytest.approx(SLOPES / 2)
    inference = infer(TargetSpecification(STRICT))
    assert inference.contradictions == []
    assert inference.told["labels"] == ["sparse", "onehot", "soft"]
    assert inference.told["gradient_wrt"] == "logits"
