"""Law 15: the second answer to one question, and what is overwritten where the upstream gradient is not one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.properties.planted import row_losses, row_vjp
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.engine.order import capabilities_of
from xentcheck.properties.case import Case
from xentcheck.properties.registry import choose
from xentcheck.targets import TargetSpecification, open_host
from xentcheck.zoo import BUGS, RIGHT

Function = Callable[..., Any]
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


def overwrites(logits, labels, upstream):
    """Negate the upstream gradient in place where it is not all ones, and the gradient with it."""
    sign = 1.0
    if not np.all(upstream == 1.0):
        np.negative(upstream, out=upstream)
        sign = -1.0
    return sign * row_vjp(logits, labels, upstream)


@pytest.mark.parametrize(("vjp", "seen"), [(overwrites, ["upstream-changed"]), (row_vjp, [])])
def test_what_is_overwritten_only_where_the_upstream_gradient_is_not_one(vjp: Function, seen: list[str]) -> None:
    """Law 23 looks at the batch itself, whose upstream gradient is ones; law 15 has others."""
    contract = Contract(reduction="none")
    with open_host(TargetSpecification(loss=row_losses, vjp=vjp, contract=contract), in_process=True) as host:
        case = Case(host.ready().contract, capabilities_of(host), host, BATCH)
        (purity, linearity) = choose(["purity", "vjp-linearity"])
        assert list(purity.judge(case)) == []
        assert [one.got for one in linearity.judge(case)] == seen
