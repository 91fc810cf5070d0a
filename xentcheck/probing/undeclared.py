"""A target for which nobody declares a contract is probed before it is judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xentcheck.contract import ContractError
from xentcheck.probing.begin import infer_undeclared
from xentcheck.probing.taking import taken
from xentcheck.targets import Ahead, TargetError, TargetSpecification
from xentcheck.targets.errors import NotReadyError
from xentcheck.targets.host.isolated import FIRST_TIME_LIMIT, TIME_LIMIT


def probed(
    specification: TargetSpecification,
    *,
    time_limit: float = TIME_LIMIT,
    first_time_limit: float = FIRST_TIME_LIMIT,
    memory: int | str | None = None,
    ahead: Ahead | None = None,
) -> tuple[TargetSpecification, dict[str, Any]]:
    """Return a specification with what is taken of its inferred contract, and what the report says of that.

    What keeps a target from being probed does not keep it from being judged: it is told, and the defaults hold.

    Parameters
    ----------
    specification : TargetSpecification
    time_limit, first_time_limit, memory
        As those that the target is judged with: what has time enough to be imported there has it here.
    ahead : Ahead, optional
        A process that imports the target meanwhile. Where the import fails beside it, as of a target that takes a port
        or a lock, it is ended, and the target imported alone.

    Returns
    -------
    TargetSpecification, dict
        The fields of `TargetSummary` that the report states otherwise than the engine; {} where a contract is declared.
    """
    limits = {"time_limit": time_limit, "first_time_limit": first_time_limit}
    try:
        try:
            inference = infer_undeclared(specification, **limits, memory=memory)
        except NotReadyError:
            if ahead is None:
                raise
            ahead.close()
            inference = infer_undeclared(specification, **limits, memory=memory)
    except (TargetError, ContractError) as error:
        return specification, {"not_inferred": str(error)}
    except Exception as error:  # what a target did to an experiment must not cost its verdict
        return specification, {"not_inferred": f"an experiment failed ({type(error).__name__}: {error})."}
    if inference is None:
        return specification, {}
    changes, keys = taken(inference)
    return replace(specification, changes=changes), {"contract_source": "inferred", "inferred": keys}
