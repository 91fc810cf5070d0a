"""What a target returned, as a report has it: where a log-probability came back, laws see a loss, minus that.

An element of a log-probability is "log_probability[0]" in a report, and "loss[0]" to the laws.
"""

from __future__ import annotations

from xentcheck.contract import Contract

Interval = tuple[float, float]


def element(contract: Contract, part: str) -> str:
    """Return what a report calls an element that laws call "loss[0]"."""
    return part.replace("loss", contract.output, 1) if part.partition("[")[0] == "loss" else part


def role(part: str) -> str:
    """Return the part of an outcome that holds an element of a report: "loss" of "log_probability[0]"."""
    name = part.partition("[")[0]
    return "loss" if name == "log_probability" else name


def number(contract: Contract, got: float | str | None) -> float | str | None:
    """Return a number as it was returned; words are left as they are."""
    return -got if contract.sign < 0 and isinstance(got, float) else got


def interval(contract: Contract, certified: Interval | None) -> Interval | None:
    """Return the bounds of what should have been returned."""
    if contract.sign > 0 or certified is None:
        return certified
    low, high = certified
    return 0.0 - high, 0.0 - low  # not -0
