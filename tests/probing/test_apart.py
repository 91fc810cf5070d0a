"""Options that are refused together, class weights below 0, and entropies: what is told, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.probing import infer, infer_undeclared, taken
from xentcheck.targets import TargetError, TargetSpecification
from xentcheck.zoo.bugs_exclusive import smoothed_sum, weighted_sum
from xentcheck.zoo.parts import dense_losses, log_softmax, one_hot, row_entropies, row_losses, smoothed


def both_at_work(z: Any, y: Any, weights: Any = None, smoothing: float = 0.0) -> Any:
    """Refuse a smoothing above 0 beside weights, and take one of 0."""
    if weights is not None and smoothing > 0:
        raise ValueError("weights cannot be smoothed")
    return smoothed_sum(z, y, smoothing) if weights is None else weighted_sum(z, y, weights)


def dropped(z: Any, y: Any, weights: Any = None, smoothing: float = 0.0) -> Any:
    """Drop the smoothing beside weights in silence."""
    return smoothed_sum(z, y, smoothing) if weights is None else weighted_sum(z, y, weights)


def fails(z: Any, y: Any, weights: Any = None, smoothing: float = 0.0) -> Any:
    """Fail by a mistake where both are at work."""
    if weights is not None and smoothing > 0:
        return weights[len(weights)]
    return dropped(z, y, weights, smoothing)


def of_any_rows(z: Any, y: Any, ignore_index: int | None = None) -> Any:
    """Refuse an ignored label, even one that is passed and met by no row, beside rows of labels."""
    if y.ndim == 2 and ignore_index is not None:
        raise ValueError("ignore_index is for class numbers")
    if y.ndim == 2:
        return dense_losses(z, y)
    kept = np.ones(len(y), bool) if ignore_index is None else y != ignore_index
    return np.where(kept, row_losses(z, np.where(kept, y, 0)), 0)


def test_options_that_act_alone_and_are_refused_together() -> None:
    """Each is told, and that they exclude each other, with the refusal."""
    inference = infer(TargetSpecification(loss=both_at_work))
    assert inference.contradictions == []
    assert inference.told["exclusive"] == [["class_weights", "label_smoothing"]]
    assert "ValueError: weights cannot be smoothed" in inference.findings["exclusive"].evidence
    assert {"class_weights", "label_smoothing"} <= inference.told.keys()
    assert "exclusive_options" in inference.told["invalid"]
    assert inference.contract.exclusive


def test_labels_beside_which_an_option_is_refused() -> None:
    """The form is told, and what is left out of its calls."""
    inference = infer(TargetSpecification(loss=of_any_rows))
    assert inference.told["labels"] == ["sparse", "onehot", "soft"]
    assert inference.told["exclusive"] == [["onehot", "ignore_index"], ["soft", "ignore_index"]]
    assert inference.told["ignore_index"] == {"argument": "ignore_index"}


def test_a_label_that_is_refused_where_it_would_ignore() -> None:
    """As in torch, which takes its default of -100 beside rows of labels, and no other."""

    def loss(z: Any, y: Any, ignore_index: int = -100) -> Any:
        return of_any_rows(z, y, None if y.ndim == 2 and ignore_index < 0 else ignore_index)

    inference = infer(TargetSpecification(loss=loss))
    assert inference.told["exclusive"] == [["onehot", "ignore_index"], ["soft", "ignore_index"]]
    assert inference.told["labels"] == ["sparse", "onehot", "soft"]


def test_what_is_dropped_in_silence_is_no_refusal() -> None:
    """A mistake does that, too: that it is so is said, and both options are told."""
    inference = infer(TargetSpecification(loss=dropped))
    assert inference.contradictions == []
    assert inference.findings["exclusive"].status == "untold"
    assert "a mistake unless it is meant" in inference.findings["exclusive"].evidence
    assert {"class_weights", "label_smoothing"} <= inference.told.keys()


def test_a_failure_is_no_refusal() -> None:
    """An IndexError is no policy."""
    assert "exclusive" not in infer(TargetSpecification(loss=fails)).told


def test_a_check_takes_refusals_of_options_alone() -> None:
    """Those beside a form of labels that it does not ask for would not be a contract."""
    inference = infer_undeclared(TargetSpecification(loss=both_at_work))
    assert inference is not None
    assert taken(inference)[0]["exclusive"] == [["class_weights", "label_smoothing"]]
    inference = infer_undeclared(TargetSpecification(loss=of_any_rows))
    assert inference is not None
    changes, keys = taken(inference)
    assert "exclusive" not in changes
    assert changes["ignore_index"] == {"argument": "ignore_index"}
    assert all(one.standing != "unexplained" for one in keys)


def signed(z: Any, y: Any, weights: Any) -> Any:
    """Any weights."""
    return row_losses(z, y) * weights[y.reshape(-1).astype(np.int64)].astype(z.dtype)


def bounded(z: Any, y: Any, weights: Any) -> Any:
    """No weights below 0."""
    if (weights < 0).any():
        raise ValueError("weights have to be 0 or more")
    return signed(z, y, weights)


def absolute(z: Any, y: Any, weights: Any) -> Any:
    """The size of the weights."""
    return signed(z, y, np.abs(weights))


@pytest.mark.parametrize(("loss", "kind"), [(signed, "signed"), (bounded, "numbers"), (absolute, "numbers")])
def test_class_weights_of_either_sign(loss: Any, kind: str) -> None:
    """By a row with a weight below 0."""
    inference = infer(TargetSpecification(loss=loss))
    assert inference.told["class_weights_as"] == kind
    assert "w [4, -1, 2]" in inference.findings["class_weights_as"].evidence


def test_weights_that_are_divided_by_have_no_sign_to_tell() -> None:
    """A mean over weights of both signs may divide by 0, so that no contract says what it is."""

    def loss(z: Any, y: Any, weights: Any) -> Any:
        w = weights[y.reshape(-1).astype(np.int64)].astype(z.dtype)
        return (row_losses(z, y) * w).sum() / w.sum()

    inference = infer(TargetSpecification(loss=loss))
    assert inference.told["mean_over"] == "weights"
    assert inference.findings["class_weights_as"].status == "untold"


def entropy(z: Any) -> Any:
    """Of each row of logits."""
    return row_entropies(z)


def of_normalised(p: Any, base: Any = None) -> Any:
    """Of rows that are divided by their sum."""
    p = p / p.sum(axis=1, keepdims=True)
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1).mean()


def test_an_entropy_is_told_of_its_scores() -> None:
    """Without one call with labels."""
    inference = infer(TargetSpecification(loss=entropy))
    told = inference.told
    assert (told["output"], told["input"], told["reduction"], told["boundary"]) == (
        "entropy",
        "logits",
        "none",
        "exact",
    )
    assert inference.calls < 30
    assert "labels" not in inference.findings["output"].evidence


def test_an_entropy_of_rows_that_are_divided() -> None:
    """As in scipy, with a second argument that may be left out."""
    told = infer(TargetSpecification(loss=of_normalised)).told
    assert (told["output"], told["input"], told["reduction"]) == ("entropy", "probabilities", "mean")
    assert told["boundary"] == {"normalise": True}


@pytest.mark.parametrize("loss", [lambda z: row_entropies(z) + 0.5, lambda z: log_softmax(z)])
def test_what_is_no_entropy_is_not_told_to_be_one(loss: Any) -> None:
    """Of the scores alone nothing else is known."""
    with pytest.raises(TargetError, match=r"cannot be probed") as caught:
        infer(TargetSpecification(loss=loss))
    assert "\n" not in str(caught.value)


def test_a_check_takes_an_entropy_for_one() -> None:
    """Nothing else can be asked of it."""
    inference = infer_undeclared(TargetSpecification(loss=entropy))
    assert inference is not None
    assert taken(inference)[0] == {"output": "entropy", "reduction": "none"}


def test_a_loss_with_options_alone_is_no_entropy() -> None:
    """One of a positional argument and a smoothing with a default."""

    def loss(z: Any, y: Any = (1, 2), smoothing: float = 0.0) -> Any:
        y = np.asarray(y)
        return dense_losses(z, smoothed(one_hot(y, z), smoothing)).mean()

    assert infer(TargetSpecification(loss=loss)).told["reduction"] == "mean"
