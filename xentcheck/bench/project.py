"""A folder of benchmarks for a project's own repository, by which it tracks its losses across its commits."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xentcheck.targets.call.target import Target
from xentcheck.targets.errors import TargetError
from xentcheck.targets.find.locate import is_file, locate, split

_TEMPLATE = Path(__file__).with_name("template") / "benchmarks.py"
_ROLES = ("loss", "gradient", "value_and_gradient")
_FORMS = ("sparse", "onehot")
_INIT = '''"""Benchmarks; asv imports every module here."""

import ctypes

# Have glibc give no memory back: else times of large arrays alternate by a factor of 2. Before numpy allocates.
try:
    for option, value in ((-4, 0), (-1, 2**31 - 1)):
        ctypes.CDLL(None).mallopt(option, value)
except (AttributeError, OSError):
    pass
'''


def described(target: Target, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the benchmarks need to know of a target, in JSON types; called where the target is imported.

    Raises
    ------
    TargetError
        Where its functions have no location of their own that other projects could import.
    """
    if 0 not in target.convention.extra_axes:
        raise TargetError(f"{plan['name']} promises extra axes alone, and the benchmarks of --asv have rows alone.")
    functions = {}
    for role in _ROLES:
        function = getattr(target.functions, role)
        if function is not None:
            functions[role] = _location(plan, role, function)
    contract = target.contract
    offered = contract.get("labels", ["sparse"])
    return {
        "name": plan["name"],
        "package": "" if is_file(split(next(iter(functions.values())))[0]) else target.package,
        "framework": target.framework.name,
        "differentiates": target.differentiated,
        "functions": functions,
        "keywords": dict(target.convention.keywords),
        "input": contract.get("input", "logits"),
        "forms": [form for form in _FORMS if form in offered or (form == "onehot" and "soft" in offered)],
        "labels_first": target.convention.labels_first,
        "transposed": target.convention.axis == 0,
    }


def _location(plan: Mapping[str, Any], role: str, function: Any) -> str:
    """Return where a function of a target is; a method is found from the location of its class."""
    stated = plan["functions"].get(role) or plan["functions"].get("loss")
    if not isinstance(stated, str) or stated.startswith("xentcheck."):
        raise TargetError(f"The {role} of {plan['name']} is no function of yours; --asv is for those of your project.")
    found = locate(stated, plan["base"])
    if isinstance(found, Mapping):
        raise TargetError(f"{stated} is a mapping; name its functions for --asv.")
    location = stated
    if found is not function and hasattr(type(found) if not isinstance(found, type) else found, function.__name__):
        location = f"{stated}.{function.__name__}"
    module, attribute = split(location)
    if is_file(module):
        module = os.path.abspath(os.path.join(plan["base"], os.path.expanduser(module)))
    return f"{module}:{attribute}"


def write(folder: Path, targets: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write asv.conf.json and the benchmarks, and return the files.

    Parameters
    ----------
    folder : Path
        Inside a git repository; it may exist, but none of the files may.
    targets : sequence of mapping
        As `described` returns them.

    Raises
    ------
    TargetError
    """
    folder = folder.resolve()
    root = _repository(folder)
    benchmarks = folder / "benchmarks"
    files = [folder / name for name in ("asv.conf.json", ".gitignore")]
    files += [benchmarks / name for name in ("__init__.py", "targets.json", "losses.py")]
    existing = [path for path in files if path.exists()]
    if existing:
        raise TargetError(f"{existing[0]} exists already; give --asv another folder, or remove it.")
    benchmarks.mkdir(parents=True, exist_ok=True)
    up = os.path.relpath(root, benchmarks)
    stated = {target["name"]: _relative(target, root, up) for target in targets}
    contents = (_configuration(folder, root, targets), ".asv/\n", _INIT, stated)
    for path, content in zip(files, contents, strict=False):
        text = content if isinstance(content, str) else json.dumps(content, indent=4) + "\n"
        path.write_text(text, encoding="utf-8")
    shutil.copyfile(_TEMPLATE, files[-1])
    return files


def _relative(target: Mapping[str, Any], root: Path, up: str) -> dict[str, Any]:
    """Return a target with its files relative to the repository's root."""
    functions = {}
    for role, location in target["functions"].items():
        module, attribute = split(location)
        if is_file(module):
            path = Path(module).resolve()
            if not path.is_relative_to(root):
                raise TargetError(f"{module} is not in the repository {root}; --asv measures the commits of one.")
            module = path.relative_to(root).as_posix()
        functions[role] = f"{module}:{attribute}"
    kept = {key: value for key, value in target.items() if key not in ("name", "package")}
    return {**kept, "functions": functions, "root": up}


def _configuration(folder: Path, root: Path, targets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    project, requirements = _project(root)
    required = {"numpy", *requirements}
    required |= {target["framework"] for target in targets}
    required |= {target["package"] for target in targets} - {project, project.replace("-", "_")}
    # asv would take the project's own folder for a package of the index.
    required -= {"", *(path.name for path in root.iterdir()), *(path.stem for path in root.glob("src/*"))}
    installable = "build-system" in _toml(root) or (root / "setup.py").is_file()
    commands: dict[str, Any] = {"build_command": [], "install_command": [], "uninstall_command": []}
    if installable:
        # asv's own commands fail where the project has a dependency, and install over the versions pinned here.
        commands = {
            "build_command": ["python -m pip wheel --no-deps -w {build_cache_dir} {build_dir}"],
            "install_command": ["in-dir={env_dir} python -m pip install --no-deps --force-reinstall {wheel_file}"],
        }
    return {
        "version": 1,
        "project": project,
        "repo": os.path.relpath(root, folder),
        "branches": [_git(root, "symbolic-ref", "--short", "HEAD") or "main"],
        "environment_type": "virtualenv",
        "matrix": {"req": {name: [""] for name in sorted(required)}},
        **commands,
        "benchmark_dir": "benchmarks",
        "results_dir": "results",
        "env_dir": ".asv/env",
        "html_dir": ".asv/html",
        "regressions_thresholds": {
            "losses\\.Time": 0.3,
            "losses\\.(SparseOverOneHot|OverSoftmax)": 0.2,
            "losses\\.Memory": 0.05,
        },
    }


def _project(root: Path) -> tuple[str, list[str]]:
    """Return the project's name and the packages that it depends on, without their versions."""
    project = _toml(root).get("project", {})
    names = ["".join(_name(text)) for text in project.get("dependencies", [])]
    return str(project.get("name", root.name)), names


def _name(requirement: str) -> list[str]:
    letters = []
    for letter in requirement.strip():
        if not (letter.isalnum() or letter in "-_."):
            break
        letters.append(letter)
    return letters


def _toml(root: Path) -> dict[str, Any]:
    path = root / "pyproject.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise TargetError(f"{path} cannot be read: {error}.") from None


def _repository(folder: Path) -> Path:
    """Return the root of the git repository that a folder lies in, or will lie in."""
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    root = _git(existing, "rev-parse", "--show-toplevel")
    if not root:
        raise TargetError(f"{folder} is not in a git repository; --asv writes benchmarks of a repository's commits.")
    return Path(root).resolve()


def _git(folder: Path, *arguments: str) -> str:
    """Return what git says, or "" where it fails or is not there."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
