"""Which targets an exhaustive campaign takes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.campaign.exhaustive.conftest import Opening
from xentcheck.campaign.exhaustive import plan
from xentcheck.campaign.exhaustive.subject import opened, stated
from xentcheck.contract import ContractError
from xentcheck.targets.errors import TargetError

LOSS = {"format": "float16", "part": "loss"}


def test_a_registered_target_is_told_not_to_reduce() -> None:
    """The reduction is a keyword of the reference: one loss a row without being asked."""
    found, contract, form = stated({"loss": "reference"}, LOSS)
    assert (contract.reduction, found.keywords, form) == ("none", {"reduction": "none"}, "sparse")


@pytest.mark.needs("torch")
def test_options_of_the_call_are_left_alone() -> None:
    """Weights, smoothing and the ignored label of torch are what torch makes of them unasked."""
    _, contract, _ = stated({"loss": "torch.cross_entropy"}, LOSS)
    assert contract.arguments == {}


@pytest.mark.needs("optax")
def test_dense_labels_where_there_are_no_others() -> None:
    """One-hot rows."""
    target = {"loss": "optax.softmax_cross_entropy", "changes": {"dtypes": ["float16"]}}
    assert stated(target, LOSS)[2] == "onehot"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dtypes": ["float32"]}, "reference promises nothing of float16; if it does, add --contract 'dtypes="),
        ({"input": "probabilities"}, "reference is no plain loss of logits"),
        ({"boundary": {"add": 1e-7}}, "reference is no plain loss of logits"),
        ({"gradient_reduction": "mean"}, "reference reduces its losses"),
        ({"label_smoothing": 0.1}, "reference has the option label_smoothing"),
        ({"soft_cap": 30.0}, "reference has the option soft_cap"),
        ({"axis": 0}, "reference has its classes along axis 0"),
        ({"extra_axes": [0, 1]}, "reference promises extra axes"),
        ({"domain": {"classes": [3, 9]}}, "reference states a domain"),
        ({"compute": "float64", "output_dtype": "float64"}, "reference promises the accuracy of float64"),
    ],
)
def test_refusals(changes: dict[str, Any], sentence: str) -> None:
    """One sentence, before anything is imported."""
    with pytest.raises(TargetError) as caught:
        plan({"loss": "reference", "changes": changes}, LOSS)
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(".")


def test_a_reduced_loss_is_refused(opening: Opening) -> None:
    """Where the target is not told its reduction."""
    with pytest.raises(TargetError, match="reduces its losses; this campaign needs one a row"):
        opening("def loss(logits, labels):\n    return 0.0\n", reduction="mean")


def test_a_missing_gradient_is_refused(opening: Opening) -> None:
    """Not found out at the first row."""
    with pytest.raises(TargetError, match="has no gradient; give --part loss"):
        opening("def loss(logits, labels):\n    return 0.0\n", part="gradient")


def test_accuracy_c_of_bfloat16_is_refused() -> None:
    """Its scores without a bound are no rectangle."""
    target = {"loss": "reference", "changes": {"accuracy": "C"}}
    opened(target, LOSS)
    with pytest.raises(TargetError, match="accuracy C, for which not all pairs of bfloat16"):
        opened(target, {"format": "bfloat16", "part": "loss"})


def test_other_formats_are_refused() -> None:
    """And a contract key that does not exist."""
    with pytest.raises(TargetError, match="no exhaustive campaign for 'float32'; the formats are float16, bfloat16"):
        plan({"loss": "reference"}, {"format": "float32", "part": "loss"})
    with pytest.raises(ContractError):
        plan({"loss": "reference", "changes": {"reductoin": "sum"}}, LOSS)
