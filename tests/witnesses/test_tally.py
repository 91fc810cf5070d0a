"""A tally counts what agrees, and says where the worst of the rest is."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from xentcheck.witnesses import WitnessTally


def test_agreement_is_counted():
    """Inside the enclosure is 0 times the radius, beside it by half a radius 0.5."""
    tally = WitnessTally("jax", note="float64")
    assert tally.hold([1.0, 2.5], [1.0, 1.0], [0.5, 1.0], [1.5, 2.0], at="loss")
    assert tally.as_mapping() == {
        "name": "jax",
        "compared": 2,
        "agreed": 2,
        "worst": 0.5,
        "worst_at": "loss[1]",
        "note": "float64",
    }


def test_a_disagreement_is_reported_with_its_place():
    """The worst of several calls is kept, with batch and index."""
    tally = WitnessTally("scipy")
    assert tally.hold(np.zeros((2, 2)), 1.0, np.zeros((2, 2)), np.zeros((2, 2)))
    assert not tally.hold([[0.0, 0.0], [0.0, -3.0]], 1.0, 0.0, 0.0, at="batch 7 gradient")
    assert tally.hold(1.0, 2.0, 0.0, 0.0, at="batch 8")
    assert (tally.compared, tally.agreed, tally.worst) == (9, 8, 3.0)
    assert tally.worst_at == "batch 7 gradient[1, 1]"


def test_infinities_and_nan_agree_only_with_themselves():
    """An exact inf or nan is met by the same; a finite enclosure never by inf or nan, nor the other way round."""
    inf, nan = np.inf, np.nan
    for value, end, agrees in [
        (inf, inf, True),
        (nan, nan, True),
        (1.0, inf, False),
        (nan, inf, False),
        (-inf, inf, False),
        (inf, nan, False),
        (1.0, nan, False),
        (nan, 1.0, False),
        (inf, 1.0, False),
    ]:
        tally = WitnessTally("w")
        assert tally.hold(value, 0.25, end, end) == agrees
        assert tally.worst == (0.0 if agrees else inf)


def test_no_radius_no_comparison_and_a_radius_of_zero():
    """An infinite radius says nothing; with the radius 0 only the enclosure itself will do."""
    tally = WitnessTally("w")
    assert tally.hold([5.0, 5.0], [np.inf, np.nan], 0.0, 0.0)
    assert tally.compared == 0
    assert tally.hold(0.0, 0.0, 0.0, 0.0)
    assert not tally.hold(1e-300, 0.0, 0.0, 0.0)
    assert (tally.compared, tally.agreed, tally.worst) == (2, 1, np.inf)
    assert tally.hold(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))


def test_importing_the_witnesses_imports_no_framework():
    """Neither jax nor scipy is loaded before a witness is called."""
    code = "import sys, xentcheck.witnesses; print(sorted({'jax', 'scipy', 'platformdirs'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
