"""The door of this package: a specification becomes a host."""

from __future__ import annotations

from xentcheck.targets.description import TargetDescription
from xentcheck.targets.errors import TargetError
from xentcheck.targets.host.ahead import Ahead
from xentcheck.targets.host.base import Host
from xentcheck.targets.host.in_process import LocalHost
from xentcheck.targets.host.isolated import FIRST_TIME_LIMIT, TIME_LIMIT, WorkerHost
from xentcheck.targets.host.memory import memory_limit
from xentcheck.targets.specification import TargetSpecification, build_plan

__all__ = [
    "Ahead",
    "Host",
    "LocalHost",
    "TargetDescription",
    "TargetError",
    "TargetSpecification",
    "WorkerHost",
    "import_ahead",
    "open_host",
]


def open_host(
    specification: TargetSpecification,
    *,
    time_limit: float = TIME_LIMIT,
    first_time_limit: float = FIRST_TIME_LIMIT,
    memory: int | str | None = None,
    in_process: bool | None = None,
    directory: str | None = None,
    ahead: Ahead | None = None,
) -> Host:
    """Return a host for a target.

    Parameters
    ----------
    specification : TargetSpecification
    time_limit, first_time_limit : float
        See `WorkerHost`.
    memory : int or str, optional
        What the target's process may have, in bytes or as "4GB" or "512MiB".
    in_process : bool, optional
        Whether the target runs in this process; by default only where a part of it is a callable given as such.
    directory : str, optional
        Where paths begin and pyproject.toml is looked for; by default the current directory.
    ahead : Ahead, optional
        What `import_ahead` has begun for this target, with the same memory.

    Raises
    ------
    TargetError, ContractError
        For what can be seen without importing the target: an unknown name, a file that does not exist, a
        package that is not installed, a contract that is none, a size that is none. `Host.ready` raises the rest.
    """
    limit = memory_limit(memory)
    planned = build_plan(specification, directory)
    if specification.in_process or in_process:
        planned.require_here("A callable is called")
        if limit is not None:
            raise TargetError("A callable is called in this process, without --memory: give the target by name.")
        return LocalHost(planned)
    return WorkerHost(planned, time_limit, first_time_limit, limit, ahead)


def import_ahead(specification: TargetSpecification, memory: int | str | None = None) -> Ahead | None:
    """Begin to import a target whose contract is not known yet; None where it is, or where it runs in this process.

    The parameters are those of `open_host`, which raises what is raised here, too.
    """
    planned = build_plan(specification)
    if specification.in_process or planned.contract is not None or planned.changes:
        return None
    return Ahead(planned, memory_limit(memory))
