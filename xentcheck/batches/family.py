"""What a family of batches is, and the register of them.

How one thinks here. A family begins with an error: code that loses digits, overflows or forgets. It makes the inputs on
which that shows, which random logits hardly ever are, and its docstring says what shows there and who reported it. It
is arithmetic on whole arrays over a source of `Numbers`, and must do for no rows, for one class and for thousands. In a
small batch each number is a byte, which Hypothesis shrinks towards 0, the code of the first of a palette: so a palette
has its plainest member first. Bytes are read by position. A family therefore asks for the same numbers in the same
order whatever their values, or one byte that shrinks would change the meaning of others; there are codes for three
arrays of elements and seven columns of one number a row, and what goes beyond reads the first again. A draft is
float64. It is rounded to the dtype and clipped into the domain afterwards (`from_family.fit`), and the truth is about
what came of that, so that rounding makes no false alarm; but it may take away what the family is for. What has to be
equal, to cancel or to lie beside an edge is therefore made of numbers that every format holds (`exact_grid`), and edges
come from `numbers.space.format`. Layouts and options are drawn elsewhere; `emphasis` asks for unusual ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.numbers import Floats, Labels, Numbers


class Draft(NamedTuple):
    """Scores before they are rounded to the dtype, shape (n, m), and a class for each row, shape (n,)."""

    scores: Floats
    labels: Labels


Maker = Callable[[Numbers], Draft]


@dataclass(frozen=True)
class Family:
    """One way to provoke an error.

    Parameters
    ----------
    name : str
    make : callable
        Numbers to Draft.
    gives : {"logits", "probabilities"}
        What the scores of the draft are. Logits become the other kinds of input by softmax or log_softmax.
    needs : str or None
        The entry of the contract's ``nonfinite`` without which the family is not drawn.
    emphasis : {"scores", "reduction", "layout"}
        Where the difficulty lies; the other two ask for unusual labels and options, or memory layouts.
    applies : callable or None
        Whether the family has a meaning in an input space.
    """

    name: str
    make: Maker
    gives: str = "logits"
    needs: str | None = None
    emphasis: str = "scores"
    applies: Callable[[InputSpace], bool] | None = None

    def suits(self, space: InputSpace) -> bool:
        """Return whether batches of this family may be drawn in an input space."""
        kind = space.contract.input
        if self.gives == "probabilities" and kind != "probabilities":
            return False
        if self.needs is not None and self.needs not in space.contract.nonfinite_kinds:
            return False
        return self.applies is None or self.applies(space)


REGISTER: dict[str, Family] = {}


def family(
    *,
    gives: str = "logits",
    needs: str | None = None,
    emphasis: str = "scores",
    applies: Callable[[InputSpace], bool] | None = None,
) -> Callable[[Maker], Maker]:
    """Register a function under its own name as a family."""

    def register(make: Maker) -> Maker:
        name = make.__name__
        REGISTER[name] = Family(name, make, gives, needs, emphasis, applies)
        return make

    return register


def with_label(scores: Floats, labels: Labels, values: Floats) -> Floats:
    """Return scores whose entry at each row's label is replaced by `values`, shape (n, 1)."""
    placed = scores.copy()
    placed[np.arange(labels.size), labels] = values[:, 0]
    return placed


def others(scores: Floats, labels: Labels) -> Floats:
    """Return the scores with -inf at each row's label."""
    return with_label(scores, labels, np.full((labels.size, 1), -np.inf))
