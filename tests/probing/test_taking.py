"""What a check takes of an inference: how a target is called, and no mistake of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.probing import unseen
from xentcheck.probing import infer_undeclared, taken
from xentcheck.report.results import InferredKey
from xentcheck.targets import TargetSpecification
from xentcheck.zoo import BUGS, RIGHT

BY_NAME = {one.name: one for one in (*BUGS, *RIGHT)}


def of(specification: TargetSpecification) -> tuple[dict[str, Any], dict[str, InferredKey]]:
    """Return what is taken, and every key with its standing."""
    inference = infer_undeclared(specification)
    assert inference is not None
    changes, keys = taken(inference)
    return changes, {one.key: one for one in keys}


def of_zoo(name: str) -> tuple[dict[str, Any], dict[str, InferredKey]]:
    """Return it of a specimen, as if nothing was declared."""
    return of(replace(BY_NAME[name].specification(), contract=None))


def plain(z: Any, y: Any) -> Any:
    """The defaults."""
    return -unseen.log_softmax(z)[np.arange(len(y)), y].mean()


def test_of_a_plain_loss_nothing_is_taken() -> None:
    """Its batches are those of the defaults."""
    assert of(TargetSpecification(loss=plain)) == ({}, {})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "keras_like",
            {
                "argument_order": "labels_first",
                "input": "probabilities",
                "labels": ["onehot", "soft"],
                "reduction": "none",
                "boundary": {"clip": [1e-7, 1 - 1e-7], "normalise": True},
            },
        ),
        (
            "torch_like",
            {
                "class_weights": {"argument": "weight"},
                "ignore_index": {"argument": "ignore_index"},
                "label_smoothing": {"argument": "label_smoothing"},
                "mean_over": "weights",
                "smoothing_weights": "class",
            },
        ),
        ("with_z_loss", {"z_loss": 1e-4}),
        ("smoothed", {"label_smoothing": 0.1, "smoothing_over": "others", "reduction": "none"}),
    ],
)
def test_conventions_are_taken(name: str, expected: dict[str, Any]) -> None:
    """Those that differ from the defaults, and no other key."""
    assert of(TargetSpecification(loss=getattr(unseen, name)))[0] == expected


def test_a_boundary_beside_probabilities_is_taken_as_a_convention() -> None:
    """Somebody may not have meant it."""
    changes, keys = of(TargetSpecification(loss=unseen.columns))
    assert changes["boundary"] == {"add": 1e-8}
    assert (keys["boundary"].standing, keys["input"].standing) == ("convention", "fact")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("temperature_left_in", "temperature"),
        ("sum_for_mean", "reduction"),
        ("rows_times_one_plus_1e_9", "label_smoothing"),
        ("eps_added", "boundary"),
    ],
)
def test_a_mistake_is_suspected_and_not_taken(name: str, key: str) -> None:
    """A planted bug is held to the defaults, however well a convention explains it."""
    changes, keys = of_zoo(name)
    assert key not in changes
    assert keys[key].standing == "suspicion"


@pytest.mark.parametrize(
    "name", ["maximum_over_rows", "maximum_not_added_back", "sigmoid_for_softmax", "guesses_probabilities"]
)
def test_what_nothing_explains_is_held_to_the_defaults(name: str) -> None:
    """Whatever was told of it by coincidence."""
    changes, keys = of_zoo(name)
    assert changes == {}
    assert [one.standing for one in keys.values()] == ["unexplained"]


def halved(y_true: Any, p: Any) -> Any:
    """Half of it, of clipped probabilities, labels first, summed."""
    return -0.5 * (y_true * np.log(np.clip(p, 1e-7, 1.0))).sum()


def summed(y_true: Any, p: Any) -> Any:
    """Labels first, one-hot, summed."""
    return -(y_true * np.log(p)).sum()


def test_a_sum_is_taken_where_the_defaults_are_not_followed_anyway() -> None:
    """Nobody wrote it to be a mean of sparse labels."""
    changes, keys = of(TargetSpecification(loss=summed))
    assert (changes["reduction"], keys["reduction"].standing) == ("sum", "convention")


def test_how_a_wrong_loss_is_called_is_told() -> None:
    """So that its mistake can be shown."""
    changes, keys = of(TargetSpecification(loss=halved))
    facts = {"argument_order": "labels_first", "labels": ["onehot"], "input": "probabilities", "reduction": "sum"}
    assert changes == facts
    assert keys["input"].standing == "unexplained"


def test_a_declared_contract_is_not_inferred() -> None:
    """Of none that is registered, nor where a key is given."""
    assert infer_undeclared(TargetSpecification(loss="reference")) is None
    assert infer_undeclared(TargetSpecification(loss=plain, changes={"reduction": "sum"})) is None


@pytest.mark.slow
def test_no_planted_bug_of_the_defaults_is_inferred_away() -> None:
    """Of those that promise the defaults nothing is taken; what is left unexplained is wrong by any contract."""
    found = {}
    for specimen in (one for one in BUGS if not one.contract and one.name != "SecondCallDiffers"):  # not to be probed
        changes, keys = of_zoo(specimen.name)
        if changes and not any(one.standing == "unexplained" for one in keys.values()):
            found[specimen.name] = changes
    assert found == {}


class Padded:
    """A label that is ignored, named where the object is made."""

    def __init__(self, pad_idx: int = 0) -> None:
        self.of = pad_idx

    def __call__(self, z: Any, y: Any) -> Any:
        """Return the mean over the other rows."""
        counts = y != self.of
        return (-unseen.log_softmax(z)[np.arange(len(y)), y] * counts).sum() / counts.sum()


def test_an_ignored_label_that_the_object_names_is_taken() -> None:
    """Not one that is ignored and named by nothing, nor where another is named than the one that is ignored."""
    changes, keys = of(TargetSpecification(loss=Padded()))
    assert changes == {"ignore_index": 0, "mean_over": "kept"}
    assert "pad_idx = 0 of its object says" in keys["ignore_index"].evidence
    other = Padded()
    other.pad_idx = 1  # type: ignore[attr-defined]
    for loss in (other, lambda z, y: Padded()(z, y)):
        changes, keys = of(TargetSpecification(loss=loss))
        assert changes == {}
        assert keys["ignore_index"].standing == "suspicion"


def log_prob(z: Any, y: Any) -> Any:
    """Return log-probabilities, as the name says."""
    return unseen.log_softmax(z)[np.arange(len(y)), y]


def log_prob_loss(z: Any, y: Any) -> Any:
    """Lack the minus of a loss, as which it is named."""
    return log_prob(z, y)


def test_log_probabilities_are_taken_where_the_target_is_called_so() -> None:
    """Their sign is what a mistake leaves behind, too: of what is called otherwise it is suspected."""
    changes, keys = of(TargetSpecification(loss=log_prob))
    assert changes == {"output": "log_probability", "reduction": "none"}
    assert keys["output"].standing == "convention"
    for function in (log_prob_loss, lambda z, y: log_prob(z, y)):
        changes, keys = of(TargetSpecification(loss=function))
        assert changes == {"reduction": "none"}
        assert keys["output"].standing == "suspicion"


def _clipped(z: Any) -> Any:
    return np.clip(np.exp(unseen.log_softmax(z)), 1e-10, 1.0)


def of_clipped_softmax(z: Any, t: Any) -> Any:
    """As of a book: a sum over one-hot rows, of a softmax that is clipped."""
    return -(t * np.log(_clipped(z))).sum()


def gradient_of_clipped_softmax(z: Any, t: Any) -> Any:
    """Of the clipped softmax, which without the clip is none of any meaning."""
    return _clipped(z) - t


def test_what_has_no_meaning_without_a_suspicion_is_suspected_too() -> None:
    """The rest is taken: it is not called with the labels of the defaults because of it."""
    changes, standing = of(TargetSpecification(loss=of_clipped_softmax, gradient=gradient_of_clipped_softmax))
    assert changes == {"labels": ["onehot", "soft"], "reduction": "sum"}
    assert {key: one.standing for key, one in standing.items()} == {
        "labels": "fact",
        "reduction": "convention",
        "boundary": "suspicion",
        "gradient_of": "suspicion",
    }


def gradient_through_the_clip(z: Any, t: Any) -> Any:
    """Of the loss as it is, clip included."""
    p = np.exp(unseen.log_softmax(z))
    by_p = np.where(p < 1e-10, 0.0, -t / np.maximum(p, 1e-10))
    return p * (by_p - (p * by_p).sum(axis=1, keepdims=True))


def test_the_gradient_of_a_loss_whose_boundary_is_not_taken_is_that_of_the_default() -> None:
    """Nothing is said of it: `gradient_of=loss` speaks of the boundary alone."""
    changes, standing = of(TargetSpecification(loss=of_clipped_softmax, gradient=gradient_through_the_clip))
    assert changes == {"labels": ["onehot", "soft"], "reduction": "sum"}
    assert standing["boundary"].standing == "suspicion"
    assert "gradient_of" not in standing
