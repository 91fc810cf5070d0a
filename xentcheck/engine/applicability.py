"""Which laws say something about a target, before anything is judged."""

from __future__ import annotations

from collections.abc import Iterable

from xentcheck.engine.order import capabilities_of
from xentcheck.engine.plan import cells
from xentcheck.properties.registry import choose
from xentcheck.targets import TargetSpecification, open_host


def why_inapplicable(
    specification: TargetSpecification,
    properties: Iterable[str] | None = None,
    dtypes: Iterable[str] | None = None,
    *,
    time_limit: float,
    first_time_limit: float,
) -> dict[str, str]:
    """Return of each law why it says nothing about a target in any dtype and form of labels, or "" where it does.

    Parameters
    ----------
    specification : TargetSpecification
        It is imported, and called at most once to find out its framework.
    properties, dtypes : iterable of str, optional
        The laws asked about, and where; by default all, and everywhere that the contract promises.
    time_limit, first_time_limit : float
        As for `xentcheck.check`.

    Raises
    ------
    TargetError, ContractError, UnknownPropertyError
    """
    laws = choose(properties)
    with open_host(specification, time_limit=time_limit, first_time_limit=first_time_limit) as host:
        contract, capabilities = host.description.contract, capabilities_of(host)
    planned = cells(contract, dtypes)
    found = {}
    for law in laws:
        reasons = [law.silent(contract, capabilities, cell.dtype, cell.labels) for cell in planned]
        found[law.name] = reasons[0] if all(reasons) else ""
    return found
