"""What sort of violation one is, apart from its batch and its numbers."""

from __future__ import annotations

import math
from typing import NamedTuple

from xentcheck.properties.law import Violation

WRONG_NUMBER = "a wrong number"
WRONG_SHAPE = "a wrong shape"


class Kind(NamedTuple):
    """What happened, and to which part of the answer: a smaller batch shows the same only if both stay.

    Parameters
    ----------
    what : str
        "a wrong number", "nan for a finite number", "a finite number for nan", ...; or the event.
    part : str
        "loss", "gradient", "hessian_vector", "jvp" or "".
    """

    what: str
    part: str


def kind_of(violation: Violation) -> Kind:
    """Return the kind of a violation."""
    part = violation.part.partition("[")[0]
    if violation.bounds is None or not isinstance(violation.got, float):
        return Kind(violation.event or _event(violation), part)
    exact = violation.exact
    if exact is None:
        assert violation.certified is not None
        exact = violation.certified[0]
    got, right = _sort(violation.got), _sort(exact)
    alike = got == right == "a finite number"
    return Kind(WRONG_NUMBER if alike else f"{got} for {right}", part)


def _event(violation: Violation) -> str:
    """Return what happened where the law says no more than a title."""
    if " has shape " in violation.title:
        return WRONG_SHAPE
    if " has dtype " in violation.title or " dtype " in violation.title:
        return "a wrong dtype"
    return str(violation.got) if isinstance(violation.got, str) else WRONG_NUMBER


def _sort(number: float) -> str:
    if math.isnan(number):
        return "nan"
    return "an infinity" if math.isinf(number) else "a finite number"
