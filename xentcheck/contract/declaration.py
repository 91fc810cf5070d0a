"""The contract itself: its keys, their defaults, and how it is read from JSON, TOML and KEY=VALUE."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from xentcheck.contract import values
from xentcheck.contract.values import Argument, Boundary, ContractError

DTYPES = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DENSE = ("same", "bool", "uint8", "int64", "float32", "float64")
"""Dtypes of one-hot and soft labels that are tried; "same" is that of the scores."""
GRADES = ("B", "A*", "A", "B+", "C")
INVALID_KINDS = (
    "label_out_of_range",
    "label_negative",
    "label_fractional",
    "length_mismatch",
    "shape_mismatch",
    "labels_not_binary",
    "probabilities_not_stochastic",
)
_CHOICES: dict[str, tuple[str, ...]] = {
    "input": ("logits", "probabilities", "log_probabilities"),
    "reduction": ("mean", "sum", "none"),
    "argument_order": ("scores_first", "labels_first"),
    "gradient_wrt": ("logits", "probabilities", "log_probabilities"),
    "gradient_of": ("ideal", "loss"),
    "mean_over": ("rows", "kept", "weights"),
    "empty_mean": ("unspecified", "nan", "zero"),
    "smoothing_over": ("all", "others"),
    "smoothing_weights": ("label", "class"),
    "soft_rows": ("normalised", "any", "renormalised"),
    "output_dtype": ("any", "same", *DTYPES),
    "accuracy": GRADES,
    "shapes": ("measured", "few", "many"),
}
_LISTS: dict[str, tuple[str, ...]] = {
    "labels": ("sparse", "onehot", "soft"),
    "label_shapes": ("(n,)", "(n,1)"),
    "nonfinite": ("-inf", "+inf", "nan"),
    "dtypes": DTYPES,
}
OPTIONS = ("class_weights", "label_smoothing", "ignore_index", "z_loss", "soft_cap")
"""The keys that may be an argument of the target's call."""
EXACT = Boundary()
_DOMAIN = ("rows", "classes", "magnitude", "label_probability")


@dataclass(frozen=True)
class Contract:
    """What a target promises. The keys and their values are those of docs/contract.md.

    Every value is checked: ``Contract(reduction="average")`` raises ContractError with one sentence
    that names the values allowed. Options given as ``{"argument": NAME}`` are drawn by the suite and
    passed to the target by that name; constants are applied as they are.
    """

    input: str = "logits"
    labels: tuple[str, ...] = ("sparse",)
    label_dtypes: str | tuple[str, ...] = "integers"
    dense_label_dtypes: str | tuple[str, ...] = "numbers"
    label_shapes: tuple[str, ...] = ("(n,)",)
    reduction: str = "mean"
    argument_order: str = "scores_first"
    boundary: Boundary = EXACT
    gradient_wrt: str = "logits"
    gradient_of: str = "ideal"
    gradient_reduction: str | None = None
    mean_over: str = "rows"
    empty_mean: str = "unspecified"
    label_smoothing: float | Argument = 0.0
    smoothing_over: str = "all"
    smoothing_weights: str = "label"
    class_weights: tuple[float, ...] | Argument | None = None
    ignore_index: int | Argument | None = None
    z_loss: float | Argument = 0.0
    soft_cap: float | Argument | None = None
    axis: int = -1
    soft_rows: str = "normalised"
    nonfinite: tuple[str, ...] = ()
    invalid: str | tuple[str, ...] | float = "unspecified"
    domain: Mapping[str, Any] | None = None
    dtypes: tuple[str, ...] = ("float32", "float64")
    compute: str | None = None
    output_dtype: str = "any"
    accuracy: str = "B"
    shapes: str = "measured"

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _checked(field.name, getattr(self, field.name)))
        if not self.labels or not self.dtypes or not self.label_shapes:
            raise ContractError("labels, label_shapes and dtypes must each name at least one item.")
        if not self.dense_label_dtypes:
            raise ContractError("dense_label_dtypes must name at least one item.")
        if self.axis not in (-1, 0, 1):
            raise ContractError(f"axis is {self.axis!r}, but must be -1, 0 or 1.")
        if self.soft_cap is not None and self.input != "logits":
            raise ContractError(f"soft_cap is declared, but it caps logits, and input is {self.input!r}.")

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Contract:
        """Return the contract that a mapping with the JSON values declares; raises ContractError."""
        names = [field.name for field in fields(cls)]
        return cls(**{values.known(key, names): value for key, value in given.items()})

    def as_mapping(self) -> dict[str, Any]:
        """Return every key with its JSON value; `from_mapping` gives the same contract back."""
        return {field.name: _plain(field.name, getattr(self, field.name)) for field in fields(self)}

    def replace(self, **changes: Any) -> Contract:
        """Return this contract with some keys changed."""
        return Contract.from_mapping({**self.as_mapping(), **changes})

    @property
    def promised_dense_dtypes(self) -> tuple[str, ...]:
        """The dtypes of one-hot and soft labels that are tried: those listed, or all of DENSE."""
        return DENSE if isinstance(self.dense_label_dtypes, str) else self.dense_label_dtypes

    @property
    def effective_gradient_reduction(self) -> str:
        """The reduction that the gradient is of: that of the loss unless declared otherwise."""
        return self.gradient_reduction or self.reduction

    @property
    def arguments(self) -> dict[str, str]:
        """The options drawn by the suite: contract key to the name of the target's argument."""
        found = {key: getattr(self, key) for key in OPTIONS}
        return {key: value.name for key, value in found.items() if isinstance(value, Argument)}


def parse_assignment(text: str) -> tuple[str, Any]:
    """Return key and value of "KEY=VALUE"; the value is JSON, or a bare word where it is not JSON."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ContractError(f"A contract is given as KEY=VALUE, for example reduction=sum, but got {text!r}.")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def _checked(key: str, value: Any) -> Any:
    """Return the value of a key in its canonical type, or raise ContractError."""
    if key in _CHOICES:
        return values.one_of(key, value, _CHOICES[key])
    if key in _LISTS:
        return values.list_of(key, value, _LISTS[key])
    return _SPECIAL[key](key, value)


def _label_dtypes(key: str, value: Any) -> str | tuple[str, ...]:
    return "integers" if value == "integers" else values.list_of(key, value, (*INTEGERS, *DTYPES))


def _dense_label_dtypes(key: str, value: Any) -> str | tuple[str, ...]:
    return "numbers" if value == "numbers" else values.list_of(key, value, ("same", "bool", *INTEGERS, *DTYPES))


def _gradient_reduction(key: str, value: Any) -> str | None:
    allowed = _CHOICES["reduction"]
    return None if value is None else str(values.one_of(key, value, allowed))


def _smoothing(key: str, value: Any) -> float | Argument:
    return values.argument(key, value) or values.number(key, value, 0.0, 1.0)


def _class_weights(key: str, value: Any) -> tuple[float, ...] | Argument | None:
    declared = values.argument(key, value)
    if value is None or declared:
        return declared
    if isinstance(value, (str, int, float)):
        raise ContractError(f'{key} is {value!r}, but must be null, a list of numbers or {{"argument": NAME}}.')
    return tuple(values.number(f"an item of {key}", item, 0.0) for item in value)


def _ignore_index(key: str, value: Any) -> int | Argument | None:
    declared = values.argument(key, value)
    return declared if value is None or declared else values.integer(key, value)


def _z_loss(key: str, value: Any) -> float | Argument:
    return values.argument(key, value) or values.number(key, value, 0.0)


def _soft_cap(key: str, value: Any) -> float | Argument | None:
    declared = values.argument(key, value)
    if value is None or declared:
        return declared
    cap = values.number(key, value)
    if cap <= 0.0:
        raise ContractError(f'{key} is {value!r}, but must be null, a positive number or {{"argument": NAME}}.')
    return cap


def _invalid(key: str, value: Any) -> str | tuple[str, ...] | float:
    if isinstance(value, float):
        return value
    if isinstance(value, Mapping):
        if set(value) != {"returns"}:
            raise ContractError(f'{key} is {dict(value)!r}, but the sentinel is given as {{"returns": NUMBER}}.')
        return float(value["returns"])
    if value in ("unspecified", "raise"):
        return str(value)
    return values.list_of(key, value, INVALID_KINDS)


def _domain(key: str, value: Any) -> Mapping[str, Any]:
    limits = dict(value or {})
    for name, limit in limits.items():
        values.one_of(f"a limit of {key}", name, _DOMAIN)
        if name in ("rows", "classes"):
            bounds = [values.integer(f"{key}.{name}", item) for item in limit]
            if len(bounds) != 2 or not 0 <= bounds[0] <= bounds[1]:
                raise ContractError(f"{key}.{name} is {limit!r}, but must be [lowest, highest].")
            limits[name] = tuple(bounds)
        elif name == "magnitude":
            limits[name] = values.number(f"{key}.{name}", limit, 0.0)
        else:
            values.one_of(f"{key}.{name}", limit, ("positive",))
    return limits


def _compute(key: str, value: Any) -> str | None:
    return None if value is None else str(values.one_of(key, value, ("same", *DTYPES)))


_SPECIAL = {
    "label_dtypes": _label_dtypes,
    "dense_label_dtypes": _dense_label_dtypes,
    "boundary": values.boundary,
    "gradient_reduction": _gradient_reduction,
    "label_smoothing": _smoothing,
    "class_weights": _class_weights,
    "ignore_index": _ignore_index,
    "z_loss": _z_loss,
    "soft_cap": _soft_cap,
    "axis": values.integer,
    "invalid": _invalid,
    "domain": _domain,
    "compute": _compute,
}


def _plain(key: str, value: Any) -> Any:
    """Return the JSON form of a canonical value."""
    if isinstance(value, Argument):
        return {"argument": value.name}
    if isinstance(value, Boundary):
        stated: dict[str, Any] = {}
        if value.add is not None:
            stated["add"] = value.add
        if value.clip is not None:
            stated["clip"] = list(value.clip)
        if value.normalise:
            stated["normalise"] = True
        return stated or "exact"
    if key == "invalid" and isinstance(value, float):
        return {"returns": value}
    if key == "domain":
        return {name: list(limit) if isinstance(limit, tuple) else limit for name, limit in value.items()}
    return list(value) if isinstance(value, tuple) else value
