"""A target for which nobody declares a contract is probed before it is judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xentcheck.targets import TargetSpecification


def probed(specification: TargetSpecification, given: dict[str, Any]) -> tuple[TargetSpecification, dict[str, Any]]:
    """Return a specification with what is taken of its inferred contract, and what the report says of that.

    What keeps a target from being probed does not keep it from being judged: it is told, and the defaults hold.

    Parameters
    ----------
    specification : TargetSpecification
    given : dict
        The options of `check`.

    Returns
    -------
    TargetSpecification, dict
        The fields of `TargetSummary` that the report states otherwise than the engine; {} where a contract is declared.
    """
    from xentcheck.contract import ContractError
    from xentcheck.probing import infer_undeclared, taken
    from xentcheck.targets import TargetError

    try:
        inference = infer_undeclared(
            specification,
            time_limit=given["time_limit"],
            first_time_limit=given["first_time_limit"],
            memory=given["memory"],
        )
    except (TargetError, ContractError) as error:
        return specification, {"not_inferred": str(error)}
    except Exception as error:  # what a target did to an experiment must not cost its verdict
        return specification, {"not_inferred": f"an experiment failed ({type(error).__name__}: {error})."}
    if inference is None:
        return specification, {}
    changes, keys = taken(inference)
    return replace(specification, changes=changes), {"contract_source": "inferred", "inferred": keys}
