"""The target along a line of scores through the batch of a finding: what the report draws beside the exact loss."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import BatchError
from xentcheck.batches.storage import from_mapping
from xentcheck.contract import Contract
from xentcheck.engine.costs import NO_COSTS, Costs
from xentcheck.engine.order import Order, capabilities_of
from xentcheck.properties.answer import Answer
from xentcheck.properties.case import Case
from xentcheck.report.finding import Finding, Line
from xentcheck.report.findings import telling
from xentcheck.report.report import Report
from xentcheck.report.returned import index
from xentcheck.targets import Host

Floats = NDArray[np.float64]
POINTS = 61
FINDINGS = 8
LARGEST = 2**13  # scores of a batch, since it is asked about POINTS times


def with_lines(report: Report, order: Order) -> Report:
    """Return a report with a line through the batches of its most telling findings, asked of a host of its own.

    Ctrl-C ends it. It is an extra, and costs nothing that was found.
    """
    chosen = [finding for finding in telling(report.findings) if finding.certified is not None][:FINDINGS]
    drawn: dict[int, Line | None] = {}
    try:
        with order.host() as host:
            for finding in chosen:
                drawn[id(finding)] = line_through(finding, host, order.costs)
    except KeyboardInterrupt:
        pass
    except Exception as error:
        said = f"a fault of xentcheck in asking along a line: {error!r}"
        report = replace(report, observations=(*report.observations, said))
    return replace(report, findings=tuple(replace(one, line=drawn.get(id(one))) for one in report.findings))


def line_through(finding: Finding, host: Host, costs: Costs = NO_COSTS) -> Line | None:
    """Return the line through the batch of a finding; None where there is none to draw.

    That is so for what are no logits, a target without a loss, large batches, and as soon as the target's process dies.
    """
    contract, capabilities = host.description.contract, capabilities_of(host, costs)
    try:
        batch = from_mapping(finding.batch)
    except BatchError:
        return None
    if contract.input != "logits" or not capabilities.loss or not 0 < batch.scores.size <= LARGEST:
        return None
    way = _way(batch, finding.part)
    points = []
    for t in way.t:
        moved = way.batch(float(t))
        case = Case(contract, capabilities, host, moved)
        allowed = np.array_equal(np.isfinite(moved.scores), np.isfinite(batch.scores)) and case.allows(moved)
        points.append(_Point.of(case.answer, way.velocity) if allowed else _Point())
        if case.deaths:
            return None
    sloped = capabilities.gradient
    return Line(
        direction=way.words,
        at=way.at,
        t=tuple(map(float, way.t)),
        loss=tuple(one.loss for one in points),
        certified_loss=tuple(one.certified_loss for one in points),
        allowance=tuple(one.allowance for one in points),
        slope=tuple(one.slope for one in points) if sloped else (),
        certified_slope=tuple(one.certified_slope for one in points) if sloped else (),
        of_loss=_of_loss(contract),
    )


@dataclass(frozen=True, eq=False)
class _Way:
    """Scores that depend on t: base + t velocity, where they are finite."""

    base: Batch
    offset: Floats
    velocity: Floats
    t: Floats
    at: float
    words: str

    def batch(self, t: float) -> Batch:
        if t == self.at:
            return self.base
        with np.errstate(all="ignore"):
            moved = (self.offset + t * self.velocity).astype(self.base.scores.dtype)
        return self.base.replace(scores=np.where(np.isfinite(self.base.scores), moved, self.base.scores))


def _way(batch: Batch, part: str) -> _Way:
    """Return the line through a batch: all scores times t from -1 to 3, or one score plus t where all are 0."""
    scores = batch.scores.astype(np.float64)
    finite = np.where(np.isfinite(scores), scores, 0.0)
    t = np.linspace(-1.0, 3.0, POINTS)
    if finite.any():
        return _Way(batch, np.zeros(scores.shape), finite, t, 1.0, "all scores times t")
    row, column = (*index(part), 0, 0)[:2]
    velocity = np.zeros(scores.shape)
    velocity[row, column] = 1.0
    return _Way(batch, finite, velocity, 4.0 * (t - 1.0), 0.0, f"score [{row}, {column}] plus t")


@dataclass(frozen=True)
class _Point:
    loss: float = math.nan
    certified_loss: float = math.nan
    allowance: float = math.nan
    slope: float = math.nan
    certified_slope: float = math.nan

    @classmethod
    def of(cls, answer: Answer, velocity: Floats) -> _Point:
        """Return an answer's numbers and the exact ones, rows added up."""
        if answer.truth.unspecified:
            return cls()
        with np.errstate(all="ignore"):
            return cls(*(float(value) for value in _values(answer, velocity)))


def _values(answer: Answer, velocity: Floats) -> Iterator[float]:
    returned, nan = answer.numbers("loss"), math.nan
    yield nan if returned is None else returned.sum()
    yield answer.enclosed.loss.hi.sum()
    yield answer.allowances.loss.sum()
    returned, exact = answer.numbers("gradient"), answer.enclosed.gradient
    yield nan if returned is None else _along(returned, velocity)
    yield nan if exact is None else _along(exact.hi, velocity)


def _along(gradient: Floats, velocity: Floats) -> float:
    return float((gradient * velocity)[velocity != 0.0].sum())


def _of_loss(contract: Contract) -> bool:
    """Return whether the gradient is promised to be that of the loss as it is returned."""
    same = contract.gradient_wrt == "logits" and contract.effective_gradient_reduction == contract.reduction
    return same and not contract.p_minus_t and (contract.gradient_of == "loss" or contract.boundary.exact)
