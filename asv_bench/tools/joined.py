"""One curve for each benchmark, whatever optional packages were installed beside.

asv keeps apart what was measured in different environments, so that a peer installed from some commit on would cut
every curve in two. The versions that the configuration states do keep results apart.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any


def join(results: Path, folder: Path, packages: Collection[str]) -> None:
    """Copy results to a folder, which is emptied first, as if no packages but the given ones had been there.

    Of two figures of the same benchmark and commit the later one is taken.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for listing in results.glob("*.json"):
        _copy(listing, folder / listing.name)
    for machine in sorted(results.glob("*/machine.json")):
        _copy(machine, folder / machine.parent.name / machine.name)
        kept: dict[Path, dict[str, Any]] = {}
        for path in sorted(machine.parent.glob("????????-*.json")):
            content = json.loads(path.read_text(encoding="utf-8"))
            _forget(content, packages)
            target = folder / machine.parent.name / f"{content['commit_hash'][:8]}-{content['env_name']}.json"
            kept[target] = _later(kept[target], content) if target in kept else content
        for target, content in kept.items():
            target.write_text(json.dumps(content), encoding="utf-8")


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)


def _forget(content: dict[str, Any], packages: Collection[str]) -> None:
    """Take the other packages out of a result file's environment."""
    for name in sorted(set(content["requirements"]) - set(packages)):
        version = content["requirements"].pop(name)
        content["params"].pop(name, None)
        content["env_name"] = content["env_name"].replace(f"-{name}{version}", "", 1)


def _later(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return one file with the figures of the other that are later or that it lacks."""
    started = one["result_columns"].index("started_at")
    rows = dict(one["results"])
    for name, row in other["results"].items():
        if rows.get(name) is None or (row is not None and (row[started] or 0) > (rows[name][started] or 0)):
            rows[name] = row
    return {**one, "results": rows, "durations": {**other.get("durations", {}), **one.get("durations", {})}}
