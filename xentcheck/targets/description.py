"""What is known of a target once it has been imported."""

from __future__ import annotations

from dataclasses import dataclass

from xentcheck.contract import Contract
from xentcheck.contract.harmless import harmless
from xentcheck.targets.find.interpreter import Interpreter

_LONGEST = 300


@dataclass(frozen=True)
class TargetDescription:
    """A target that can be judged.

    Parameters
    ----------
    name, location, version, framework : str
        The version is that of its package, "" for a file.
    contract : Contract
    contract_source : {"declared", "default"}
        Whether anybody declared a contract.
    has_loss, has_gradient, has_vjp, has_hessian_vector, has_jvp : bool
        What it offers; a derivative by the framework's own differentiation counts.
    expensive_shapes : bool
        Whether each new shape costs a compilation.
    by_method : bool
        Whether the loss is a method of what the target is named by.
    observations : tuple of str
        Side effects of importing it, each among `outcome.OBSERVATIONS`.
    elsewhere : Interpreter or None
        The one that runs it, where that is another one than this.
    """

    name: str
    location: str
    version: str
    framework: str
    contract: Contract
    contract_source: str
    has_loss: bool
    has_gradient: bool
    has_vjp: bool
    has_hessian_vector: bool
    has_jvp: bool
    expensive_shapes: bool
    by_method: bool = False
    observations: tuple[str, ...] = ()
    elsewhere: Interpreter | None = None

    @property
    def unavailable_dtypes(self) -> tuple[str, ...]:
        """The dtypes that cannot be handed to it: numpy has bfloat16 from ml_dtypes alone."""
        return () if self.elsewhere is None or "ml_dtypes" in self.elsewhere.packages else ("bfloat16",)

    def __post_init__(self) -> None:
        for name in ("name", "location", "version", "framework"):
            object.__setattr__(self, name, harmless(getattr(self, name), _LONGEST))
