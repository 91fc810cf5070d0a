"""What a target returned, as a report has it: where a log-probability came back, laws see a loss, minus that.

An element of a log-probability is "log_probability[0]" in a report, and "loss[0]" to the laws; one of an entropy, which
was asked for without labels, is "entropy[0]".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from xentcheck.batches.batch import Batch
from xentcheck.batches.storage import to_mapping
from xentcheck.contract import Contract

Interval = tuple[float, float]


def element(contract: Contract, part: str) -> str:
    """Return what a report calls an element that laws call "loss[0]"."""
    return part.replace("loss", contract.output, 1) if part.partition("[")[0] == "loss" else part


def role(part: str) -> str:
    """Return the part of an outcome that holds an element of a report: "loss" of "log_probability[0]"."""
    name = part.partition("[")[0]
    return "loss" if name in ("log_probability", "entropy") else name


def index(part: str) -> tuple[int, ...]:
    """Return the index of an element: (0, 1) of "gradient[0, 1]", () of "loss"."""
    return tuple(int(word) for word in re.findall(r"\d+", part.partition("[")[2]))


def given(contract: Contract, batch: Batch) -> dict[str, Any]:
    """Return a batch as a report has it: as it was handed over, for an entropy without labels."""
    return to_mapping(batch, labelled=not contract.is_entropy)


def spoken(stated: Mapping[str, Any], part: str) -> str:
    """Return what a table calls a part, "entropy" for a loss that is one; of a contract as a report states it."""
    return "entropy" if part == "loss" and stated.get("output") == "entropy" else part


def number(contract: Contract, got: float | str | None) -> float | str | None:
    """Return a number as it was returned; words are left as they are."""
    return -got if contract.sign < 0 and isinstance(got, float) else got


def interval(contract: Contract, certified: Interval | None) -> Interval | None:
    """Return the bounds of what should have been returned."""
    if contract.sign > 0 or certified is None:
        return certified
    low, high = certified
    return 0.0 - high, 0.0 - low  # not -0
