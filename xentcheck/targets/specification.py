"""What is asked to be judged, and the plan by which a worker builds it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

from xentcheck.contract import Contract
from xentcheck.contract.nearest import nearest
from xentcheck.contract.reading import contract_of
from xentcheck.targets.errors import TargetError
from xentcheck.targets.find import declared
from xentcheck.targets.find.interpreter import asked
from xentcheck.targets.find.interpreter_path import interpreter_path
from xentcheck.targets.find.locate import file_path, is_file, split
from xentcheck.targets.find.registered import by_name, names
from xentcheck.targets.find.registration import Registered

Named = str | Callable[..., Any] | None
ROLES = ("loss", "gradient", "value_and_gradient", "hessian_vector", "vjp", "jvp")


@dataclass(frozen=True)
class TargetSpecification:
    """A target as the caller gives it.

    Parameters
    ----------
    loss : str, callable or None
        The name of a target, a location ("package.module:attribute", "path/file.py:attribute"), or a callable, a
        class or an instance, which are judged in this process. None where there is only a gradient.
    gradient, value_and_gradient, hessian_vector, vjp, jvp : str, callable or None
        Further callables, as locations or objects.
    contract : Contract, optional
        Replaces what the target declares of itself.
    changes : mapping
        Contract keys, in their JSON form, laid over that.
    name : str
        How reports call the target; by default as it was given.
    python, venv : str
        Another interpreter to run it in, or the virtual environment that has it: Python 3.8 or newer, with numpy and
        what the target needs.
    """

    loss: Named = None
    gradient: Named = None
    value_and_gradient: Named = None
    hessian_vector: Named = None
    vjp: Named = None
    jvp: Named = None
    contract: Contract | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    python: str = ""
    venv: str = ""

    @property
    def given(self) -> dict[str, Any]:
        """The callables that are there, by role."""
        return {role: value for role in ROLES if (value := getattr(self, role)) is not None}

    @property
    def in_process(self) -> bool:
        """Whether a part of it exists in this process only."""
        return any(not isinstance(value, str) for value in self.given.values())


@dataclass(frozen=True)
class BuildPlan:
    """All that is needed to build a target, in the JSON types but for callables given as such.

    Parameters
    ----------
    name, location : str
    functions : dict
        Role to location or callable.
    contract : dict or None
        As declared before any import; None where nobody has declared one.
    changes : dict
        Contract keys laid over the contract.
    base : str
        The directory that paths are relative to, importable; "" for a registered target, which needs none.
    framework : str
        "" where it is to be found out.
    keywords : dict
        Arguments of every call.
    install : str
        Said where an import fails.
    package : str
        Whose version is reported; "" for that of the first function.
    expensive_shapes : bool
    try_out : bool
        Whether a target of unknown framework may be called once to find that out.
    python : str
        The path of the interpreter that runs it; "" for this one.
    """

    name: str
    location: str
    functions: dict[str, Any]
    contract: dict[str, Any] | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    base: str = ""
    framework: str = ""
    keywords: dict[str, Any] = field(default_factory=dict)
    install: str = ""
    package: str = ""
    expensive_shapes: bool = False
    try_out: bool = True
    python: str = ""

    def require_here(self, what: str) -> None:
        """Raise TargetError if the target runs in another interpreter; `what` says what cannot be done there."""
        if self.python:
            raise TargetError(f"{what} in this interpreter; {self.name} is to run in another one, {self.python}.")


def build_plan(specification: TargetSpecification, directory: str | None = None) -> BuildPlan:
    """Return the plan of a target; nothing of the target is imported.

    Parameters
    ----------
    specification : TargetSpecification
    directory : str, optional
        Where paths begin and pyproject.toml is looked for; by default the current directory.

    Raises
    ------
    TargetError, ContractError
    """
    base = os.path.abspath(directory or os.getcwd())
    given = specification.given
    if not given:
        raise TargetError("No target was given; give a loss, a gradient or a value-and-gradient.")
    python = interpreter_path(specification.python or None, specification.venv or None, base)
    found = BuildPlan("", "", {}, base=base, python=python)
    if "loss" in given:
        found = _of_loss(given.pop("loss"), base, python)
    if found.python:
        asked(found.python)  # raises what is to be said of it
    functions = {**found.functions, **{role: _checked(value, base) for role, value in given.items()}}
    shown = next(_shown(value) for value in specification.given.values())
    contract = specification.contract.as_mapping() if specification.contract else found.contract
    changes = {**({} if specification.contract else found.changes), **specification.changes}
    stated = contract_of({**(contract or {}), **changes})
    return replace(
        found,
        name=specification.name or found.name or shown,
        location=found.location or shown,
        functions=functions,
        base=found.base or (base if given else ""),
        framework=found.framework or _common_framework(functions),
        contract=contract,
        changes=dict(changes),
        keywords={key: _keyword(value, stated) for key, value in found.keywords.items()},
    )


def _of_loss(loss: Any, base: str, python: str, through: tuple[str, ...] = ()) -> BuildPlan:
    """Return the plan of what a loss names; `through` has the tables of pyproject.toml that led to it."""
    bare = BuildPlan(_shown(loss), _shown(loss), {"loss": loss}, base=base, python=python)
    if not isinstance(loss, str):
        return bare
    known = by_name(loss)
    if known is not None:
        return _of_registered(known, python)
    if ":" in loss:
        return replace(bare, functions={"loss": _checked(loss, base)}, framework=_framework(loss))
    project = declared.project_targets(base)
    if loss in project.targets:
        if loss in through:
            raise TargetError(
                f"The target {through[0]} of pyproject.toml names itself, at once or through others; give it a loss."
            )
        return _of_declaration(loss, project.targets[loss], project.directory, python, (*through, loss))
    entry = declared.entry_points().get(loss)
    if entry is not None:
        return replace(bare, location=entry, functions={"loss": entry}, framework=_framework(entry))
    raise TargetError(_unknown(loss, [*names(), *project.targets, *declared.entry_points()], base))


def _of_registered(known: Registered, python: str) -> BuildPlan:
    if python and known.loss.startswith("xentcheck.reference:"):
        raise TargetError(f"The target {known.name} is xentcheck's own and runs in its interpreter, not in {python}.")
    if python:
        missing = list(asked(python, known.requires)[1])
    else:
        missing = [module for module in known.requires if find_spec(module) is None]
    if missing:
        where = f"which {python} does not have" if python else "not installed here"
        raise TargetError(
            f"The target {known.name} needs {' and '.join(missing)}, {where}; use {known.advice(python)}."
        )
    functions = {role: getattr(known, role) for role in ("loss", "gradient", "value_and_gradient", "vjp")}
    return BuildPlan(
        name=known.name,
        location=known.loss,
        functions={role: location for role, location in functions.items() if location},
        contract=dict(known.contract),
        framework=known.framework,
        keywords=dict(known.keywords),
        install=known.install,
        package=known.package,
        expensive_shapes=known.expensive_shapes,
        python=python,
    )


def _of_declaration(
    name: str, declaration: Mapping[str, Any], base: str, python: str, through: tuple[str, ...]
) -> BuildPlan:
    """Return the plan of a table of pyproject.toml; an interpreter that the caller gives goes above the table's."""
    python = python or interpreter_path(declaration.get("python"), declaration.get("venv"), base)
    given = {role: declaration[role] for role in ROLES if role in declaration}
    loss = given.pop("loss", None)
    found = BuildPlan(name, "", {}, base=base, python=python)
    if loss is not None:
        found = _of_loss(loss, base, python, through)
    functions = {**found.functions, **{role: _checked(value, base) for role, value in given.items()}}
    location = found.location or next(iter(given.values()))
    # Laid over what the target itself declares, which may be known only when it has been imported.
    changes = {**found.changes, **declaration.get("contract", {})}
    return replace(found, name=name, location=location, functions=functions, changes=changes, base=base)


def _checked(location: Any, base: str) -> Any:
    """Return a location after a look whether it has the right form and its file exists."""
    if isinstance(location, str):
        module, _ = split(location)
        if is_file(module):
            file_path(module, base)
    return location


def _framework(location: str) -> str:
    """Return the framework of a location inside it: its functions take its own arrays."""
    root = location.partition(":")[0].partition(".")[0]
    return {"torch": "torch", "jax": "jax", "optax": "jax"}.get(root, "")


def _common_framework(functions: Mapping[str, Any]) -> str:
    known = {_framework(value) if isinstance(value, str) else "" for value in functions.values()}
    return known.pop() if len(known) == 1 else ""


def _keyword(value: Any, contract: Contract) -> Any:
    return getattr(contract, value["contract"]) if isinstance(value, Mapping) and set(value) == {"contract"} else value


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    owner = value if hasattr(value, "__qualname__") else type(value)
    return f"{owner.__module__}:{owner.__qualname__}"


def _unknown(name: str, known: list[str], base: str) -> str:
    if name.endswith(".py") or os.path.exists(os.path.join(base, name)):
        return f"{name} names no attribute; write {name}:ATTRIBUTE, for example {name}:loss."
    return (
        f"There is no target {name!r}{nearest(name, known)}; give the NAME of a registered target "
        "(see `xentcheck targets`), package.module:attribute or path/file.py:attribute."
    )
