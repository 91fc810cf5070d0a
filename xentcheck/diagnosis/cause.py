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
    shown : bool
        Whether it has been shown, so that it may be told: what happened says so by itself, or several wrong answers do
        that differ, and no right one speaks against it. What is not shown is a suspicion.
    known : str
        What tells wrong answers from right ones, where no mechanism is shown; "" if nothing does.
    foretold : bool
        Whether it predicts every wrong answer there is, and no right one wrongly, shown or not.
    """

    mechanism: str
    sentence: str
    shown: bool = True
    known: str = ""
    foretold: bool = False
