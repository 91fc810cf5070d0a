"""The configuration of asv: reading it, deriving one for another purpose, and finding what asv would ignore.

asv takes no notice of a key that it does not know, so that a slip of the pen disables a threshold in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from asv_bench.tools.places import CONFIGURATION, ROOT

# Read by asv, but not among the attributes of its Config.
_READ_ELSEWHERE = frozenset({"version", "build_cache_size"})


def read(path: Path = CONFIGURATION) -> dict[str, Any]:
    """Return the configuration as a mapping."""
    with path.open(encoding="utf-8") as stream:
        content: dict[str, Any] = json.load(stream)
    return content


def derived(folder: Path, **changes: Any) -> Path:
    """Write a configuration to a folder, with absolute paths and results in that folder; return its path."""
    content = read()
    content["repo"] = str(ROOT)
    for key in ("benchmark_dir", "env_dir", "html_dir"):
        content[key] = str(ROOT / content[key])
    content["results_dir"] = str(folder / "results")
    content.update(changes)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "asv.conf.json"
    path.write_text(json.dumps(content, indent=4), encoding="utf-8")
    return path


def unknown_keys(configuration: Mapping[str, Any]) -> list[str]:
    """Return the keys that asv does not know."""
    from asv.config import Config

    return sorted(set(configuration) - set(vars(Config())) - _READ_ELSEWHERE)


def idle_thresholds(configuration: Mapping[str, Any], benchmarks: Iterable[str]) -> list[str]:
    """Return the patterns of thresholds that no benchmark matches."""
    names = list(benchmarks)
    patterns = configuration.get("regressions_thresholds", {})
    return [pattern for pattern in patterns if not any(re.match(pattern, name) for name in names)]
