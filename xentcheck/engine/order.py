"""What is to be done in one cell, and the shards that its batches are cut into: the units of work of a run.

How many shards there are depends on the batches planned and on nothing else, so that the verdict is the same however
many processes share them, in whatever order, and whichever of them are done twice.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from xentcheck.batches.batch import Batch
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract
from xentcheck.contract.reading import contract_of
from xentcheck.engine.costs import NO_COSTS, Costs
from xentcheck.engine.economy import ALL, FEW_ENOUGH, Economy, chosen
from xentcheck.engine.plan import Cell, cells
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.targets import Host, Outcome, TargetSpecification, open_host

SHARD = 40  # batches planned in one, at most


Opening = tuple[Any, ...]
"""The arguments of `opened`."""


def opened(
    specification: TargetSpecification,
    directory: str,
    time_limit: float,
    first_time_limit: float,
    memory: int | str | None,
) -> Host:
    """Open a host of a target; on a machine that has not the directory, paths begin where the process is."""
    return open_host(
        specification,
        time_limit=time_limit,
        first_time_limit=first_time_limit,
        memory=memory,
        directory=directory if os.path.isdir(directory) else None,
    )


@dataclass(frozen=True)
class Order:
    """What is to be done in a cell; it can be sent to another process.

    Parameters
    ----------
    specification : TargetSpecification
    directory : str
        Where its paths begin.
    cell : Cell
    dtypes : tuple of str
        Those of the whole run, among which the sweep is shared.
    laws : tuple of str
        Names of the laws to judge by.
    profile : str
    seed : int
    swept, drawn : int
        Batches of the sweep, and batches to draw after it.
    witnessed : int
        Batches to keep for the witnesses.
    fail_fast : bool
    time_limit, first_time_limit : float
        Seconds a call, and one in which something may be compiled.
    memory : int or str or None
        What the target's process may have; see `open_host`.
    costs : Costs
        What calls have been measured to cost.
    economy : Economy
        What is afforded for it.
    inputs : str
        A folder to write the input of each call to before it is made, or "".
    replayed : tuple of mapping
        Batches of a corpus that are judged first; see `corpus.Replay`.
    """

    specification: TargetSpecification
    directory: str
    cell: Cell
    dtypes: tuple[str, ...]
    laws: tuple[str, ...]
    profile: str
    seed: int
    swept: int
    drawn: int
    witnessed: int
    fail_fast: bool
    time_limit: float
    first_time_limit: float
    memory: int | str | None
    costs: Costs = NO_COSTS
    economy: Economy = ALL
    inputs: str = ""
    replayed: tuple[Mapping[str, Any], ...] = ()

    @property
    def opening(self) -> Opening:
        """What `opened` opens a host by."""
        return self.specification, self.directory, self.time_limit, self.first_time_limit, self.memory

    def host(self) -> Host:
        """Open a host of the target."""
        return opened(*self.opening)

    @property
    def planned(self) -> int:
        """The number of batches."""
        return len(self.replayed) + self.swept + self.drawn

    @property
    def replays(self) -> int:
        """The number of shards, the first ones, that judge batches of a corpus and nothing else."""
        return -(-len(self.replayed) // SHARD)

    @property
    def shards(self) -> int:
        """The number of shards."""
        return self.replays + self._others

    @property
    def _others(self) -> int:
        return max(1, -(-(self.swept + self.drawn) // SHARD))

    def shard(self, number: int) -> Shard:
        """Return one of the shards."""
        if number < self.replays:
            return Shard(0, 0, 0, 0, self.replayed[number * SHARD : (number + 1) * SHARD])
        number -= self.replays
        start, stop = ((self.swept + self.drawn) * place // self._others for place in (number, number + 1))
        first = min(start, self.swept), min(stop, self.swept)
        # The first shard that draws has the seed of the cell, which depends on the run's seed and the cell's name.
        name = f"{self.cell}" if start <= self.swept else f"{self.cell} {number}"
        return Shard(*first, stop - start - (first[1] - first[0]), zlib.crc32(f"{self.seed} {name}".encode()))


@dataclass(frozen=True)
class Shard:
    """A part of the search of a cell: the sweep from `start` to before `stop`, and how many batches are `drawn`.

    Or batches of a corpus that are `replayed`.
    """

    start: int
    stop: int
    drawn: int
    seed: int
    replayed: tuple[Mapping[str, Any], ...] = ()

    @property
    def planned(self) -> int:
        """The number of batches."""
        return len(self.replayed) + self.stop - self.start + self.drawn


def capabilities_of(host: Host, costs: Costs = NO_COSTS, economy: Economy = ALL) -> Capabilities:
    """Return what laws need to know of a target, of which calls may have been measured to cost much."""
    told = host.description
    shapes, calls = told.contract.shapes, told.contract.calls
    return Capabilities(
        told.has_loss,
        told.has_gradient,
        told.has_vjp,
        told.expensive_shapes or costs.new_shape > 0.0 if shapes == "measured" else shapes == "few",
        told.has_hessian_vector,
        told.has_jvp,
        costs.call >= FEW_ENOUGH if calls == "measured" else calls == "few",
        economy.few_layouts,
    )


def first_outcome(host: Host, cell: Cell) -> Outcome:
    """Return what the first batch of a cell is answered."""
    contract, capabilities = host.description.contract, capabilities_of(host)
    few = capabilities.expensive_shapes
    first = next(sweep(contract, cell.dtype, cell.labels, sizes="quick", expensive_shapes=few))
    return Case(contract, capabilities, host, first).answer.outcome


def swept(
    contract: Contract, cell: Cell, profile: str, few_shapes: bool, dtypes: tuple[str, ...], economy: Economy = ALL
) -> tuple[Batch, ...]:
    """Return the sweep of a cell, or what is afforded of it; see `sweep`.

    It is kept from the plan of a run to its shards, each of which has a part of it.
    """
    stated = json.dumps(contract.as_mapping())
    if not economy.saves:
        return _swept(stated, cell, profile, few_shapes, dtypes)
    return _afforded(stated, profile, few_shapes, dtypes, economy)[cell]


@lru_cache(maxsize=2)
def _afforded(
    contract: str, profile: str, few_shapes: bool, dtypes: tuple[str, ...], economy: Economy
) -> dict[Cell, tuple[Batch, ...]]:
    run = cells(contract_of(json.loads(contract)), dtypes)
    return chosen({cell: _swept(contract, cell, profile, few_shapes, dtypes) for cell in run}, economy)


@lru_cache(maxsize=16)
def _swept(contract: str, cell: Cell, profile: str, few_shapes: bool, dtypes: tuple[str, ...]) -> tuple[Batch, ...]:
    stated, shapes = contract_of(json.loads(contract)), few_shapes
    return tuple(sweep(stated, cell.dtype, cell.labels, sizes=profile, expensive_shapes=shapes, dtypes=dtypes))
