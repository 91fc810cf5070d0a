"""What a diagnosis comes to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """A mistake that explains what was returned.

    Parameters
    ----------
    mechanism : str
        A short key, such as "mean_for_sum".
    sentence : str
        What is wrong and what to change, for someone who has not seen the code of xentcheck.
    """

    mechanism: str
    sentence: str
