"""What a law is, what breaking one looks like, and the decorator that makes a function a law.

How one thinks here. Whatever right implementations do differently (the divisor of a mean, what smoothing spreads over,
a dtype) is policy: a law reads it from `case.contract`, and asks about what is left. A law that relates two batches
does not compare two answers, which may be wrong alike. It derives the second batch, as it is stored after rounding, and
`Case.check` holds the answer against the truth of that very batch; where the answer on the first is already wrong in
the same part, nothing is said, so that one mistake is not told as many. A law yields what `Case.check` gives, and does
not iterate over it: so the questions of all laws are asked before the first answer is waited for, and travel
together. Chance comes from `case.random`, or a batch
would be judged otherwise when it is reduced. `Case.check` and `Answer.violation` count by themselves that something was
held against an answer. A law that decides by other means calls `case.looked()` where it does, after the last early
return: without it the law is reported as not judged, and before that it claims examples that it never looked at. A law
leaves out a batch because of its premise, never because of what was answered. One that has never fallen may be one that
cannot fall, so each has a planted bug that it kills (`tests/properties/planted.py`). Why it does not apply to a
contract is a clause that `applies` returns for the report ("the input is probabilities"); `idle` is the clause for a
run without an example.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from xentcheck.contract import Contract

if TYPE_CHECKING:
    from xentcheck.batches.batch import Batch
    from xentcheck.properties.case import Case


@dataclass(frozen=True)
class Capabilities:
    """What a target offers.

    Parameters
    ----------
    loss, gradient, vjp, hessian_vector, jvp : bool
    expensive_shapes : bool
        Whether every new shape costs a compilation, so that laws should not invent shapes.
    expensive_calls : bool
        Whether calls are slow, so that laws that ask questions of their own take turns; see `Law.asks`.
    expensive_layouts : bool
        Whether every new layout in memory may cost a dear compilation.
    """

    loss: bool = True
    gradient: bool = False
    vjp: bool = False
    expensive_shapes: bool = False
    hessian_vector: bool = False
    jvp: bool = False
    expensive_calls: bool = False
    expensive_layouts: bool = False


Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Violation:
    """One batch on which a law is broken.

    Parameters
    ----------
    title : str
        One clause in plain words.
    batch : Batch
        What the target was given when it broke the law.
    part : str
        "loss", "loss[2]", "gradient[0, 1]" or "" where no number is at fault.
    got : float or str or None
        The number, or what happened instead of one.
    bounds : (float, float) or callable or None
        Rigorous bounds of the exact value, or what returns them: most violations are met on the way to a smaller one.
    exact : float or None
        The exact value to float64, where its bounds have not been calculated.
    allowance, times : float or None
        How far the value may be from the exact one, and by how many times it is farther.
    upstream : float or list of float or None
        The cotangent that was passed, where one was.
    vector : list of list of float or None
        What the Hessian was multiplied by, where it was.
    tangent : list of list of float or None
        Along what the loss was differentiated by forward mode, where it was.
    returned : object or None
        The whole array returned (float64), for the diagnosis.
    event : str
        What happened where no number is at fault, so that it can be told from another event.
    """

    title: str
    batch: Batch
    part: str = ""
    got: float | str | None = None
    bounds: Interval | Callable[[], Interval] | None = None
    exact: float | None = None
    allowance: float | None = None
    times: float | None = None
    upstream: object = None
    vector: object = None
    tangent: object = None
    returned: object = None
    event: str = ""

    @cached_property
    def certified(self) -> Interval | None:
        """Rigorous bounds of the exact value."""
        return self.bounds() if callable(self.bounds) else self.bounds


Found = Violation | Iterable[Violation]
Judge = Callable[["Case"], Iterator[Found]]
Applies = Callable[[Contract, Capabilities], str]


@dataclass(frozen=True)
class Law:
    """One property.

    Parameters
    ----------
    number : int
        Its number in docs/laws.md; 0 is the engine's own.
    name : str
        What users call it, as in ``--properties``.
    sentence : str
        The law in a sentence.
    sources : str
        Public reports of implementations that broke it.
    applies : callable
        From contract and capabilities to "" or the reason why the law says nothing about the target.
    function : callable
        From a case to its violations, of which the engine takes the first, and to what gives violations once answers
        are there: see `begin`. A batch is an example of the law if it held something against an answer there, see
        `Case.looked`.
    dtypes, labels : tuple of str
        The dtypes and label forms that it says something about; empty for all.
    idle : str
        Why it was not judged where no batch was an example.
    formula : str
        The law as a formula, with `_` before an index and `^` before an exponent; "" where words are all there is.
    asks : bool
        Whether it asks the target about more than the batch itself.
    """

    number: int
    name: str
    sentence: str
    sources: str
    applies: Applies
    function: Judge
    dtypes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    idle: str = "none of its batches was an example"
    formula: str = ""
    asks: bool = True

    def silent(self, contract: Contract, capabilities: Capabilities, dtype: str, labels: str) -> str:
        """Return why the law says nothing about a target in a dtype and with a form of labels, or ""."""
        if why := self.applies(contract, capabilities):
            return why
        if self.dtypes and dtype not in self.dtypes:
            return f"elsewhere than in {' and '.join(self.dtypes)}"
        if self.labels and labels not in self.labels:
            return f"elsewhere than with {' and '.join(self.labels)} labels"
        return ""

    def judge(self, case: Case) -> Iterator[Violation]:
        """Yield what is wrong with the answers to a case, as soon as it is known."""
        for found in self.function(case):
            yield from (found,) if isinstance(found, Violation) else found

    def begin(self, case: Case) -> tuple[Iterator[Violation], bool]:
        """Have the law ask all its questions; return its violations, and whether it has to wait for answers to tell."""
        found = list(self.function(case))
        waits = not all(isinstance(one, Violation) for one in found)
        return (broken for one in found for broken in ((one,) if isinstance(one, Violation) else one)), waits

    def __reduce__(self) -> tuple[Callable[[str, str], Law], tuple[str, str]]:
        """Pickle as a global, as functions are: the name of the judging function in its module is that of the law."""
        return _unpickled, (self.function.__module__, self.function.__name__)


def _unpickled(module: str, name: str) -> Law:
    law: Law = getattr(importlib.import_module(module), name)
    return law


_OFFERED = {
    "vjp": "gradient for a given upstream",
    "hessian_vector": "Hessian-vector product",
    "jvp": "derivative along a tangent (jvp)",
}


def law(
    number: int,
    name: str,
    sentence: str,
    *,
    sources: str,
    applies: Applies | None = None,
    needs: str = "loss",
    dtypes: tuple[str, ...] = (),
    labels: tuple[str, ...] = (),
    idle: str = Law.idle,
    formula: str = "",
    asks: bool = True,
) -> Callable[[Judge], Law]:
    """Make a judging function a Law.

    Parameters
    ----------
    needs : {"loss", "gradient", "vjp", "hessian_vector", "jvp", "any"}
        What the target must offer.
    applies : callable, optional
        A further condition, asked after `needs`.
    dtypes, labels : tuple of str, optional
        The dtypes and label forms that it says something about; all by default.
    idle : str, optional
        Why it was not judged where no batch was an example.
    formula : str, optional
        The law as a formula, with `_` before an index and `^` before an exponent.
    asks : bool, optional
        Whether it asks the target about more than the batch itself.
    """

    def applicable(contract: Contract, capabilities: Capabilities) -> str:
        if needs != "any" and not getattr(capabilities, needs):
            return f"the target offers no {_OFFERED.get(needs, needs)}"
        return applies(contract, capabilities) if applies else ""

    def make(judge: Judge) -> Law:
        return Law(number, name, sentence, sources, applicable, judge, dtypes, labels, idle, formula, asks)

    return make


def of_labels(contract: Contract, capabilities: Capabilities) -> str:
    """Return why a law about labels does not apply, or ""."""
    return "an entropy has no labels" if contract.is_entropy else ""


def logits_only(contract: Contract, capabilities: Capabilities) -> str:
    """Return why a law about logits does not apply, or ""."""
    return "" if contract.input == "logits" else f"the input is {contract.input}"


def uncapped(contract: Contract, capabilities: Capabilities) -> str:
    """Return why a law does not apply that does not hold under a soft cap, or ""."""
    return "" if contract.soft_cap is None else "it does not hold for logits under a soft cap"


def uncapped_logits(contract: Contract, capabilities: Capabilities) -> str:
    """Return why a law about logits that does not hold under a soft cap does not apply, or ""."""
    return logits_only(contract, capabilities) or uncapped(contract, capabilities)
