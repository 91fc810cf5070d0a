"""What the tests ask: a target, and a law that applies to it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from xentcheck.pytest_plugin.sharing import Once

_ROLES = ("loss", "gradient", "value_and_gradient", "hessian_vector", "vjp", "jvp")


@dataclass(frozen=True, eq=False)
class Subject:
    """A target of one test function.

    Parameters
    ----------
    name : str
        In the ids of its tests.
    key : str
        The same in every process of a run, and no other's.
    arguments : mapping
        Of `xentcheck.check`.
    silent : mapping
        Why laws do not apply to it.
    """

    name: str
    key: str
    arguments: Mapping[str, Any]
    silent: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Question:
    """One test: whether a target keeps a law; `fault` says why it cannot be asked, and then there is no law."""

    subject: Subject
    law: str
    fault: str = ""

    def __str__(self) -> str:
        """Return the id of the test."""
        return f"{self.subject.name}-{self.law}" if self.law else self.subject.name


def questions(node: str, marks: Iterable[pytest.Mark], once: Once) -> list[Question]:
    """Return the tests of one test function; a target that cannot be used is one test, which fails.

    Parameters
    ----------
    node : str
        The id of the test function.
    marks : iterable of pytest.Mark
        Each with the arguments of `xentcheck.check` for every target.
    once : Once
        Where it is kept what applies to the targets.
    """
    asked: list[Question] = []
    names: list[str] = []
    for arguments in (one for mark in marks for one in mark.args):
        name = _name(arguments)
        names.append(name)
        shown = name if names.count(name) == 1 else f"{name}-{names.count(name)}"
        key = f"{node} {shown}"
        stated = json.loads(once.text(f"applies {key}", functools.partial(_applies, arguments)))
        silent = {law: why for law, why in stated["laws"].items() if why}
        subject = Subject(shown, key, arguments, silent)
        if stated["fault"]:
            asked.append(Question(subject, "", stated["fault"]))
        asked += [Question(subject, law) for law, why in stated["laws"].items() if not why]
    return asked


def _applies(arguments: Mapping[str, Any]) -> str:
    from xentcheck.api import inapplicable
    from xentcheck.contract import ContractError
    from xentcheck.properties.registry import UnknownPropertyError
    from xentcheck.targets.errors import TargetError

    try:
        return json.dumps({"laws": inapplicable(**arguments), "fault": ""})
    except (TargetError, ContractError, UnknownPropertyError) as error:
        return json.dumps({"laws": {}, "fault": str(error)})


def _name(arguments: Mapping[str, Any]) -> str:
    target = next((arguments[role] for role in _ROLES if arguments.get(role) is not None), "target")
    if isinstance(target, functools.partial):
        target = target.func
    if isinstance(target, str):
        return target
    name = str(getattr(target, "__qualname__", type(target).__qualname__))
    return name.rpartition("<locals>.")[2].strip("<>")
