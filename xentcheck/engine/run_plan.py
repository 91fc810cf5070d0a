"""A run from beginning to end, decided before its first batch: what has this plan gives the same report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from xentcheck.engine.corpus import Entry, Replay, replays
from xentcheck.engine.costs import NO_COSTS, Costs, costs, seconds_of_a_call, seconds_of_new_shapes
from xentcheck.engine.economy import SLOWER, Economy, economy
from xentcheck.engine.order import Order, capabilities_of, first_outcome, swept
from xentcheck.engine.plan import PROFILES, Cell, cells, drawn_in_each
from xentcheck.properties.registry import choose
from xentcheck.targets import Host, TargetError, TargetSpecification
from xentcheck.targets.find.registered import by_name
from xentcheck.truth.formats import FORMATS


@dataclass(frozen=True)
class RunPlan:
    """What a run does.

    Parameters
    ----------
    specification : TargetSpecification
    directory : str
        Where its paths begin.
    profile : str
    seed : int
    laws : tuple of str
        Names of the laws to judge by.
    cells : tuple of Cell
    swept : tuple of int
        How long the sweep of each cell is.
    fail_fast : bool
    time_limit, first_time_limit : float
    memory : int or str or None
    costs : Costs
        What the target's calls have been measured to cost.
    economy : Economy
        What is afforded for that.
    rounds : int
        How many times as many batches are drawn as the profile says.
    replayed : tuple of tuple of mapping
        The batches of a corpus that are judged first in each cell.
    """

    specification: TargetSpecification
    directory: str
    profile: str
    seed: int
    laws: tuple[str, ...]
    cells: tuple[Cell, ...]
    swept: tuple[int, ...]
    fail_fast: bool
    time_limit: float
    first_time_limit: float
    memory: int | str | None
    costs: Costs
    economy: Economy
    rounds: int
    replayed: tuple[tuple[Replay, ...], ...]

    @property
    def two_processes(self) -> bool:
        """Whether a second process saves time: each compiles for the shapes of other cells, or waits for slow calls."""
        dear = self.costs.compiling > 0.0 or self.costs.call >= SLOWER
        return dear and len(self.cells) > 1 and several_processors() and not self.fail_fast

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes of the run."""
        return tuple(dict.fromkeys(cell.dtype for cell in self.cells))

    def orders(self, folder: str = "") -> list[Order]:
        """Return what is to be done in each cell; a folder takes the inputs of calls of unregistered targets."""
        target = self.specification
        known = set(target.given) == {"loss"} and isinstance(target.loss, str) and by_name(target.loss) is not None
        amount = PROFILES[self.profile]
        drawn = self.rounds * drawn_in_each(amount, len(self.cells))
        if self.economy.drawn is not None:
            drawn = min(drawn, self.economy.drawn)
        return [
            Order(
                self.specification,
                self.directory,
                cell,
                self.dtypes,
                self.laws,
                self.profile,
                self.seed,
                count,
                drawn,
                -(-amount.witnessed // len(self.cells)),
                self.fail_fast,
                self.time_limit,
                self.first_time_limit,
                self.memory,
                self.costs,
                self.economy,
                "" if known else folder,
                replayed,
            )
            for cell, count, replayed in zip(self.cells, self.swept, self.replayed, strict=True)
        ]


@dataclass(frozen=True)
class Options:
    """What a caller asks of a run; see `run.check_target`."""

    profile: str = "quick"
    seed: int = 0
    properties: tuple[str, ...] | None = None
    dtypes: tuple[str, ...] | None = None
    fail_fast: bool = False
    time_limit: float = 10.0
    first_time_limit: float = 120.0
    memory: int | str | None = None
    rounds: int = 1
    corpus: tuple[Entry, ...] = ()


def planned(specification: TargetSpecification, options: Options, host: Host) -> RunPlan:
    """Return the plan of a run; the target is asked whether it can be called, and what a new shape costs.

    Raises
    ------
    TargetError, ContractError, UnknownPropertyError
    """
    contract = host.description.contract
    chosen = _available(cells(contract, options.dtypes), host)
    measured = _costs(host, chosen)
    dtypes = tuple(dict.fromkeys(cell.dtype for cell in chosen))
    few = capabilities_of(host, measured).expensive_shapes
    drawn = options.rounds * drawn_in_each(PROFILES[options.profile], len(chosen))
    sweeps = {cell: swept(contract, cell, options.profile, few, dtypes) for cell in chosen}
    saving = economy(options.profile, measured, few, sweeps, drawn, slow=contract.calls == "few")
    return RunPlan(
        specification,
        os.getcwd(),
        options.profile,
        options.seed,
        tuple(law.name for law in choose(options.properties)),
        chosen,
        tuple(len(swept(contract, cell, options.profile, few, dtypes, saving)) for cell in chosen),
        options.fail_fast,
        options.time_limit,
        options.first_time_limit,
        options.memory,
        measured,
        saving,
        options.rounds,
        tuple(replays(options.corpus, host.description.name, contract, cell) for cell in chosen),
    )


def several_processors() -> bool:
    """Whether this process may use more than one processor."""
    return (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) > 1


def _available(chosen: tuple[Cell, ...], host: Host) -> tuple[Cell, ...]:
    """Return the cells in whose dtype the target can be asked; raises TargetError if there are none."""
    found = tuple(cell for cell in chosen if cell.dtype not in host.description.unavailable_dtypes)
    if not found:
        where = host.description.elsewhere
        raise TargetError(f"{host.description.name} cannot be judged in bfloat16: {where} has no ml_dtypes.")
    return found


def _costs(host: Host, chosen: Sequence[Cell]) -> Costs:
    """Return what is measured: of shapes in any case, as two processes may compile; of calls if nothing is declared.

    The first batch of all is asked in the narrowest dtype: what keeps that of its first call is then wrong in the
    others. Where few shapes are declared, that takes on what a first call of all does once, and the next one counts.
    Nothing is measured of a target that did not live to answer; whatever it answers is for the search to find.
    """
    contract, cell = host.description.contract, chosen[0]
    narrowest = max(chosen, key=lambda one: FORMATS[one.dtype].unit_roundoff)
    narrower = narrowest.dtype != cell.dtype
    if narrower and first_outcome(host, narrowest).died:
        return NO_COSTS
    early = narrower and contract.shapes == "few"
    shapes = seconds_of_new_shapes(contract, host, cell, begun=False) if early else []
    if not _usable(host, cell):
        return NO_COSTS
    shapes = shapes or seconds_of_new_shapes(contract, host, cell)
    found = costs(shapes, 0.0)
    if contract.calls != "measured":
        return found
    return replace(found, call=seconds_of_a_call(contract, host, cell, compiles=found.compiling > 0.0))


def _usable(host: Host, cell: Cell) -> bool:
    """Return whether a first call ends; raise TargetError if it fails whatever the batch: its signature is another."""
    contract, outcome = host.description.contract, first_outcome(host, cell)
    raised = outcome.raised
    if raised is None or raised.kind != "TypeError" or raised.where or raised.call == "convert":
        return not outcome.died
    arguments = ["labels", "scores"] if contract.argument_order == "labels_first" else ["scores", "labels"]
    arguments = ["scores"] if contract.is_entropy else arguments
    arguments += [f"{name}=..." for name in contract.arguments.values()]
    raise TargetError(
        f"{host.description.name} cannot be called as {raised.call}({', '.join(arguments)}): {raised.message}; "
        "say what it takes with --contract argument_order=labels_first, output=entropy (of the scores alone) or the "
        "option keys, or wrap it in a function."
    )
