"""An argument of a target's call, as its signature states it."""

from __future__ import annotations

from dataclasses import dataclass

from xentcheck.contract.harmless import harmless

_LONGEST = 100


@dataclass(frozen=True)
class Parameter:
    """One argument of a callable.

    Parameters
    ----------
    name : str
    required : bool
        Whether a call without it fails.
    by_name : bool
        Whether it can be passed by keyword.
    default : str
        As Python writes it; "" for one that is required.
    """

    name: str
    required: bool
    by_name: bool
    default: str = ""

    def __post_init__(self) -> None:
        for name in ("name", "default"):
            object.__setattr__(self, name, harmless(getattr(self, name), _LONGEST))
