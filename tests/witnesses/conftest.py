"""The independent truth, shared by the tests of this folder."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest


@pytest.fixture(scope="session")
def exact():
    """The module exact.py beside this file."""
    path = pathlib.Path(__file__).with_name("exact.py")
    specification = importlib.util.spec_from_file_location("witnesses_exact", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
