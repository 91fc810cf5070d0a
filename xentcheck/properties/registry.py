"""All laws, in the order of their numbers, and the choice of some by name or number."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from xentcheck.properties import (
    bad_input,
    derivative,
    forward_mode,
    identities,
    invariances,
    option_effects,
    second_order,
    side_effects,
    values,
)
from xentcheck.properties.law import Law

LAWS: tuple[Law, ...] = tuple(
    sorted(
        (
            found
            for module in (
                values,
                derivative,
                forward_mode,
                second_order,
                invariances,
                identities,
                option_effects,
                bad_input,
                side_effects,
            )
            for found in vars(module).values()
            if isinstance(found, Law)
        ),
        key=lambda law: (law.number, law.name),
    )
)


class UnknownPropertyError(ValueError):
    """A property was asked for that does not exist; the message names the nearest."""


def choose(wanted: Iterable[str] | None) -> tuple[Law, ...]:
    """Return the laws with the given names or numbers, all where none is given; raises UnknownPropertyError."""
    if wanted is None:
        return LAWS
    chosen: list[Law] = []
    for word in wanted:
        found = [law for law in LAWS if word in (law.name, str(law.number))]
        if not found:
            near = difflib.get_close_matches(word, [law.name for law in LAWS], n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise UnknownPropertyError(
                f"There is no property {word!r}{hint}; `xentcheck properties` lists the names and numbers."
            )
        chosen.extend(law for law in found if law not in chosen)
    return tuple(chosen)
