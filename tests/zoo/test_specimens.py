"""The zoo itself: names, contracts, locations, and that each specimen can be called."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract
from xentcheck.engine.plan import cells
from xentcheck.properties.registry import LAWS
from xentcheck.targets import open_host
from xentcheck.zoo import BUGS, RIGHT, Specimen

ALL = (*BUGS, *RIGHT)


def test_numbers():
    """At least a hundred bugs and forty right ones, no two of one name."""
    names = [specimen.name for specimen in ALL]
    assert len(BUGS) >= 100
    assert len(RIGHT) >= 40
    assert len(set(names)) == len(names)


def test_every_module_is_in_the_registry():
    """A specimen that a module defines is not forgotten: each bug names its mechanism, a right one none."""
    for specimen in ALL:
        module = importlib.import_module(specimen.module)
        assert getattr(module, specimen.name) is specimen
        assert specimen.module.startswith("xentcheck.zoo.bugs_") == bool(specimen.mechanism)
        assert specimen.summary.endswith("."), specimen.name


def test_expected_laws_exist():
    """Every bug says which laws are expected to kill it, by names of the registry."""
    known = {law.name for law in LAWS}
    for specimen in BUGS:
        assert specimen.law, specimen.name
        assert set(specimen.law) <= known, specimen.name


@pytest.mark.parametrize("specimen", RIGHT, ids=lambda specimen: specimen.name)
def test_right_ones_answer_the_first_batch(specimen: Specimen):
    """Each right specimen gives finite numbers on the first batch of its sweep, in every cell."""
    contract = Contract.from_mapping(specimen.contract)
    with open_host(specimen.specification()) as host:
        for cell in cells(contract):
            outcome = host.evaluate(next(sweep(contract, cell.dtype, cell.labels)))
            assert outcome.raised is None
            parts = [part for part in (outcome.loss, outcome.gradient) if part is not None]
            assert parts
            assert all(np.isfinite(part.astype(np.float64)).all() for part in parts)


def test_specimens_that_remember_are_made_anew():
    """Two specifications of one class share no state."""
    remembering = [specimen for specimen in ALL if specimen.made_by is not None]
    assert len(remembering) >= 5
    for specimen in remembering:
        assert specimen.specification().loss is specimen.made_by


def test_a_specimen_is_a_target_by_its_location():
    """A worker process finds a specimen by module and name."""
    from xentcheck.targets import TargetSpecification

    specimen = next(found for found in BUGS if found.name == "gradient_of_the_sum")
    contract = Contract.from_mapping(specimen.contract)
    with open_host(TargetSpecification(loss=specimen.location, contract=contract)) as host:
        outcome = host.evaluate(next(sweep(contract, "float64", "sparse")))
    assert outcome.gradient is not None
    assert outcome.loss is not None
