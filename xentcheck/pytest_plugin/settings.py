"""The options and ini keys: how much is tried, with which seed, and what is known and accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

PROFILES = ("quick", "standard", "thorough")
_HELP = {
    "profile": "How much @xentcheck.parametrize and xentcheck_check try: quick, standard or thorough.",
    "seed": "The seed of their batches: same seed, same batches, same verdict.",
    "waivers": "A file of findings that are known and accepted: their tests are expected to fail.",
}
_STRICT = "Tests fail where the batch of a waiver passes: it can go."


def add_options(parser: pytest.Parser) -> None:
    """Add the options, and the ini keys of the same names."""
    group = parser.getgroup("xentcheck", "losses against certified values")
    group.addoption("--xentcheck-profile", choices=PROFILES, help=_HELP["profile"])
    group.addoption("--xentcheck-seed", type=int, metavar="N", help=_HELP["seed"])
    group.addoption("--xentcheck-waivers", metavar="FILE", help=_HELP["waivers"])
    group.addoption("--xentcheck-strict-waivers", action="store_true", help=_STRICT)
    parser.addini("xentcheck_strict_waivers", _STRICT, type="bool", default=False)
    for key, text in _HELP.items():
        parser.addini(f"xentcheck_{key}", text, default="")


def with_settings(config: pytest.Config, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of `xentcheck.check` with the profile, the seed and the waivers of a session.

    The command line goes above what the test states, that above the ini keys, and those above [tool.xentcheck] of the
    project's pyproject.toml.

    Raises
    ------
    pytest.UsageError
        For a wrong value.
    """
    stated = _of_project(config)
    if profile := config.getini("xentcheck_profile"):
        if profile not in PROFILES:
            raise pytest.UsageError(f"xentcheck_profile is {profile!r}, but must be {', '.join(PROFILES)}.")
        stated["profile"] = profile
    if seed := config.getini("xentcheck_seed"):
        if not str(seed).isdecimal():
            raise pytest.UsageError(f"xentcheck_seed is {seed!r}, but must be a number from 0 on.")
        stated["seed"] = int(seed)
    if (given := config.getoption("xentcheck_seed")) is not None and given < 0:
        raise pytest.UsageError(f"--xentcheck-seed is {given}, but must be a number from 0 on.")
    if file := config.getini("xentcheck_waivers"):
        stated["waivers"] = str(config.rootpath / file)
    chosen = {key: config.getoption(f"xentcheck_{key}") for key in _HELP}
    return {**stated, **arguments, **{key: value for key, value in chosen.items() if value is not None}}


def _of_project(config: pytest.Config) -> dict[str, Any]:
    """Return what pyproject.toml states; a project that says nothing of xentcheck does not pay for the import."""
    files = (folder / "pyproject.toml" for folder in (config.rootpath, *config.rootpath.parents))
    nearest = next((file for file in files if file.is_file()), None)
    if nearest is None or b"xentcheck" not in nearest.read_bytes():
        return {}
    from xentcheck.contract.project import ProjectError, project_settings

    try:
        return project_settings(str(config.rootpath))
    except ProjectError as error:
        raise pytest.UsageError(str(error)) from None


def is_strict(config: pytest.Config) -> bool:
    """Return whether a stale waiver fails a test."""
    return bool(config.getoption("xentcheck_strict_waivers") or config.getini("xentcheck_strict_waivers"))
