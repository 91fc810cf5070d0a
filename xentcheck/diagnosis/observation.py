"""What a target returned for a part of one batch, beside what each known mistake would have returned."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from xentcheck.diagnosis.hessian_model import HessianModel
from xentcheck.diagnosis.loss_model import Floats, Model
from xentcheck.diagnosis.matching import Match, Returned, allowance, distance
from xentcheck.diagnosis.prediction import Prediction
from xentcheck.diagnosis.tangent_model import TangentModel
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.problem import Problem

Group = Callable[[Model], Iterator[Prediction]]
Fit = Callable[["Sequence[Observation]"], Iterator[Group]]
Place = tuple[int, int]
"""Of a hypothesis among all, and of a prediction among those of the hypothesis."""
Key = tuple[str, str]
STRICT = ContextVar("strict", default=False)
"""Whether a TypeError, an IndexError or an AssertionError of a hypothesis is raised: in the tests and the self-test."""
MODELS: Mapping[str, Callable[[Problem], Model]] = {model.derived: model for model in (HessianModel, TangentModel)}
"""What is made of the gradient, by its part."""
NUMBERS = re.compile(r"(?<![a-z])\d[\d.,e+-]*")


class Observation:
    """The values of a part that a target returned on one batch.

    Parameters
    ----------
    problem : Problem
    part : {"loss", "gradient", "hessian_vector", "jvp"}
        For the last two the problem has a vector, or a tangent.
    got : array of float64, shape () or (n,) for the loss, else (n, m)
    held : float or array of the shape of `got`, optional
        The allowance to which the part was held, by default that of the verdict; elements within it of the right
        value count as right.

    Raises
    ------
    ValueError
        Where nothing can be compared: another part, another shape, or no number at all.
    """

    def __init__(self, problem: Problem, part: str, got: ArrayLike, held: ArrayLike | None = None) -> None:
        made = MODELS.get(part)
        self.model = Model(problem, part) if made is None else made(problem)
        self.got = np.asarray(got, np.float64)
        with quiet():
            known = part in ("loss", "gradient", *MODELS)
            if not known or not self.got.size or self.got.shape != self.model.right.shape:
                raise ValueError(f"The {part} cannot be compared.")
            allowed = _promised(self.model, part) if held is None else np.asarray(held, np.float64)
            self.allowed = np.broadcast_to(allowed, self.got.shape)
            self.error = distance(self.got, self.model.right)

    @property
    def wrong(self) -> bool:
        """Whether an element is beyond its allowance, as far as float64 arithmetic can tell."""
        return bool(np.any(self.error > self.allowed))

    @property
    def telling(self) -> bool:
        """Whether a finite number is wrong: an infinity or nan comes of many a mistake."""
        return bool(np.any(np.isfinite(self.got) & (self.error > self.allowed)))

    @property
    def evidence(self) -> bytes:
        """What tells the answer from others: a finite wrong number, or which rows are not finite beside right ones."""
        if self.telling:
            return self.got.tobytes()
        finite = np.isfinite(self.got)
        return finite.tobytes() if self.got.ndim and finite.any() and not finite.all() else b""

    @cached_property
    def returned(self) -> Returned:
        """The values, ready to be compared with many guesses."""
        return Returned(self.model, self.got, self.allowed)

    def matches(self, groups: Mapping[int, Group], partly: bool = False) -> dict[Key, Match]:
        """Return the best match of each form of a mechanism.

        Parameters
        ----------
        groups : mapping
            The hypotheses by their places.
        partly : bool
            Whether the entries that are right may stay so.
        """
        found: dict[Key, Match] = {}
        with quiet():
            for order, guess in self.guesses(groups):
                match = self.returned.matched(guess, order, partly)
                if match is None:
                    continue
                key = key_of(guess)
                if key in found:
                    match = max(found[key], match, key=lambda one: one.bits).at(found[key].order)
                found[key] = match
        return found

    def refuted(self, groups: Mapping[int, Group], keys: Container[Key]) -> set[Key]:
        """Return which forms of mechanisms predict what was not returned."""
        refuted: set[Key] = set()
        agreed: set[Key] = set()
        with quiet():
            for _, guess in self.guesses(groups):
                key = key_of(guess)
                if key in keys:
                    (refuted if self.returned.refutes(guess) else agreed).add(key)
        return refuted - agreed

    def guesses(self, groups: Mapping[int, Group]) -> Iterator[tuple[Place, Prediction]]:
        """Yield the guesses with their places; one that cannot be computed ends its group, no more.

        A mistake in the hypothesis itself is no reason to lose a run of hours either; under `strict` it is raised.
        """
        for place, group in groups.items():
            try:
                for within, guess in enumerate(group(self.model)):
                    yield (place, within), guess
            except (ArithmeticError, ValueError):
                continue
            except Exception:
                if STRICT.get():
                    raise


def key_of(guess: Prediction) -> Key:
    """Return mechanism and form: the constant, or the words of the sentence without the numbers of the batch."""
    return guess.mechanism, guess.variant or NUMBERS.sub("#", guess.sentence)


@contextmanager
def quiet() -> Iterator[None]:
    """Let no warning of numpy's or of Python's out."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _promised(model: Model, part: str) -> Floats:
    """Return the allowance of the verdict; where it is infinite, one that a right value will hardly exceed."""
    plain = allowance(model)
    allowances = conformance(model.problem, conditions(model.problem))
    strict = getattr(allowances, part)
    return plain if strict is None else np.where(np.isfinite(strict), strict, plain)
