"""Targets in files, and what `truth` says of all pairs of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xentcheck.campaign.exhaustive import subject
from xentcheck.campaign.exhaustive.exact import Judged, Pairs, judge
from xentcheck.campaign.exhaustive.subject import Subject, opened

HEADER = """
import numpy as np
import xentcheck.reference as reference


def bits(logits):
    return np.asarray(logits).view(np.uint16).astype(np.int64)


def sparse(labels):
    return labels if np.ndim(labels) == 1 else np.asarray(labels).argmax(axis=1)


def softplus(logits, labels):
    z = np.asarray(logits).astype(np.float64)
    labels = sparse(labels)
    rows = np.arange(len(z))
    return np.logaddexp(0.0, z[rows, 1 - labels] - z[rows, labels])


"""

Opening = Callable[..., tuple[dict[str, Any], Subject]]


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    """Return a function that writes a module with a `loss`, and maybe a `gradient`, and opens it for a campaign."""

    def made(code: str, dtype: str = "float16", part: str = "loss", **contract: Any) -> tuple[dict[str, Any], Subject]:
        path = tmp_path / "mine.py"
        path.write_text(HEADER + code, encoding="utf-8")
        stated = {"reduction": "none", "dtypes": [dtype], **contract}
        target = {"loss": f"{path}:loss", "changes": stated}
        if "def gradient" in code:
            target["gradient"] = f"{path}:gradient"
        return target, opened(target, {"format": dtype, "part": part})

    yield made
    subject._opened.cache_clear()


def exactly(chosen: Subject, i: int, label: int, some: slice = slice(None)) -> tuple[np.ndarray, Judged]:
    """Return positions of z1 that are promised anything, all or some, and what `truth` says of these pairs."""
    columns = np.flatnonzero(chosen.promised)
    outcome = chosen.ask(chosen.batch(chosen.numbers.rows(i, columns), label))
    got = getattr(outcome, chosen.part)
    return columns[some], judge(chosen, Pairs(np.full(len(columns[some]), i), columns[some], label, got[some]))
