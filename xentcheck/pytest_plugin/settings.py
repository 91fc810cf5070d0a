"""The options and ini keys: how much is tried, and with which seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

PROFILES = ("quick", "standard", "thorough")
_HELP = {
    "profile": "How much @xentcheck.parametrize and xentcheck_check try: quick, standard or thorough.",
    "seed": "The seed of their batches: same seed, same batches, same verdict.",
}


def add_options(parser: pytest.Parser) -> None:
    """Add ``--xentcheck-profile`` and ``--xentcheck-seed``, and the ini keys of the same name."""
    group = parser.getgroup("xentcheck", "losses against certified values")
    group.addoption("--xentcheck-profile", choices=PROFILES, help=_HELP["profile"])
    group.addoption("--xentcheck-seed", type=int, metavar="N", help=_HELP["seed"])
    for key, text in _HELP.items():
        parser.addini(f"xentcheck_{key}", text, default="")


def with_settings(config: pytest.Config, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of `xentcheck.check` with the profile and the seed of a session.

    The command line goes above what the test states, and that above the ini keys.

    Raises
    ------
    pytest.UsageError
        For a wrong value.
    """
    stated: dict[str, Any] = {}
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
    chosen = {key: config.getoption(f"xentcheck_{key}") for key in _HELP}
    return {**stated, **arguments, **{key: value for key, value in chosen.items() if value is not None}}
