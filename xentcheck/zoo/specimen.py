"""What a specimen of the zoo is, and the decorators that make a function or a class one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xentcheck.contract import Contract
from xentcheck.targets.specification import TargetSpecification
from xentcheck.zoo.parts import mean_loss

Function = Callable[..., Any]
ROLES = ("loss", "gradient", "value_and_gradient", "hessian_vector", "vjp", "jvp")
DERIVATIVES = ("gradient", "hessian_vector", "vjp", "jvp")


@dataclass(frozen=True, eq=False)
class Specimen:
    """A small implementation, planted wrong or unusual and right.

    Parameters
    ----------
    name, module, summary : str
        The module is that in which it stands.
    loss, gradient, value_and_gradient, hessian_vector, vjp, jvp : callable or None
    contract : mapping
        What it is held to, in the JSON form.
    mechanism : str
        The key of the mistake, as `xentcheck.diagnosis.naming` names it where what the target did can tell; "" for a
        right one.
    akin : tuple of str
        Other keys that describe the same mistake as well.
    thread : str
        The public report of which it is an example, or "".
    law : tuple of str
        Laws that are expected to kill it; at least one of them must.
    grade : str
        For a right one, the worst grade that fits it.
    made_by : type or None
        The class of which a new instance is judged each time, for specimens that remember.
    """

    name: str
    module: str
    summary: str
    loss: Function | None = None
    gradient: Function | None = None
    value_and_gradient: Function | None = None
    hessian_vector: Function | None = None
    vjp: Function | None = None
    jvp: Function | None = None
    contract: Mapping[str, Any] = field(default_factory=dict)
    mechanism: str = ""
    akin: tuple[str, ...] = ()
    thread: str = ""
    law: tuple[str, ...] = ()
    made_by: type | None = None

    @property
    def location(self) -> str:
        """How a process of its own finds it, and a command line names it."""
        return f"{self.module}:{self.name}"

    def specification(self) -> TargetSpecification:
        """Return what is judged in this process: the callables, an instance of its own where it remembers."""
        contract = Contract.from_mapping(self.contract)
        if self.made_by is not None:
            return TargetSpecification(loss=self.made_by, contract=contract, name=self.name)
        given = {role: function for role in ROLES if (function := getattr(self, role)) is not None}
        return TargetSpecification(contract=contract, name=self.name, **given)


def bug(
    mechanism: str,
    *law: str,
    role: str = "loss",
    akin: tuple[str, ...] = (),
    thread: str = "",
    contract: Mapping[str, Any] | None = None,
    **beside: Function | None,
) -> Callable[[Any], Specimen]:
    """Make a function or a class a planted bug.

    Parameters
    ----------
    mechanism, *law, akin, thread, contract
        See Specimen.
    role : str
        What the function is: one of `ROLES`.
    **beside : callable or None
        The other callables of the target, by role. Beside a derivative the loss is `mean_loss` if none is given, since
        the derivative is what is wrong or unusual; with ``loss=None`` the target has none.
    """

    def make(found: Any) -> Specimen:
        return _specimen(
            found, role, beside, mechanism=mechanism, akin=akin, thread=thread, law=law, contract=contract or {}
        )

    return make


def right(
    role: str = "loss", *, thread: str = "", contract: Mapping[str, Any] | None = None, **beside: Function | None
) -> Callable[[Any], Specimen]:
    """Make a function or a class an unusual but right implementation; the parameters are those of `bug`."""

    def make(found: Any) -> Specimen:
        return _specimen(found, role, beside, thread=thread, contract=contract or {})

    return make


def _specimen(found: Any, role: str, beside: Mapping[str, Function | None], **stated: Any) -> Specimen:
    summary = (inspect.getdoc(found) or "").partition("\n\n")[0].replace("\n", " ")
    if isinstance(found, type):
        instance = found()
        methods = {name: getattr(instance, name, None) for name in ROLES}
        methods["loss"] = methods["loss"] or getattr(instance, "calculate", None) or getattr(instance, "forward", None)
        methods["gradient"] = methods["gradient"] or getattr(instance, "backward", None)
        return Specimen(found.__name__, found.__module__, summary, **{**methods, **stated}, made_by=found)
    usual = {"loss": mean_loss} if role in DERIVATIVES else {}
    return Specimen(found.__name__, found.__module__, summary, **{**usual, role: found, **beside, **stated})


def specimens_of(module: Any) -> tuple[Specimen, ...]:
    """Return the specimens that a module defines, in their order."""
    return tuple(
        value for name, value in vars(module).items() if isinstance(value, Specimen) and value.module == module.__name__
    )
