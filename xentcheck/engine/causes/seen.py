"""What a target returned for a part of one batch, beside what each known mistake would have returned."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from xentcheck.engine.causes.guess import Guess
from xentcheck.engine.causes.model import Floats, Model
from xentcheck.engine.causes.tolerance import Match, Returned, allowance, distance
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.problem import Problem

Group = Callable[[Model], Iterator[Guess]]
Key = tuple[str, str]


class Seen:
    """The values of a part that a target returned on one batch.

    Parameters
    ----------
    problem : Problem
    part : {"loss", "gradient"}
    got : array of float64, shape () or (n,) for the loss, (n, m) for the gradient
    held : float or array of the shape of `got`, optional
        The allowance to which the part was held, by default that of the verdict; elements within it of the right
        value count as right.

    Raises
    ------
    ValueError
        Where nothing can be compared: another part, another shape, or no number at all.
    """

    def __init__(self, problem: Problem, part: str, got: ArrayLike, held: ArrayLike | None = None) -> None:
        self.model = Model(problem, part)
        self.got = np.asarray(got, np.float64)
        with _quiet():
            if part not in ("loss", "gradient") or not self.got.size or self.got.shape != self.model.right.shape:
                raise ValueError(f"The {part} cannot be compared.")
            allowed = _promised(self.model) if held is None else np.asarray(held, np.float64)
            self.allowed = np.broadcast_to(allowed, self.got.shape)
            self.error = distance(self.got, self.model.right)

    @property
    def wrong(self) -> bool:
        """Whether an element is beyond its allowance, as far as float64 arithmetic can tell."""
        return bool(np.any(self.error > self.allowed))

    @cached_property
    def returned(self) -> Returned:
        """The values, ready to be compared with many guesses."""
        return Returned(self.model, self.got, self.allowed)

    def matches(self, groups: Iterable[Group]) -> dict[Key, Match]:
        """Return the best match of each mechanism and constant."""
        found: dict[Key, Match] = {}
        with _quiet():
            for order, guess in self._guesses(groups):
                match = self.returned.matched(guess, order)
                key = (guess.mechanism, guess.variant)
                if match is not None and key in found:
                    better = match if match.bits > found[key].bits else found[key]
                    match = replace(better, order=found[key].order)
                if match is not None:
                    found[key] = match
        return found

    def refuted(self, groups: Iterable[Group], keys: Container[Key]) -> set[Key]:
        """Return which mechanisms predict, in all their forms, what was not returned."""
        refuted: set[Key] = set()
        agreed: set[Key] = set()
        with _quiet():
            for _, guess in self._guesses(groups):
                key = (guess.mechanism, guess.variant)
                if key in keys:
                    (refuted if self.returned.refutes(guess) else agreed).add(key)
        return refuted - agreed

    def _guesses(self, groups: Iterable[Group]) -> Iterator[tuple[int, Guess]]:
        """Yield the guesses with their places; one that cannot be computed ends its group, no more."""
        for place, group in enumerate(groups):
            try:
                for within, guess in enumerate(group(self.model)):
                    yield 1000 * place + within, guess
            except (ArithmeticError, ValueError, IndexError, TypeError, AssertionError):
                continue


@contextmanager
def _quiet() -> Iterator[None]:
    """Let no warning of numpy's or of Python's out."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _promised(model: Model) -> Floats:
    """Return the allowance of the verdict; where it is infinite, one that a right value will hardly exceed."""
    plain = allowance(model)
    allowances = conformance(model.problem, conditions(model.problem))
    strict = allowances.loss if model.part == "loss" else allowances.gradient
    return plain if strict is None else np.where(np.isfinite(strict), strict, plain)
