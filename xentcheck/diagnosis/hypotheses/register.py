"""The register of hypotheses: what one is, the decorator that enters it, and the order in which they are tried.

How one thinks here. A hypothesis is a mistake, told as a formula: it takes a `Model`, the right values of one batch
with parts that can be replaced, and yields what a target with this mistake would return. It never looks at what was
returned; the comparison is the same for all (`matching.py`), so that a hypothesis cannot bend towards the answer. Many
mistakes predict the same numbers on one batch, as a sum and a mean do on one row. What tells them apart is another
batch, and where none does, the rank: the simpler and commoner mistake is named. So a new hypothesis states its mistake
alone, without conditions that merely keep it from matching, and takes the rank of its kind.

It earns its keep by being told of bugs whose authors did not know it (`zoo/outside/`), or of several planted ones.
One that is told of its own specimen alone makes the suite look better than it is: it goes, unless it is another
reading of a contract key, the fit of a constant, or a rival without which a wrong name would be told.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, auto
from functools import cache

from xentcheck.diagnosis.observation import Fit, Group


class Rank(IntEnum):
    """The kinds of mistakes, the simpler and commoner first."""

    REDUCTION = auto()
    LABELS = auto()
    OPTIONS = auto()
    SOFT_CAP = auto()
    TEMPERATURE = auto()
    GRADIENT = auto()
    GUARD = auto()
    INFINITY = auto()
    ACCUMULATION = auto()
    RANGE = auto()
    LOST = auto()
    SCORES = auto()
    BLOCKS = auto()
    FORMULA = auto()
    RARE = auto()


@dataclass(frozen=True)
class Hypothesis:
    """A mistake that predicts what a target would return.

    Parameters
    ----------
    predictions : callable
        From a Model to an iterator of Prediction.
    rank : Rank
    quick : bool
        Whether it is cheap enough for a batch of any size.
    partly : bool
        Whether it may hold in some rows or classes alone.
    part : str
        "hessian_vector" or "jvp" for one about what is made of the gradient, else "".
    """

    predictions: Group
    rank: Rank
    quick: bool = False
    partly: bool = False
    part: str = ""


_ENTERED: list[Hypothesis] = []
_FITS: list[Fit] = []


def hypothesis(rank: Rank, *, quick: bool = False, partly: bool = False, part: str = "") -> Callable[[Group], Group]:
    """Enter a function into the register; the parameters are those of Hypothesis."""

    def enter(function: Group) -> Group:
        _ENTERED.append(Hypothesis(function, rank, quick, partly, part))
        return function

    return enter


def fit(function: Fit) -> Fit:
    """Enter a function that fits a constant to the wrong answers, and yields hypotheses with it."""
    _FITS.append(function)
    return function


@cache
def hypotheses() -> tuple[Hypothesis, ...]:
    """Return all hypotheses: by rank, and within one by file and line."""
    _import_all()
    return tuple(sorted(_ENTERED, key=_place))


@cache
def fits() -> tuple[Fit, ...]:
    """Return all that fit a constant, in the order of their lines."""
    _import_all()
    return tuple(_FITS)


def _place(entered: Hypothesis) -> tuple[Rank, str, int]:
    code = entered.predictions.__code__
    return entered.rank, code.co_filename, code.co_firstlineno


def _import_all() -> None:
    package = __name__.rpartition(".")[0]
    folder = importlib.import_module(package).__path__
    for found in pkgutil.iter_modules(folder):
        importlib.import_module(f"{package}.{found.name}")
