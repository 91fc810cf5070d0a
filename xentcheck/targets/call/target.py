"""A target as it runs: its functions, called on batches, with what they return and what they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xentcheck.batches.batch import Batch
from xentcheck.targets.call.convention import Convention
from xentcheck.targets.call.evaluation import Calls, StoppedError
from xentcheck.targets.call.framework import NumpyFramework
from xentcheck.targets.call.observe import EarlierResults, Environment
from xentcheck.targets.outcome import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xentcheck.targets.call.evaluation import Function


@dataclass(frozen=True)
class Functions:
    """The callables of a target; at least one of the first three is there.

    Parameters
    ----------
    loss, gradient : callable or None
        Called with scores and labels in the contract's order, and the options by name.
    value_and_gradient : callable or None
        Called likewise; returns both.
    hessian_vector, vjp, jvp : callable or None
        Called with scores, labels and a vector (n, m), the cotangent of the loss, or a tangent (n, m). Where there is
        a vjp and no other way to a gradient, the gradient is what it gives for a cotangent of ones.
    """

    loss: Function | None = None
    gradient: Function | None = None
    value_and_gradient: Function | None = None
    hessian_vector: Function | None = None
    vjp: Function | None = None
    jvp: Function | None = None


@dataclass
class Target:
    """What is under test, in the process in which it runs.

    Parameters
    ----------
    functions : Functions
    convention : Convention
    framework : NumpyFramework
        The adapter by which it is called.
    settled : bool
        Whether that is known to be the right one. If not, a loss that refuses numpy arrays is tried once with
        torch tensors, where torch has been imported by the target.
    name, location, version, package : str
    contract : mapping
        The contract as far as the target states it, in its JSON form.
    expensive_shapes : bool
        Whether each new shape costs a compilation.
    by_method : bool
        Whether the loss is a method of what it is named by, such as `forward` of a class.
    interrupts : bool
        Whether KeyboardInterrupt passes through, because it comes from the user rather than from the target.
    environment : Environment
        What calls must leave alone.
    earlier : EarlierResults
    returned_by : str
        The package of the type of the last result.
    tried : dict
        What came of calls that were to find out the framework: what was called to that and whether it is settled.
    """

    functions: Functions
    convention: Convention = field(default_factory=Convention)
    framework: NumpyFramework = field(default_factory=NumpyFramework)
    settled: bool = True
    name: str = ""
    location: str = ""
    version: str = ""
    package: str = ""
    contract: Mapping[str, Any] = field(default_factory=dict)
    expensive_shapes: bool = False
    by_method: bool = False
    interrupts: bool = False
    environment: Environment = field(default_factory=Environment)
    earlier: EarlierResults = field(default_factory=EarlierResults)
    returned_by: str = ""
    tried: dict[Any, tuple[NumpyFramework, bool]] = field(default_factory=dict)

    @property
    def differentiated(self) -> bool:
        """Whether the gradient comes from the framework, because the target has none of its own."""
        own = self.functions.gradient or self.functions.value_and_gradient
        return own is None and self.functions.loss is not None and self.framework.differentiates

    @property
    def has_loss(self) -> bool:
        """Whether a loss can be asked for."""
        return self.functions.loss is not None or self.functions.value_and_gradient is not None

    @property
    def has_gradient(self) -> bool:
        """Whether a gradient can be asked for."""
        own = self.functions.gradient or self.functions.value_and_gradient or self.functions.vjp
        return own is not None or self.differentiated

    @property
    def has_vjp(self) -> bool:
        """Whether a gradient can be asked for with a cotangent."""
        return self.functions.vjp is not None or self.differentiated

    @property
    def has_hessian_vector(self) -> bool:
        """Whether a Hessian-vector product can be asked for."""
        twice = self.differentiated and self.framework.differentiates_twice
        return self.functions.hessian_vector is not None or twice

    @property
    def has_jvp(self) -> bool:
        """Whether a derivative along a tangent can be asked for."""
        forward = self.differentiated and self.framework.differentiates_forward
        return self.functions.jvp is not None or forward

    @property
    def called(self) -> Function:
        """What a call asks first: the loss, or a derivative where there is none."""
        has = self.functions
        found = has.loss or has.value_and_gradient or has.gradient or has.vjp or has.hessian_vector or has.jvp
        assert found is not None
        return found

    def stated(self) -> dict[str, Any]:
        """Return what a host is told of this target, in JSON types."""
        return {
            "name": self.name,
            "location": self.location,
            "version": self.version,
            "package": self.package,
            "framework": self.framework.name,
            "contract": dict(self.contract),
            "has_loss": self.has_loss,
            "has_gradient": self.has_gradient,
            "has_vjp": self.has_vjp,
            "has_hessian_vector": self.has_hessian_vector,
            "has_jvp": self.has_jvp,
            "expensive_shapes": self.expensive_shapes or self.framework.name == "jax",
            "by_method": self.by_method,
        }

    def evaluate(
        self,
        batch: Batch,
        want: Sequence[str] = ("loss", "gradient"),
        upstream: NDArray[Any] | None = None,
        vector: NDArray[Any] | None = None,
        tangent: NDArray[Any] | None = None,
    ) -> Outcome:
        """Return the loss and its derivatives of a batch, as far as wanted and offered, and what was observed.

        Parameters
        ----------
        batch : Batch
        want : sequence of {"loss", "gradient", "hessian_vector", "jvp"}
        upstream : ndarray, optional
            The cotangent of the loss, for targets with `has_vjp`.
        vector : ndarray, shape (n, m)
            What the Hessian is multiplied by.
        tangent : ndarray, shape (n, m)
            Along what the loss is differentiated.
        """
        wants_loss = "loss" in want and self.has_loss
        wants_gradient = "gradient" in want and self.has_gradient
        if upstream is not None and wants_gradient and not self.has_vjp:
            raise ValueError(f"The target {self.name} takes no cotangent.")
        wants_product = "hessian_vector" in want and self.has_hessian_vector
        if wants_product and vector is None:
            raise ValueError("A Hessian-vector product needs a vector.")
        wants_along = "jvp" in want and self.has_jvp
        if wants_along and tangent is None:
            raise ValueError("A derivative along a tangent needs one.")
        results: dict[str, NDArray[Any]] = {}
        seen: set[str] = set()
        raised = None
        try:
            calls = Calls(self, batch, results, seen)
            self._evaluate(calls, batch, wants_loss, wants_gradient, upstream)
            for wanted, part, role, direction in (
                (wants_product, "hessian_vector", "vector", vector),
                (wants_along, "jvp", "tangent", tangent),
            ):
                if wanted and direction is not None:
                    self._differentiate_along(calls, part, role, direction)
        except StoppedError as stop:
            raised = stop.raised
        return Outcome(
            loss=results.get("loss"),
            gradient=results.get("gradient"),
            raised=raised,
            observations=tuple(sorted(seen)),
            hessian_vector=results.get("hessian_vector"),
            jvp=results.get("jvp"),
        )

    def _differentiate_along(self, calls: Calls, part: str, role: str, direction: NDArray[Any]) -> None:
        own = getattr(self.functions, part)
        if own is not None:
            calls.directed(part, own, role, direction)
        else:
            assert self.functions.loss is not None
            calls.differentiate_along(part, self.functions.loss, role, direction)

    def _evaluate(
        self, calls: Calls, batch: Batch, wants_loss: bool, wants_gradient: bool, upstream: NDArray[Any] | None
    ) -> None:
        has = self.functions
        if wants_loss and wants_gradient and upstream is None and has.value_and_gradient is not None:
            calls.pair(has.value_and_gradient)
            return
        if wants_gradient and self.differentiated and (has.vjp is None or upstream is None):
            assert has.loss is not None
            calls.differentiate(has.loss, upstream, wants_loss)
            return
        if wants_loss:
            if has.loss is not None:
                calls.single("loss", has.loss)
            elif has.value_and_gradient is not None:
                calls.pair(has.value_and_gradient, only="loss")
        # Trying the loss may have shown which framework it is of.
        if wants_gradient:
            if upstream is not None and has.vjp is not None:
                calls.single("gradient", has.vjp, upstream)
            elif has.gradient is not None:
                calls.single("gradient", has.gradient)
            elif has.value_and_gradient is not None:
                calls.pair(has.value_and_gradient, only="gradient")
            elif has.vjp is not None:
                calls.single("gradient", has.vjp, self.convention.ones(batch.n))
