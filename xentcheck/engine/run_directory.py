"""The directory of a run: its plan, and its journal. Any number of processes may work on it, at once or in turn."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xentcheck.contract import Contract
from xentcheck.engine.costs import Costs
from xentcheck.engine.economy import Economy
from xentcheck.engine.journal import Journal
from xentcheck.engine.plan import Cell
from xentcheck.engine.reporting import environment
from xentcheck.engine.run_plan import RunPlan
from xentcheck.report.encoding import plain
from xentcheck.targets import TargetDescription, TargetError, TargetSpecification
from xentcheck.version import __version__

FORMAT = "xentcheck-run/4"
PLAN = "plan.json"
_MEASURED = ("costs", "economy", "swept", "replayed", "directory")
"""What is taken from a plan that is there, and does not make another run of it."""


def folder_of(directory: str | os.PathLike[str], specification: TargetSpecification) -> Path:
    """Return the folder of a target in a directory, which may be that of several."""
    given = json.dumps([str(value) for value in specification.given.values()])
    name = specification.name or str(next(iter(specification.given.values()), ""))
    shown = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in Path(name).name)[:60]
    return Path(directory) / f"{shown}-{hashlib.sha256(given.encode()).hexdigest()[:8]}"


def opened(folder: Path, plan: RunPlan, description: TargetDescription) -> tuple[RunPlan, Journal]:
    """Return the plan and the journal of a directory, which is made if it is not there.

    Raises
    ------
    TargetError
        With one sentence, if the directory holds another run, or cannot be used.
    """
    stated = stated_plan(plan, description)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _create(folder / PLAN, stated)
        kept = read(folder)
        difference = _difference(kept, json.loads(json.dumps(stated)))
        if difference:
            raise TargetError(f"{folder} holds another run: {difference}; give another directory, or ask for the same.")
        return plan_of(kept), Journal(folder, mark(kept))
    except OSError as error:
        raise TargetError(f"{folder} cannot be used as the directory of a run: {error.strerror}.") from None


def read(folder: Path) -> dict[str, Any]:
    """Return the stated plan of a directory; raises TargetError where there is none."""
    try:
        stated = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        if stated["format"] == FORMAT:
            return dict(stated)
    except (OSError, ValueError, LookupError, TypeError):
        pass
    raise TargetError(f"{folder} holds no plan of a run that this version reads ({PLAN}).")


def mark(stated: Mapping[str, Any]) -> str:
    """Return what marks the run of a plan in its journal."""
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()[:16]


def stated_plan(plan: RunPlan, description: TargetDescription) -> dict[str, Any]:
    """Return a plan as JSON types, with what its records depend on besides."""
    specification = plan.specification
    if specification.in_process:
        raise TargetError("A callable exists in this process only: a run that is to be resumed needs a target's name.")
    contract = specification.contract
    return {
        "format": FORMAT,
        "xentcheck": __version__,
        "python": platform.python_version(),
        "packages": dict(environment(description).packages),
        "elsewhere": None if description.elsewhere is None else plain(description.elsewhere),
        "target": {"name": description.name, "version": description.version},
        "files": _files(specification, plan.directory),
        "contract": description.contract.as_mapping(),
        **{name: value for name, value in vars(plan).items() if name not in ("specification", "cells")},
        "cells": [[cell.dtype, cell.labels] for cell in plan.cells],
        "costs": asdict(plan.costs),
        "economy": asdict(plan.economy),
        "specification": {
            **specification.given,
            "contract": None if contract is None else contract.as_mapping(),
            "changes": dict(specification.changes),
            "name": specification.name,
            "python": specification.python,
            "venv": specification.venv,
        },
    }


def plan_of(stated: Mapping[str, Any]) -> RunPlan:
    """Return the plan that `stated_plan` stated."""
    given = dict(stated["specification"])
    contract = given.pop("contract")
    return RunPlan(
        TargetSpecification(**given, contract=None if contract is None else Contract.from_mapping(contract)),
        stated["directory"],
        stated["profile"],
        stated["seed"],
        tuple(stated["laws"]),
        tuple(Cell(*cell) for cell in stated["cells"]),
        tuple(stated["swept"]),
        stated["fail_fast"],
        stated["time_limit"],
        stated["first_time_limit"],
        stated["memory"],
        Costs(**stated["costs"]),
        Economy(**stated["economy"]),
        stated["rounds"],
        tuple(tuple(replayed) for replayed in stated["replayed"]),
    )


def _files(specification: TargetSpecification, directory: str) -> dict[str, str]:
    """Return the digests of the files that are named by path: a target that was changed is another one."""
    found = {}
    for location in specification.given.values():
        path = location.rpartition(":")[0]
        file = Path(directory) / path
        if file.suffix == ".py" and file.is_file():
            found[path] = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    return found


def _create(file: Path, stated: Mapping[str, Any]) -> None:
    """Write the plan, whole, if there is none; of two runs that do so at once, one does."""
    if file.exists():
        return
    draft = file.with_name(f"{file.name}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with draft.open("x", encoding="utf-8") as stream:
            stream.write(json.dumps(stated, indent=1) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)


def _difference(kept: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Return in words what is different first of all, or ""."""
    for name, value in wanted.items():
        if name not in _MEASURED and kept.get(name) != value:
            inside = isinstance(value, dict) and isinstance(kept.get(name), dict)
            if inside:
                for key in {**kept[name], **value}:
                    if kept[name].get(key) != value.get(key):
                        return f"its {name} {key} is {kept[name].get(key)!r}, and not {value.get(key)!r}"
            return f"its {name.replace('_', ' ')} is {kept.get(name)!r}, and not {value!r}"
    return ""
