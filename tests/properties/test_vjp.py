"""Law 15: the second answer to one question."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.engine.order import capabilities_of
from xentcheck.properties.case import Case
from xentcheck.properties.registry import choose
from xentcheck.targets import open_host
from xentcheck.zoo import BUGS, RIGHT

BATCH = Batch(np.array([[0.0, 1.0, -2.0], [3.0, 0.5, 0.0]]), np.array([1, 0]))


@pytest.mark.parametrize(("name", "again"), [("ScalesWhatItKeeps", [True]), ("vjp_of_rows", [])])
def test_the_first_batch_shows_what_is_scaled_where_it_is_kept(name: str, again: list[bool]) -> None:
    """The first answer is right; the second, to the same, is not."""
    (law,) = choose(["vjp-linearity"])
    specimen = next(one for one in (*BUGS, *RIGHT) if one.name == name)
    with open_host(specimen.specification(), in_process=True) as host:
        case = Case(host.ready().contract, capabilities_of(host), host, BATCH)
        found = list(law.judge(case))
    assert ["] again, " in one.title for one in found] == again
