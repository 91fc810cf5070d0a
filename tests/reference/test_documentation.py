"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from xentcheck import reference

MODULES = [module.name for module in pkgutil.iter_modules(reference.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    """Every example prints what its docstring says."""
    result = doctest.testmod(importlib.import_module(f"xentcheck.reference.{name}"))
    assert result.failed == 0


def test_every_public_function_is_documented():
    """All public names have docstrings, and the examples are there."""
    attempted = sum(
        doctest.testmod(importlib.import_module(f"xentcheck.reference.{name}")).attempted for name in MODULES
    )
    assert attempted >= 12
    assert all(getattr(reference, name).__doc__ for name in reference.__all__)
