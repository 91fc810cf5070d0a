"""What is told of the zoo's right implementations is what they declare, key by key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from xentcheck.contract import Contract
from xentcheck.contract.declaration import DENSE
from xentcheck.probing import Inference, infer
from xentcheck.targets import TargetSpecification
from xentcheck.targets.find.registered import by_name
from xentcheck.zoo import RIGHT, Specimen

CHOSEN = (
    "labels_first",
    "classes_first_one_hot",
    "column_of_labels",
    "class_zero_ignored",
    "constant_smoothing",
    "smoothed_beside_padding",
    "smoothing_below_one",
    "constant_soft_cap",
    "constant_weights",
    "keras_style",
    "clip_and_own_gradient",
    "clip_at_the_eps_of_the_dtype",
    "clip_then_divide",
    "clip_then_subtract_logarithms",
    "eps_and_ideal_gradient",
    "negative_log_likelihood",
    "gradient_of_sum_declared",
    "masked_label_costs_a_number",
    "refuses_bad_labels",
    "every_option",
    "soft_rows_renormalised",
    "soft_rows_of_any_sum",
    "p_minus_t_of_the_mean",
    "p_minus_smoothed_t",
    "p_minus_t_behind_the_softmax",
    "log_expit",
    "weights_of_either_sign",
    "refuses_weights_beside_smoothing",
    "ignores_no_soft_rows",
    "mean_entropy",
    "entropy_of_masked_actions",
    "entropy_of_probabilities",
    "sum_of_entropies_by_column",
    "probabilities_by_logsumexp",
    "signs_at_probabilities_of_zero",
    "labels_beside_scores",
    "gradient_at_clipped_probabilities",
    "clipped_probabilities_minus_targets",
    "clipped_softmax_minus_targets",
)
"""One of each convention."""
OF_A_MISTAKE = {("takes_both_without_a_promise", "exclusive")}
"""An option is dropped in silence beside another, as by mistake: that is said, and not told to be a promise."""
MOST_CALLS = 234
"""A framework may take 50 ms for each."""
LISTS = ("dtypes", "labels", "label_shapes", "nonfinite", "label_dtypes", "extra_axes", "exclusive")
"""Keys that may be told to be wider than what is declared."""
NEVER = ("accuracy", "domain")
"""Keys that small batches do not show; of `domain` two classes are told."""
BY_WIDER_DTYPES = {("same_dtype", "output_dtype")}
"""The declared dtypes are fewer than those that are answered, whose gradients come back in a wider one."""
BY_ANOTHER_METHOD = {("CalculateRows", "reduction")}
"""A class with `forward` and `calculate`: which is the loss is what the contract says."""
BY_ANOTHER_PART = {("every_result_in_sixteen_bits", "compute")}
"""Only the derivative along a tangent, which `probe` does not ask for, is less accurate than the default promises."""


BY_ROUNDING = {("weights_flushed_to_zero", "class_weights")}
"""A weight that the dtype does not hold, or that is flushed to 0, is told as it counts."""
MORE_CALLS = {"constant_weights_of_log_probabilities": 58, "constant_weights": 16, "smoothed_beside_padding": 24}
"""Constants are solved for of log-probabilities, too; a call is looked for again without a class that adds nothing."""


def wrong(name: str, declared: Contract, said: dict[str, Any], inference: Inference) -> list[str]:
    """Return the declared keys that are told to be something else, or not told."""
    stated = declared.as_mapping()
    found = []
    for key in said:
        if key == "mean_over" and declared.reduction != "mean":
            continue  # nothing is averaged
        one = inference.findings.get(key)
        if (key in NEVER and (one is None or one.status == "untold")) or (name, key) in (
            BY_WIDER_DTYPES | BY_ANOTHER_METHOD | BY_ANOTHER_PART | OF_A_MISTAKE | BY_ROUNDING
        ):
            continue
        if one is None or one.status != "told" or not _as_declared(key, stated[key], one.value, one.also):
            found.append(f"{key}: {stated[key]!r} is declared, and told is {one}")
    return found + [str(one) for one in inference.contradictions]


def _as_declared(key: str, declared: Any, told: Any, also: tuple[Any, ...]) -> bool:
    if repr(declared) == repr(told) or declared in also:  # a sentinel may be nan
        return True
    if key in LISTS and isinstance(declared, list) and isinstance(told, list):
        return {*map(str, declared)} <= {*map(str, told)}
    if key == "dense_label_dtypes":
        return set(declared) <= set(DENSE if told == "numbers" else told)
    return key == "empty_mean" and declared == "unspecified"


def judged(specimen: Specimen) -> list[str]:
    """Return what is wrong of one specimen, judged as if nothing was declared."""
    inference = infer(replace(specimen.specification(), contract=None))
    found = wrong(specimen.name, Contract.from_mapping(specimen.contract), dict(specimen.contract), inference)
    many = inference.calls > MOST_CALLS + MORE_CALLS.get(specimen.name, 0)
    return found + [f"{inference.calls} calls"] * many


@pytest.mark.parametrize("name", CHOSEN)
def test_chosen_specimens(name: str) -> None:
    """One of each convention."""
    assert judged(next(one for one in RIGHT if one.name == name)) == []


@pytest.mark.slow
@pytest.mark.parametrize("specimen", RIGHT, ids=lambda one: one.name)
def test_the_whole_zoo(specimen: Specimen) -> None:
    """Every right implementation."""
    assert judged(specimen) == []


def test_a_class_of_weight_0_is_not_ignored() -> None:
    """Nor is its label counted from the end."""
    specimen = next(one for one in RIGHT if one.name == "constant_weights")
    inference = infer(replace(specimen.specification(), contract=None))
    assert inference.told["class_weights"] == [0.5, 2.0, 0.0, 1.25]
    assert inference.told["ignore_index"] is None


OWN = ("reference", "reference.summed_guarded", "reference.averaged_clipped")
OTHERS = {
    "scipy.special.log_softmax": "scipy",
    "torch.nn.functional.cross_entropy": "torch",
    "optax.softmax_cross_entropy": "optax",
    "optax.softmax_cross_entropy_with_integer_labels": "optax",
    "sklearn.metrics.log_loss": "sklearn",
}


@pytest.mark.parametrize("name", OWN)
def test_our_targets(name: str) -> None:
    """Whose contract is not looked at, and told all the same."""
    assert registered(name) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.needs(module)) for name, module in OTHERS.items()]
)
def test_targets_of_libraries(name: str) -> None:
    """Each in a process of its own, with its framework's gradient."""
    assert registered(name) == []


def registered(name: str) -> list[str]:
    """Return what is wrong of a registered target, judged as if nothing was declared."""
    known = by_name(name)
    assert known is not None
    declared = Contract.from_mapping(known.contract)
    bare = Contract().as_mapping()
    said = {key: value for key, value in declared.as_mapping().items() if value != bare[key]}
    said.pop("invalid", None)  # more is refused than what is promised
    said.pop("label_dtypes", None)  # torch takes uint8, too
    said.pop("calls", None)  # how it is tried is no promise
    return wrong(name, declared, said, infer(TargetSpecification(loss=name)))
