"""asv.conf.json: what asv would ignore in silence."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from asv_bench.tools import configuration
from asv_bench.tools.places import ROOT


def test_the_dependencies_are_pinned() -> None:
    """Each is in the matrix with a version: wheels are installed without theirs, and figures must stay comparable.

    But for filelock, which workers of pytest-xdist need alone, and packaging, which pytest brings: a new entry would
    part all curves from their past.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.match(r"[\w.-]+", text).group() for text in project["dependencies"]}  # type: ignore[union-attr]
    pinned = configuration.read()["matrix"]["req"]
    assert wanted - set(pinned) == {"filelock", "packaging"}
    assert all(re.fullmatch(r"[\d.]+", version) for name in wanted & set(pinned) for version in pinned[name])


def test_wheels_are_installed_alone() -> None:
    """asv's own commands fail with dependencies, or install over those that are pinned."""
    content = configuration.read()
    assert all("--no-deps" in content[key][0] for key in ("build_command", "install_command"))


def test_the_asv_is_the_one_that_was_tried() -> None:
    """Its behaviour changes between minor releases, and its pages name the scripts that are known here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["optional-dependencies"]["bench"] == ["asv==0.6.6", "asv_runner==0.3.2"]
    assert configuration.read()["matrix"]["req"]["pip+asv_runner"] == ["0.3.2"]


@pytest.mark.needs("asv")
def test_asv_knows_every_key() -> None:
    """And would not have known these two, which others have written."""
    assert configuration.unknown_keys(configuration.read()) == []
    assert configuration.unknown_keys({"regression_thresholds": {}, "repo": "."}) == ["regression_thresholds"]
    assert configuration.unknown_keys({"wheel_cache_size": 1}) == ["wheel_cache_size"]


def test_thresholds_that_watch_nothing() -> None:
    """A pattern is matched from the start of the name, as asv does."""
    content = {"regressions_thresholds": {"speed\\.": 0.3, "Loss": 0.3}}
    assert configuration.idle_thresholds(content, ["speed.Loss.time_sparse"]) == ["Loss"]


def test_a_derived_configuration_leaves_the_kept_results_alone(tmp_path: Path) -> None:
    """Its paths are absolute, its results its own."""
    content = json.loads(configuration.derived(tmp_path / "gate", hash_length=7).read_text())
    assert content["repo"] == str(ROOT)
    assert content["benchmark_dir"] == str(ROOT / "asv_bench" / "benchmarks")
    assert content["results_dir"] == str(tmp_path / "gate" / "results")
    assert content["hash_length"] == 7
