"""Runs go without witnesses here, unless a module asks for them by WITNESSES = True."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def witnesses_where_asked_for(request: pytest.FixtureRequest) -> None:
    """Have no process of jax beside each run: what the witnesses say decides no verdict."""
    if not getattr(request.module, "WITNESSES", False):
        request.getfixturevalue("no_witnesses")
