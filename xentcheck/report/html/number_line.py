"""What was got against the certified interval, on a number line: places in percent of its width, and words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xentcheck.report import arrays
from xentcheck.report.finding import Finding

_EDGE = 6.0
"""Percent of the width that is left free on either side."""


@dataclass(frozen=True)
class NumberLine:
    """A number line.

    Parameters
    ----------
    got, certified : float
        Where the number returned and the middle of the certified interval are, in percent of the width.
    low, high : float
        From where to where the allowance reaches.
    beyond : bool
        Whether what was got lies beyond the line, at an infinity.
    got_text, certified_text, words : str
        What stands at the marks, and the whole in words.
    """

    got: float
    certified: float
    low: float
    high: float
    beyond: bool
    got_text: str
    certified_text: str
    words: str


def number_line(finding: Finding) -> NumberLine | None:
    """Return the number line of a finding; None where what was got is no number, or the exact value is not finite."""
    got, certified = finding.got, finding.certified
    if isinstance(got, str) or got is None or math.isnan(got) or certified is None:
        return None
    low, high = certified
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    allowance = finding.allowance if finding.allowance is not None and math.isfinite(finding.allowance) else 0.0
    # Distances from the certified value: exact where the two are so near that their digits would not tell.
    beyond = math.isinf(got)
    distance = math.copysign(4.0 * max(allowance, high - low, 1e-300), got) if beyond else got - low
    if not math.isfinite(distance):
        return None
    left, right = min(distance, -allowance), max(distance, high - low + allowance)
    width = right - left or 1.0

    def place(at: float) -> float:
        return round(_EDGE + (100.0 - 2.0 * _EDGE) * ((at - left) / width), 2)

    middle = low + (high - low) / 2.0
    known = high - low <= 1e-15 * abs(middle)
    certified_text = arrays.decimal(middle) if low == high or known else f"{middle:.6g}"
    got_text = arrays.decimal(got)
    error = 0.0 if beyond else max(low - got, got - high, 0.0)
    side = "above" if got > high else "below" if got < low else "inside"
    away = f"beyond every number, {side} it" if beyond else f"{error:.3g} {side} the certified interval"
    times = f", {error / allowance:,.3g} allowances" if allowance and error and not beyond else ""
    words = f"The target returned {got_text}; the certified value is {certified_text}: it is {away}{times}."
    return NumberLine(
        place(distance),
        place((high - low) / 2.0),
        place(-allowance),
        place(high - low + allowance),
        beyond,
        got_text,
        certified_text,
        words,
    )
