"""Reading asv's files, and what the smoke run rejects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from asv_bench.tools import results, smoke
from asv_bench.tools.results import Measured

COMMIT = "0123456789abcdef"


def write(folder: Path, rows: dict[str, Any]) -> None:
    """Write what asv would after a run of two benchmarks, one of them with two parameters."""
    listing = {"speed.time": {"params": [["10", "20"]]}, "memory.track": {"params": []}, "version": 2}
    (folder / "m").mkdir(parents=True)
    (folder / "benchmarks.json").write_text(json.dumps(listing))
    content = {"result_columns": ["result", "params", "version"], "results": rows}
    (folder / "m" / "01234567-env.json").write_text(json.dumps(content))


def test_figures_by_benchmark_and_parameters(tmp_path: Path) -> None:
    """Every combination has its number."""
    write(tmp_path, {"speed.time": [[1.0, 2], [["10", "20"]], "v"], "memory.track": [[3.0], [], "v"]})
    measured = results.read(tmp_path, COMMIT)
    assert measured.values == {("speed.time", ("10",)): 1.0, ("speed.time", ("20",)): 2.0, ("memory.track", ()): 3.0}
    assert measured.missing == []


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf"), "n/a"])
def test_what_is_no_number_is_missing(tmp_path: Path, nothing: Any) -> None:
    """n/a is nan in asv's files, failed is null."""
    write(tmp_path, {"speed.time": [[1.0, nothing], [["10", "20"]], "v"], "memory.track": [[3.0], [], "v"]})
    assert results.read(tmp_path, COMMIT).missing == ["speed.time(20)"]


def test_a_benchmark_that_failed_as_a_whole(tmp_path: Path) -> None:
    """It has null instead of results, or nothing at all."""
    write(tmp_path, {"speed.time": [None, [["10", "20"]], "v"]})
    assert results.read(tmp_path, COMMIT).missing == ["speed.time(10)", "speed.time(20)", "memory.track()"]
    assert results.read(tmp_path, COMMIT, ["^memory"]).missing == ["memory.track()"]


def test_another_commit_has_no_figures(tmp_path: Path) -> None:
    """And a folder without files has no benchmarks."""
    write(tmp_path, {"memory.track": [[3.0], [], "v"]})
    assert len(results.read(tmp_path, "f" * 40).missing) == 3
    assert results.read(tmp_path / "none", COMMIT).values == {}


@pytest.mark.needs("asv")
def test_smoke_accepts_numbers_only() -> None:
    """n/a, nan and failures are faults, and so is a run of nothing."""
    whole = {("speed.a", ()): 1.0, ("speed.b", ("10",)): None}
    assert smoke.faults(Measured({("speed.a", ()): 1.0}), whole=False) == []
    assert smoke.faults(Measured(whole), whole=False) == ["speed.b(10) gave no number"]
    assert smoke.faults(Measured(), whole=False) == ["no benchmark was run"]
    assert smoke.faults(Measured({("speed.a", ()): 1.0}), status=2, whole=False) == ["asv ended with status 2"]


@pytest.mark.needs("asv")
def test_smoke_finds_keys_and_thresholds_that_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that asv does not know, and a threshold that no benchmark matches."""
    content = {"regression_thresholds": {}, "regressions_thresholds": {"sped\\.": 0.3}}
    monkeypatch.setattr("asv_bench.tools.configuration.read", lambda: content)
    assert smoke.faults(Measured({("speed.a", ()): 1.0})) == [
        "asv does not know the key 'regression_thresholds' of asv.conf.json",
        "no benchmark is watched by the threshold 'sped\\\\.'",
    ]
