"""Building a target from its plan, in the process in which it will run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from xentcheck.contract.reading import contract_of
from xentcheck.targets.call.convention import Convention
from xentcheck.targets.call.detection import try_out, try_out_once
from xentcheck.targets.call.frameworks import framework_named, imported
from xentcheck.targets.call.own_tensors import OwnTensors, own_tensors
from xentcheck.targets.call.target import Functions, Target
from xentcheck.targets.call.trace import module_of
from xentcheck.targets.errors import TargetError
from xentcheck.targets.find.kept import gradient_of
from xentcheck.targets.find.locate import is_file, locate
from xentcheck.targets.find.understand import function_of, understand


def build(plan: Mapping[str, Any], before_trial: Callable[[], None] = lambda: None) -> Target:
    """Return the target of a plan, importing what it names.

    Parameters
    ----------
    plan : mapping
        The fields of `specification.BuildPlan`.
    before_trial : callable
        Called before the target is called for the first time, to find out its framework.

    Raises
    ------
    TargetError, ContractError
    """
    base, install = plan["base"], plan["install"]
    found = {
        role: locate(value, base, install) if isinstance(value, str) else value
        for role, value in plan["functions"].items()
    }
    own: dict[str, Any] = {}
    if isinstance(found.get("loss"), Mapping):
        declaration = found.pop("loss")
        own = dict(declaration.get("contract", {}))
        nested = {role: value for role, value in declaration.items() if role != "contract"}
        found = {
            **{role: locate(value, base) if isinstance(value, str) else value for role, value in nested.items()},
            **found,
        }
    contract = {**(own if plan["contract"] is None else plan["contract"]), **plan["changes"]}
    functions = _functions(found, plan["location"], str(contract.get("reduction", "mean")))
    framework = plan["framework"]
    package = plan["package"] or _package(plan["functions"])
    target = Target(
        functions=functions,
        convention=Convention.of(contract, plan["keywords"]),
        framework=framework_named(framework),
        settled=framework != "",
        name=plan["name"],
        location=plan["location"],
        package=package,
        version=_stated_version(package),
        contract=contract,
        expensive_shapes=plan["expensive_shapes"],
        by_method="loss" in found and functions.loss is not found["loss"],
    )
    tensors = None if target.settled else own_tensors(functions.loss)
    if not target.settled and plan["try_out"] and (imported() or tensors is not None):
        contract_of(contract)  # a batch of it is made
        before_trial()
        try_out(target, tensors)
        # A class is instantiated again, so that nothing of the trial is left in the instance that is judged.
        target.functions = _functions(found, plan["location"], str(contract.get("reduction", "mean")))
    return target


def prepare(plan: Mapping[str, Any]) -> None:
    """Import what a plan names, and its framework; nothing of it is called, and no class is instantiated.

    Raises
    ------
    TargetError
        As `build` will raise it again.
    """
    for value in plan["functions"].values():
        if isinstance(value, str):
            locate(value, plan["base"], plan["install"])
    framework_named(plan["framework"])


def follow(target: Target, contract: Mapping[str, Any], framework: str = "") -> None:
    """Have a target called by another contract: its order of arguments, axis and names of options.

    Parameters
    ----------
    target : Target
    contract : mapping
        In its JSON form.
    framework : str
        That of its plan; "" where it is to be found out, again since a call in the wrong order may have misled.
    """
    before, target.contract = target.convention, dict(contract)
    target.convention = Convention.of(contract, before.keywords)
    # What a framework has compiled is kept where its arrays were taken, and differentiated, in this order before.
    known = target.settled and target.differentiated and target.convention.labels_first == before.labels_first
    if framework == "" and not known and not isinstance(target.framework, OwnTensors):
        target.framework, target.settled = framework_named(""), False
        if imported():
            try_out_once(target)


def _functions(found: Mapping[str, Any], location: str, reduction: str) -> Functions:
    roles: dict[str, Any] = {}
    if "loss" in found:
        whole = understand(found["loss"], location, reduction)
        roles = {role: function for role, function in vars(whole).items() if function is not None}
    for role, value in found.items():
        if role not in vars(Functions()):
            raise TargetError(
                f"{location} has a key {role!r}; the keys are {', '.join(vars(Functions()))} and contract."
            )
        if role != "loss":
            roles[role] = function_of(value, f"the {role.replace('_', ' ')} of {location}")
    owner = getattr(roles.get("gradient"), "__self__", None) if "gradient" in found else None
    if owner is not None and owner is getattr(roles.get("loss"), "__self__", None):
        # Two methods of one object that are named one by one are as those of an object that is named.
        method = roles["gradient"]
        roles["gradient"] = gradient_of(roles["loss"], method, f"{location}.{method.__name__}")
    return Functions(**roles)


def _package(functions: Mapping[str, Any]) -> str:
    """Return the top package that the first function comes from, or "" for a file."""
    first = next(iter(functions.values()))
    module = first.partition(":")[0] if isinstance(first, str) else module_of(first)
    return "" if is_file(module) else module.partition(".")[0]


def _stated_version(package: str) -> str:
    # Xentcheck's own would be looked up in the package metadata, which is slow to import.
    if package in ("", "xentcheck"):
        return ""
    try:
        stated = getattr(sys.modules.get(package), "__version__", "")
    except Exception:
        return ""
    return stated if isinstance(stated, str) else ""
