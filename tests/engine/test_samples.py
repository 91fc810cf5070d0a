"""The samples behind the report's plots: the worst in each range, few, and the same in whatever order they come."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.engine.cell_result import CellResult
from xentcheck.engine.plan import Cell
from xentcheck.engine.samples import KEPT, Sample, Samples, points
from xentcheck.engine.search import CellSearch
from xentcheck.properties.law import Capabilities
from xentcheck.properties.registry import choose
from xentcheck.targets import TargetSpecification, open_host


def sample(ulp: float, gap: float = 0.0, offset: float = 0.0, classes: int = 2) -> Sample:
    """Return a sample."""
    return Sample(ulp, 0.5, gap, offset, classes, 1, "A", (1.0, 2.0, 3.0))


def gathered(samples: list[Sample]) -> Samples:
    """Return the samples kept of some."""
    kept = Samples()
    for one in samples:
        kept._keep("loss", one)
    return kept


def many(count: int) -> list[Sample]:
    """Return samples as various as those of a long run."""
    rng = np.random.default_rng(1)
    sizes = np.exp(rng.uniform(-30, 700, (count, 2)))
    return [
        sample(float(ulp), float(gap), float(offset), int(classes))
        for ulp, (gap, offset), classes in zip(rng.random(count), sizes, rng.integers(1, 300_000, count), strict=True)
    ]


def test_the_worst_in_each_range_are_kept() -> None:
    """Of the same gap, offset and number of classes only these."""
    kept = gathered([sample(float(ulp)) for ulp in range(10)]).points()["loss"]
    assert kept.ulp == (7.0, 8.0, 9.0)
    assert KEPT == 3
    apart = gathered([sample(float(ulp), gap=100.0 if ulp < 5 else 0.0) for ulp in range(10)]).points()["loss"]
    assert apart.ulp == (2.0, 3.0, 4.0, 7.0, 8.0, 9.0)


def test_order_and_parts_do_not_matter() -> None:
    """A search in two parts, put together, keeps what the whole one does; doubled samples count once."""
    samples = many(2000)
    whole = gathered(samples).points()
    assert gathered(samples[::-1] + samples[:500]).points() == whole
    together = gathered(samples[:700])
    together.update(pickle.loads(pickle.dumps(gathered(samples[700:]))))
    assert together.points() == whole


def test_a_long_run_keeps_some_hundreds() -> None:
    """Whatever its batches are."""
    assert 100 < len(gathered(many(20_000)).points()["loss"].ulp) < 200


def test_infinities_are_kept_in_order() -> None:
    """An infinite error is the worst."""
    assert gathered([sample(1.0), sample(math.inf), sample(2.0), sample(3.0)]).points()["loss"].ulp == (
        2.0,
        3.0,
        math.inf,
    )


def summed(scores: Any, labels: Any) -> Any:
    """A right loss in one place, and wrong by a hundredth where there are eight classes."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    rows = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return rows.mean() * (1.01 if scores.shape[1] == 8 else 1.0) if len(labels) else np.float64(0.0)


@pytest.fixture(scope="module")
def result() -> CellResult:
    """What a search knows of a target that is wrong with eight classes."""
    with open_host(TargetSpecification(loss=summed)) as host:
        cell = Cell("float64", "sparse")
        return CellSearch(Contract(), Capabilities(), host, choose(["value"]), cell).run("quick", 20, 0, swept=150)


def test_the_points_agree_with_the_grades(result: CellResult) -> None:
    """The worst point is the worst error known; columns are of one length; what is wrong has eight classes."""
    found = result.samples.points()["loss"]
    columns = (found.gap, found.offset, found.classes, found.rows, found.ulp, found.share, found.grade)
    assert {len(column) for column in (*columns, *found.bounds.values())} == {len(found.ulp)}
    assert max(found.ulp) == pytest.approx(result.grades["loss"].ulp.value, rel=1e-3)
    assert {m for m, grade in zip(found.classes, found.grade, strict=True) if grade == "fail"} == {8}
    assert len(set(found.classes)) > 4
    assert max(found.offset) > 100
    assert min(found.gap) == 0.0


def test_a_point_is_within_the_bound_of_its_grade(result: CellResult) -> None:
    """Where a batch has grade B or better, its error is at most the bound of B at that element."""
    found = result.samples.points()["loss"]
    rows = list(zip(found.grade, found.ulp, found.bounds["B+"], found.bounds["B"], strict=True))
    assert all(ulp <= 1.001 * b for grade, ulp, _, b in rows if grade == "B")
    assert all(ulp <= 1.001 * relative for grade, ulp, relative, _ in rows if grade == "B+")
    assert all(ulp <= 1.001 for grade, ulp, *_ in rows if grade in ("A*", "A"))
    assert any(grade in ("B", "B+") for grade, *_ in rows)


def test_points_of_several_cells_are_those_of_the_dtype() -> None:
    """Label forms are put together; a dtype without any is left out."""
    found = points([("float64", gathered([sample(1.0)])), ("float64", gathered([sample(2.0)])), ("float32", Samples())])
    assert set(found) == {"float64"}
    assert found["float64"]["loss"].ulp == (1.0, 2.0)
