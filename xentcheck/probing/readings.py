"""What the further arguments of a call may be, as their names suggest: the readings under which it is tried."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from xentcheck.contract import Contract
from xentcheck.contract.declaration import OPTIONS
from xentcheck.probing.names import ARRAYS, is_named, roles_of
from xentcheck.targets import TargetError
from xentcheck.targets.parameter import Parameter

_DECLARED = (*OPTIONS, "row_weights_as", "reduction")
"""Keys by which readings of the arguments differ."""


def no_option(parameter: Parameter, name: str, parameters: Sequence[Parameter], came: str = "") -> TargetError:
    """Return what is said of an argument that a call needs and that is no option, or as which no numbers `came`."""
    first, second = (one.name for one in parameters[:2])
    needs = (
        f"{name} needs an argument {parameter.name!r} beside scores and labels, as which {first!r} and {second!r} were"
    )
    if came:
        return TargetError(
            f"{needs} tried, and returned no numbers, whichever option that xentcheck knows it was given as: {came}. "
            "Where it is none of them, write a function of scores and labels that calls it."
        )
    return TargetError(
        f"{needs} tried, and it acts as no option that xentcheck knows; write a function of scores and labels that "
        "calls it."
    )


def readings_of(parameters: Sequence[Parameter], name: str) -> list[dict[str, Any]]:
    """Return what may be declared of the arguments that are given in every call, the likeliest reading first."""
    given: list[list[dict[str, Any]]] = []
    for one in parameters[2:]:
        if one.required:
            if not one.by_name:
                raise no_option(one, name, parameters)
            given.append([change for role in roles_of(one) for change in changes_of(role, one.name)])
        elif is_named(one) and one.by_name:
            given.append(_given_or_not(one))
    none = {key: value for key, value in Contract().as_mapping().items() if key in _DECLARED}
    found = [
        {**none, **{key: value for change in choice for key, value in change.items()}}
        for choice in product(*given)
        if len({key for change in choice for key in change if key in OPTIONS}) == sum(map(bool, choice))
    ]
    if not found:
        raise TargetError(f"{name} needs two arguments that are called the same option; wrap it in a function of two.")
    return found


def _given_or_not(parameter: Parameter) -> list[dict[str, Any]]:
    """Return the readings of an argument that need not be given; weights and divisors are left out of the first."""
    usual = changes_of(roles_of(parameter)[0], parameter.name)[:1]
    if roles_of(parameter)[0] not in (*ARRAYS, "divisor"):
        return usual
    return [{}] if parameter.default == "None" else [{}, *usual]


def changes_of(role: str, name: str) -> list[dict[str, Any]]:
    """Return the keys by which an argument may have a role."""
    declared: dict[str, Any] = {role: {"argument": name}}
    if role == "row_weights":
        return [{**declared, "row_weights_as": kind} for kind in ("numbers", "bool")]
    return [{**declared, "reduction": "sum"} if role == "divisor" else declared]
