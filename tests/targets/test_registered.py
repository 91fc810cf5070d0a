"""The registered targets: what each says of itself, and that nothing of them is imported to say it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from xentcheck.contract import Contract
from xentcheck.targets.call.frameworks import FRAMEWORKS
from xentcheck.targets.find.registered import TARGETS, names
from xentcheck.targets.find.registration import Registered

OURS = [target for target in TARGETS if target.name.startswith("reference")]
FOREIGN = [target for target in TARGETS if target not in OURS]


def test_no_name_is_given_twice() -> None:
    """Nor is an alias the name of another."""
    assert [name for name, times in Counter(names()).items() if times > 1] == []


@pytest.mark.parametrize("target", FOREIGN, ids=lambda target: target.name)
def test_every_key_of_a_contract_has_a_source(target: Registered) -> None:
    """Its documentation, or what showed it; with the versions tried and how to install them."""
    Contract.from_mapping(target.contract)
    assert target.documentation
    assert target.tried
    assert target.install.startswith("pip install")
    assert set(target.seen) <= {*Contract().as_mapping()}
    assert target.framework in ("numpy", *FRAMEWORKS)
    # noxfile.py hands these to pip, in an environment where xentcheck is not.
    assert target.requirements
    assert not any("xentcheck" in each or "," in each for each in target.requirements)
    assert all(each in target.install or "xentcheck[" in target.install for each in target.requirements)


def test_listing_them_imports_none() -> None:
    """Nor any shim."""
    source = """
import sys
from xentcheck.targets.find import registered
print([name for name in sys.modules if name.startswith("xentcheck.targets.shims") or name in FRAMEWORKS])
"""
    command = [sys.executable, "-c", f"FRAMEWORKS = {FRAMEWORKS}\n{source}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
