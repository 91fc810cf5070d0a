"""What every host offers, wherever its target runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import fields
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.contract.reading import contract_of
from xentcheck.targets.description import TargetDescription
from xentcheck.targets.find.interpreter import Interpreter
from xentcheck.targets.host.versions import installed_version
from xentcheck.targets.outcome import Outcome
from xentcheck.targets.parameter import Parameter
from xentcheck.targets.question import Question


class Host(ABC):
    """Something that evaluates a target; a context manager that closes itself."""

    @abstractmethod
    def ready(self) -> TargetDescription:
        """Wait until the target has been imported and return what is known of it.

        Raises
        ------
        TargetError
            If it cannot be used.
        """

    @property
    def description(self) -> TargetDescription:
        """What is known of the target; waits for it as `ready` does."""
        return self.ready()

    def waits(self) -> dict[str, float]:
        """Return the seconds for which each thread of the target's own process has waited for a processor.

        None of a target in this process, and where that is not known; see `waiting.waits`.
        """
        return {}

    def works(self) -> dict[str, float]:
        """Return the seconds for which each thread of the target's own process has had a processor.

        None where `waits` has none.
        """
        return {}

    @abstractmethod
    def evaluate(
        self,
        batch: Batch,
        want: Sequence[str] = ("loss", "gradient"),
        upstream: NDArray[Any] | None = None,
        vector: NDArray[Any] | None = None,
        tangent: NDArray[Any] | None = None,
        *,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Outcome:
        """Return what the target makes of a batch.

        Parameters
        ----------
        batch : Batch
        want : sequence of {"loss", "gradient", "hessian_vector", "jvp"}
            What the target does not offer is left out.
        upstream : ndarray, optional
            The cotangent of the loss, shape (n,) or (); only for targets with a vjp, else ValueError.
        vector : ndarray, shape (n, m)
            What the Hessian is multiplied by, in the dtype of the scores; needed for "hessian_vector", which is
            calculated without a cotangent.
        tangent : ndarray, shape (n, m)
            Along what the loss is differentiated, likewise; needed for "jvp".
        meanwhile : callable
            Called while a target in another process is at work: what will be needed of the truth.
        """

    def evaluate_each(self, questions: Sequence[Question]) -> Generator[Outcome, None, None]:
        """Yield what the target makes of each of several questions, as `evaluate` would return it.

        A generator that is not asked to its end has to be closed: what is not answered is given up then.
        """
        for one in questions:
            yield self.evaluate(one.batch, one.want, one.upstream, one.vector, one.tangent, meanwhile=one.meanwhile)

    @abstractmethod
    def follow(self, contract: Mapping[str, Any]) -> None:
        """Call the target by another contract from now on: its order of arguments, axis and names of options.

        Parameters
        ----------
        contract : mapping
            In its JSON form; keys that are left out have their defaults.
        """

    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """Return the arguments of the target's call, the loss's if it has one; () where they cannot be read."""

    @abstractmethod
    def settings(self) -> tuple[Parameter, ...]:
        """Return what the object was made with whose call or method the target is; () where it is of none."""

    @abstractmethod
    def numbers(self) -> tuple[int, ...]:
        """Return the whole numbers written in the code of the target's call; () where that is none in Python."""

    def hurry(self) -> None:  # noqa: B027 (a target in this process is not waited for with a limit)
        """Wait for no call as long as for one that compiles: the target is known to hang."""

    @abstractmethod
    def close(self) -> None:
        """End it; again is harmless."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def described(
    stated: Mapping[str, Any],
    declared: bool,
    observations: Sequence[str] = (),
    elsewhere: Interpreter | None = None,
) -> TargetDescription:
    """Return the description of a target from what its process stated.

    Parameters
    ----------
    stated : mapping
        See `Target.stated`.
    declared : bool
        Whether a contract was declared before the target was imported.
    observations : sequence of str
        Side effects of importing it.
    elsewhere : Interpreter, optional
        The one that runs it, where that is another one than this.

    Raises
    ------
    ContractError
    """
    mapping, package = dict(stated["contract"]), stated["package"]
    known = {field.name for field in fields(TargetDescription)}
    return TargetDescription(
        **{
            **{key: value for key, value in stated.items() if key in known},
            # Asked here, since it is slow to ask and a worker beside its own kind can do without.
            "version": stated["version"]
            or (elsewhere.packages.get(package, "") if elsewhere else installed_version(package)),
            "contract": contract_of(mapping),
            "contract_source": "declared" if declared or mapping else "default",
            "observations": tuple(observations),
            "elsewhere": elsewhere,
        }
    )
