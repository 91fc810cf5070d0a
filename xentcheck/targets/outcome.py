"""What came back from a call of a target: values, or what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xentcheck.contract.harmless import harmless

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONGEST_NAME = 300


@dataclass(frozen=True, eq=False)
class Raised:
    """An exception that the target raised; what it says of itself is made harmless.

    Parameters
    ----------
    kind, message : str
        The exception's class name and text.
    call : {"loss", "gradient", "hessian_vector", "jvp", "convert"}
        What was being done; "convert": the value returned could not be read as an array.
    where : str
        "file:line in function" of the innermost frame outside xentcheck, or "" where there is none.
    """

    kind: str
    message: str
    call: str
    where: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", harmless(self.message))
        for name in ("kind", "call", "where"):
            object.__setattr__(self, name, harmless(getattr(self, name), _LONGEST_NAME))


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result of evaluating a target on one batch.

    Parameters
    ----------
    loss, gradient, hessian_vector, jvp : ndarray or None
        As returned, as a host array in its own dtype (a Python float counts as float64, an int as int64);
        None where not asked for, not offered, or not returned. The gradient and the Hessian-vector product have
        their classes last whatever the contract's axis is, and all have the rows along as many axes as the target.
    raised : Raised or None
        The exception, if there was one; values obtained before it are kept.
    died : str
        "" or why the process that ran the target ended: "killed by signal 11 (SIGSEGV)", "exit status 3", "no answer
        within 10 s".
    observations : tuple of str
        Side effects seen, each among OBSERVATIONS.
    """

    loss: NDArray[Any] | None = None
    gradient: NDArray[Any] | None = None
    raised: Raised | None = None
    died: str = ""
    observations: tuple[str, ...] = ()
    hessian_vector: NDArray[Any] | None = None
    jvp: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "died", harmless(self.died))


HUNG = "no answer within"
"""How the `died` of a call begins that did not end in its time."""


def hung(died: object) -> bool:
    """Whether a call did not end in its time, of how its process ended: the `died` of its outcome."""
    return isinstance(died, str) and died.startswith(HUNG)


PARTS = ("loss", "gradient", "hessian_vector", "jvp")
"""The fields of an outcome that hold what a target returned."""


BACKWARD = ("upstream-changed", "upstream-altered", "second-backward-differs", "graph-overwritten")
"""Those among OBSERVATIONS that may hang on the upstream gradient."""

OBSERVATIONS = {
    "scores-changed": "the scores that were passed in were overwritten",
    "labels-changed": "the labels that were passed in were overwritten",
    "options-changed": "an option array that was passed in was overwritten",
    "scores-altered": "the scores that were passed in have another shape, dtype or write protection afterwards",
    "labels-altered": "the labels that were passed in have another shape, dtype or write protection afterwards",
    "options-altered": "an option array that was passed in has another shape, dtype or write protection afterwards",
    "loss-aliases-input": "the loss returned shares memory with an input",
    "gradient-aliases-input": "the gradient returned shares memory with an input",
    "hessian_vector-aliases-input": "the Hessian-vector product returned shares memory with an input",
    "jvp-aliases-input": "the derivative along a tangent that was returned shares memory with an input",
    "vector-changed": "the vector to multiply the Hessian by was overwritten",
    "vector-altered": "the vector to multiply the Hessian by has another shape, dtype or write protection afterwards",
    "tangent-changed": "the tangent to differentiate along was overwritten",
    "tangent-altered": "the tangent to differentiate along has another shape, dtype or write protection afterwards",
    "upstream-changed": "the upstream gradient that was passed in was overwritten",
    "upstream-altered": "the upstream gradient has another shape, dtype or write protection afterwards",
    "second-backward-differs": "the backward pass gives another gradient when the same graph is gone through again",
    "graph-overwritten": "the backward pass gives another gradient when the loss of other scores was taken before it",
    "earlier-result-changed": "a result returned by an earlier call was overwritten by this one",
    "errstate-changed": "numpy's error state was changed",
    "numpy-replaced": "a function or constant of numpy was replaced",
    "rounding-changed": "the processor's rounding mode was changed",
    "flushing-changed": "the processor now flushes subnormal numbers to zero",
    "numpy-seed-changed": "numpy's global random state was changed",
    "python-seed-changed": "Python's global random state was changed",
}
