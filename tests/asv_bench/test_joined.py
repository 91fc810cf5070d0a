"""Results of environments that differ in optional packages are joined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from asv_bench.tools.joined import join

COLUMNS = ["result", "params", "version", "started_at", "duration"]
COMMIT = "0123456789abcdef" * 2 + "01234567"


def write(folder: Path, requirements: dict[str, str], results: dict[str, tuple[float, int] | None]) -> None:
    """Write a result file as asv does."""
    name = "-".join(["virtualenv-py3.11", *(key + value for key, value in requirements.items())])
    content = {
        "commit_hash": COMMIT,
        "env_name": name,
        "params": {"machine": "here", "ram": "1", **requirements},
        "requirements": requirements,
        "result_columns": COLUMNS,
        "results": {key: value and [[value[0]], [], "v", value[1], 1.0] for key, value in results.items()},
        "durations": dict.fromkeys(requirements, 1.0),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "machine.json").write_text("{}", encoding="utf-8")
    (folder / f"{COMMIT[:8]}-{name}.json").write_text(json.dumps(content), encoding="utf-8")


def joined(tmp_path: Path) -> list[dict[str, Any]]:
    """Return the files that come of it."""
    (tmp_path / "results" / "benchmarks.json").write_text("{}", encoding="utf-8")
    join(tmp_path / "results", tmp_path / "out", packages=["numpy"])
    assert (tmp_path / "out" / "benchmarks.json").exists()
    assert (tmp_path / "out" / "here" / "machine.json").exists()
    return [json.loads(path.read_text()) for path in sorted((tmp_path / "out" / "here").glob("*-*.json"))]


def test_optional_packages_are_forgotten_and_later_figures_win(tmp_path: Path) -> None:
    """Two environments of one commit give one file, which has all benchmarks; the kept files stay as they are."""
    folder = tmp_path / "results" / "here"
    write(folder, {"numpy": "2.4.6", "torch": "2.13.0"}, {"a": (1.0, 10), "b": (2.0, 20), "c": None})
    write(folder, {"numpy": "2.4.6", "numba": "0.68.1"}, {"a": (3.0, 11), "b": (4.0, 19), "c": (5.0, 1), "d": (6.0, 1)})
    (content,) = joined(tmp_path)
    assert content["env_name"] == "virtualenv-py3.11-numpy2.4.6"
    assert content["params"] == {"machine": "here", "ram": "1", "numpy": "2.4.6"}
    assert {key: row[0][0] for key, row in content["results"].items()} == {"a": 3.0, "b": 2.0, "c": 5.0, "d": 6.0}
    assert len(list(folder.glob("*-*.json"))) == 2
    assert len(joined(tmp_path)) == 1


def test_versions_that_the_configuration_states_keep_results_apart(tmp_path: Path) -> None:
    """Or a step would be taken for one of this project."""
    write(tmp_path / "results" / "here", {"numpy": "2.4.6"}, {"a": (1.0, 1)})
    write(tmp_path / "results" / "here", {"numpy": "2.5.0"}, {"a": (2.0, 1)})
    assert [content["results"]["a"][0] for content in joined(tmp_path)] == [[1.0], [2.0]]
