"""The families that an input space draws from, in the order in which they shrink."""

from __future__ import annotations

from xentcheck.batches import families_extremes, families_probabilities, families_scores
from xentcheck.batches.family import REGISTER, Family
from xentcheck.batches.input_space import InputSpace

__all__ = ["FAMILIES", "families"]

_MODULES = (families_scores, families_extremes, families_probabilities)

FAMILIES: dict[str, Family] = {
    name: one for module in _MODULES for name, one in REGISTER.items() if one.make.__module__ == module.__name__
}
"""Every family by its name; the readable ones come first, since a choice shrinks toward the first."""


def families(space: InputSpace) -> tuple[Family, ...]:
    """Return the families that may be drawn in a space, the readable ones first."""
    suited = [one for one in FAMILIES.values() if one.suits(space)]
    if space.contract.input == "probabilities":
        suited.sort(key=lambda one: one.gives != "probabilities")
    return tuple(suited)
