"""A finding in half a line: what was got, for which batch, and what is certified."""

from __future__ import annotations

from collections.abc import Iterable

from xentcheck.report import arrays
from xentcheck.report.finding import Finding

LONGEST = 48


def headline(finding: Finding) -> str:
    """Return a finding such as ``law 1: loss -1e-09, certified 0, for [[0.0]], label 0``; its end may be cut off."""
    said, certified = finding.title, ""
    if finding.part and isinstance(finding.got, str):
        said = f"{finding.part} {finding.got}"
    elif finding.part and finding.got is not None:
        got, certified = _numbers(float(finding.got), finding.certified)
        said = f"{finding.part} {got}"
    batch = f"{',' if certified else ''} for {_batch(finding)}" if finding.batch else ""
    return f"law {finding.number}: {said}{certified}{batch}"


def _numbers(got: float, certified: tuple[float, float] | None) -> tuple[str, str]:
    """Return number and interval in as few digits, from six on, as tell them apart."""
    if certified is None:
        return f"{got:.6g}", ""
    for digits in (6, 9, 12, 17):
        said, low, high = (f"{value + 0.0:.{digits}g}" for value in (got, *certified))  # -0 + 0 is 0
        if said not in (low, high):
            break
    return said, f", certified {low}" if low == high else f", certified [{low}, {high}]"


def _batch(finding: Finding) -> str:
    scores = arrays.matrix(finding.batch["scores"])
    labels = arrays.matrix(finding.batch["labels"]) if arrays.labelled(finding.batch) else []
    flat = [item for row in labels for item in row]
    if not arrays.labelled(finding.batch):
        said = ""
    elif finding.batch.get("label_form", "sparse") != "sparse":
        said = f", labels {_bracketed(_bracketed(row) for row in labels)}"
    else:
        said = f", label {flat[0]}" if len(flat) == 1 else f", labels {_bracketed(flat)}"
    text = f"{_bracketed(_bracketed(row) for row in scores)}{said}"
    shape = " x ".join(str(size) for size in finding.batch["scores"]["shape"])
    return text if len(text) <= LONGEST else f"a {shape} batch"


def _bracketed(words: Iterable[str]) -> str:
    return f"[{', '.join(words)}]"
