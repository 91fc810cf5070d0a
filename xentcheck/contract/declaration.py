"""The contract itself: all keys together, and how it is read from JSON, TOML and KEY=VALUE."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from xentcheck.contract import values
from xentcheck.contract.entropy import beside_entropy
from xentcheck.contract.key import Key, Option, records
from xentcheck.contract.keys_inputs import Inputs
from xentcheck.contract.keys_loss import Loss
from xentcheck.contract.keys_options import Options
from xentcheck.contract.keys_promises import (
    AT_CLIPPED,
    INVALID_KINDS,
    OFF_LABEL,
    P_MINUS_T,
    Accuracy,
    Gradient,
    Rim,
    Trial,
)
from xentcheck.contract.values import DTYPES, INTEGERS, Argument, ContractError

__all__ = ["DENSE", "DTYPES", "GROUPS", "INTEGERS", "INVALID_KINDS", "KEYS", "OPTIONS", "Contract", "parse_assignment"]

GROUPS = (Inputs, Loss, Options, Gradient, Rim, Accuracy, Trial)
"""The keys in groups, each a table of docs/contract.md."""
KEYS: dict[str, Key] = {record.name: record for group in GROUPS for record in records(group)}
OPTIONS: dict[str, Option] = {name: record.option for name, record in KEYS.items() if record.option is not None}
"""The keys that may be an argument of the target's call."""
DENSE = ("same", "bool", "uint8", "int64", "float32", "float64")
"""Dtypes of one-hot and soft labels that are tried; "same" is that of the scores."""


@dataclass(frozen=True, repr=False)
class Contract(Trial, Accuracy, Rim, Gradient, Options, Loss, Inputs):  # the last one's fields come first
    """What a target promises. The keys and their values are those of docs/contract.md.

    Every value is checked: ``Contract(reduction="average")`` raises ContractError with one sentence
    that names the values allowed. Options given as ``{"argument": NAME}`` are drawn by the suite and
    passed to the target by that name; constants are applied as they are.
    """

    def __post_init__(self) -> None:
        for name, record in KEYS.items():
            object.__setattr__(self, name, record.read(name, getattr(self, name)))
        if not self.labels or not self.dtypes or not self.label_shapes:
            raise ContractError("labels, label_shapes and dtypes must each name at least one item.")
        if not self.dense_label_dtypes:
            raise ContractError("dense_label_dtypes must name at least one item.")
        if self.smoothing_weights == "mean" and self.smoothing_over == "others" and self.soft_rows == "any":
            said = "over the others a label above 1 may have a mean weight below 0"
            raise ContractError(f"smoothing_weights is 'mean' and soft_rows 'any', but {said}.")
        if self.divisor is not None and self.reduction != "sum":
            raise ContractError(f"divisor is declared, but it divides a sum, and reduction is {self.reduction!r}.")
        if self.boundary.after and self.input != "probabilities":
            said = f"it divides given probabilities, and input is {self.input!r}"
            raise ContractError(f"boundary.normalise is 'after', but {said}.")
        if said := self._without_signs():
            raise ContractError(said)
        if said := self._not_exclusive():
            raise ContractError(f"exclusive names {said}.")
        if self.p_minus_t and (amiss := self._without_p_minus_t()):
            needs = "soft labels, soft_rows 'any' and gradient_wrt 'logits', and takes no class_weights"
            raise ContractError(f"gradient_of is {P_MINUS_T!r}, but {amiss}: it needs {needs}.")
        if self.at_clipped and (amiss := self._without_at_clipped()):
            raise ContractError(f"gradient_of is {AT_CLIPPED!r}, but {amiss}.")
        if self.is_entropy and (amiss := beside_entropy(self, Contract())):
            raise ContractError(f"output is 'entropy', but {amiss}.")
        for name, record in KEYS.items():
            if record.of_logits and getattr(self, name) is not None and self.input != "logits":
                said = f"it {record.of_logits} logits, and input is {self.input!r}"
                raise ContractError(f"{name} is declared, but {said}.")

    def __repr__(self) -> str:
        usual = Contract()
        stated = {name: record for name, record in KEYS.items() if getattr(self, name) != getattr(usual, name)}
        words = [f"{name}={record.to_json(getattr(self, name))!r}" for name, record in stated.items()]
        return f"Contract({', '.join(words)})"

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Contract:
        """Return the contract that a mapping with the JSON values declares; raises ContractError."""
        return cls(**{values.known(key, list(KEYS)): value for key, value in given.items()})

    def as_mapping(self) -> dict[str, Any]:
        """Return every key with its JSON value; `from_mapping` gives the same contract back."""
        return {name: record.to_json(getattr(self, name)) for name, record in KEYS.items()}

    def replace(self, **changes: Any) -> Contract:
        """Return this contract with some keys changed."""
        return Contract.from_mapping({**self.as_mapping(), **changes})

    def promised_sparse_dtypes(self, scores: str) -> tuple[str, ...]:
        """The dtypes of sparse labels beside scores of a dtype: those listed, or all of INTEGERS."""
        if isinstance(self.label_dtypes, str):
            return INTEGERS
        return tuple(dict.fromkeys(scores if name == "same" else name for name in self.label_dtypes))

    @property
    def promised_dense_dtypes(self) -> tuple[str, ...]:
        """The dtypes of one-hot and soft labels that are tried: those listed, or all of DENSE."""
        return DENSE if isinstance(self.dense_label_dtypes, str) else self.dense_label_dtypes

    @property
    def nonfinite_kinds(self) -> tuple[str, ...]:
        """Which of "-inf", "+inf" and "nan" logits may be, at least off the label."""
        return tuple(dict.fromkeys("-inf" if kind == OFF_LABEL else kind for kind in self.nonfinite))

    @property
    def masks_off_label(self) -> bool:
        """Whether logits may be -inf, but not those of a class that a label counts."""
        return OFF_LABEL in self.nonfinite and "-inf" not in self.nonfinite

    @property
    def is_entropy(self) -> bool:
        """Whether the entropy of each row is returned, of the scores alone: no labels are handed over."""
        return self.output == "entropy"

    @property
    def sign(self) -> float:
        """What loss and derivatives are multiplied by in what is returned: -1 for log-probabilities."""
        return -1.0 if self.output == "log_probability" else 1.0

    def spoken(self, part: str) -> str:
        """Return what a part of the answer is called in a sentence: "entropy" for a loss that is one."""
        return self.output.replace("_", "-") if part == "loss" else part

    @property
    def p_minus_t(self) -> bool:
        """Whether the gradient is p - t as a policy, whatever the labels of a row sum to."""
        return self.gradient_of == P_MINUS_T

    def _without_p_minus_t(self) -> str:
        """Return which key does not go with that policy, or ""."""
        wanted = {"soft_rows": "any", "gradient_wrt": "logits", "class_weights": None}
        if "soft" not in self.labels:
            return f"labels is {list(self.labels)!r}"
        amiss = (name for name, value in wanted.items() if getattr(self, name) != value)
        return next((f"{name} is {KEYS[name].to_json(getattr(self, name))!r}" for name in amiss), "")

    @property
    def at_clipped(self) -> bool:
        """Whether the gradient is the ideal one, taken at the clipped probabilities."""
        return self.gradient_of == AT_CLIPPED

    @property
    def gradient_without_boundary(self) -> bool:
        """Whether no boundary enters the gradient, neither its slope nor the probabilities at which it is taken."""
        return self.boundary.exact or not (self.gradient_of == "loss" or self.at_clipped)

    def _without_at_clipped(self) -> str:
        """Return what does not go with that, or ""."""
        if self.boundary.clip is None and not self.boundary.of_dtype:
            return "boundary clips nothing"
        if self.boundary.divides:
            return "boundary divides by a sum"
        pairs = {("probabilities", "logits"), ("probabilities", "probabilities"), ("logits", "logits")}
        if (self.input, self.gradient_wrt) not in pairs:
            return f"it is by {self.gradient_wrt} where {self.input} are given"
        further = {"z_loss": 0.0, "soft_cap": None, "temperature": None}
        amiss = next((name for name, usual in further.items() if getattr(self, name) != usual), "")
        return f"{amiss} does not go with it" if amiss else ""

    @property
    def signed_weights(self) -> bool:
        """Whether class weights may be below 0."""
        return self.class_weights_as == "signed"

    def _without_signs(self) -> str:
        """Return the sentence on class weights whose signs do not go with the rest of the contract, or ""."""
        constant = self.class_weights if isinstance(self.class_weights, tuple) else ()
        if not self.signed_weights:
            below = next((weight for weight in constant if weight < 0), None)
            wanted = "must lie in [0, inf] unless class_weights_as is 'signed'"
            return "" if below is None else f"an item of class_weights is {below!r}, but {wanted}."
        said = "class_weights_as is 'signed', but "
        if self.class_weights is None:
            return f"{said}there are no class_weights."
        means = "mean" in (self.reduction, self.effective_gradient_reduction)
        if means and self.mean_over == "weights":
            return f"{said}a mean over weights of both signs may divide by 0: mean_over must be 'rows' or 'kept'."
        if self.smoothing_weights == "mean":
            return f"{said}smoothing_weights is 'mean', and the mean of weights of both signs may be 0."
        if "soft" in self.labels and self.smoothing_weights != "class":
            return f"{said}the weight of a soft row, a sum of both signs, may be 0: it needs smoothing_weights 'class'."
        return ""

    def _not_exclusive(self) -> str:
        """Return a name that nothing can exclude, and why, or ""."""
        for name in dict.fromkeys(name for group in self.exclusive for name in group):
            if name in OPTIONS and name not in self.drawn:
                return f"{name}, which is no argument of the call that could be left out"
            if name not in OPTIONS and name not in self.labels:
                return f"{name} labels, and labels is {list(self.labels)!r}"
        return ""

    @cached_property
    def optional(self) -> frozenset[str]:
        """The options that are left out of some calls, since others exclude them."""
        return frozenset(name for group in self.exclusive for name in group if name in OPTIONS)

    def refused(self, label_form: str, options: Iterable[str]) -> tuple[str, ...]:
        """Return the combination that a target refuses in a call with labels of a form and some options, or ()."""
        given = {label_form, *options}
        return next((group for group in self.exclusive if given.issuperset(group)), ())

    def value_in(self, key: str, options: Mapping[str, Any]) -> Any:
        """Return the value of an option in a call: what is passed or constant, its default where it is left out."""
        if key not in self.drawn:
            return getattr(self, key)
        return options.get(key, KEYS[key].default) if key in self.optional else options[key]

    @property
    def effective_gradient_reduction(self) -> str:
        """The reduction that the gradient is of: that of the loss unless declared otherwise."""
        return self.gradient_reduction or self.reduction

    def read_in(self, eps: float) -> Contract:
        """Return the contract with a boundary at the eps of a dtype in numbers: itself for other boundaries."""
        if not self.boundary.of_dtype:
            return self
        if eps not in self._in_numbers:
            self._in_numbers[eps] = replace(self, boundary=self.boundary.read_in(eps))
        return self._in_numbers[eps]

    @cached_property
    def _in_numbers(self) -> dict[float, Contract]:
        """What `read_in` has returned: many problems are of one contract."""
        return {}

    @cached_property
    def arguments(self) -> dict[str, str]:
        """The options drawn by the suite: contract key to the name of the target's argument."""
        return {key: value.name for key, value in self.drawn.items()}

    @cached_property
    def drawn(self) -> dict[str, Argument]:
        """The options drawn by the suite: contract key to the argument, with its range."""
        found = {key: getattr(self, key) for key in OPTIONS}
        return {key: value for key, value in found.items() if isinstance(value, Argument)}


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object's pairs as a dict; raises ValueError where a key occurs twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} occurs twice")
        found[key] = value
    return found


def parse_assignment(text: str) -> tuple[str, Any]:
    """Return key and value of "KEY=VALUE"; the value is JSON, or a bare word where it is not JSON."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ContractError(f"A contract is given as KEY=VALUE, for example reduction=sum, but got {text!r}.")
    try:
        return key, json.loads(value, object_pairs_hook=without_duplicates)
    except json.JSONDecodeError:
        return key, value
