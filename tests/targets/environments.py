"""Virtual environments that have what they are given, and nothing else."""

from __future__ import annotations

import venv
from pathlib import Path


def environment_with(folder: Path, **packages: Path | str) -> Path:
    """Make a virtual environment with these packages and no others: links to what is installed, or source texts."""
    venv.create(folder, symlinks=True, with_pip=False)
    site = next(folder.glob("lib/python3.*/site-packages"))
    for name, content in packages.items():
        if isinstance(content, Path):
            (site / name.replace("_libs", ".libs")).symlink_to(content)
        else:
            (site / f"{name}.py").write_text(content)
    return folder
