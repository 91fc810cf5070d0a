"""The doors of this room: a target's process is started, and while it imports, so are the experiments."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

from xentcheck.contract import Contract
from xentcheck.probing.inference import Inference
from xentcheck.targets import Host, TargetError, TargetSpecification, open_host
from xentcheck.targets.errors import NotReadyError
from xentcheck.targets.find.registered import by_name
from xentcheck.targets.specification import build_plan

TIME_LIMIT = 10.0
FIRST_TIME_LIMIT = 30.0


def infer(
    specification: TargetSpecification,
    *,
    time_limit: float = TIME_LIMIT,
    first_time_limit: float = FIRST_TIME_LIMIT,
    directory: str | None = None,
) -> Inference:
    """Infer the contract of a target from its answers; what it declares of itself is not looked at.

    Only where the call of a registered target names a reduction is that its contract's: it is part of the call.

    Parameters
    ----------
    specification : TargetSpecification
        Its contract and changes are left out.
    time_limit, first_time_limit : float
        Seconds that a call may take, and the import or a call that compiles.
    directory : str, optional
        Where paths begin and pyproject.toml is looked for.

    Raises
    ------
    TargetError
        If the target cannot be used: in one sentence.
    """
    begun = perf_counter()
    registered = by_name(specification.loss) if isinstance(specification.loss, str) else None
    reduction = registered.contract.get("reduction", "mean") if registered else "mean"
    bare = replace(specification, contract=Contract(reduction=reduction), changes={})
    with open_host(bare, time_limit=time_limit, first_time_limit=first_time_limit, directory=directory) as host:
        inference = _experiments(host)
    return _timed(inference, specification, begun)


def infer_undeclared(
    specification: TargetSpecification,
    *,
    time_limit: float = TIME_LIMIT,
    first_time_limit: float = FIRST_TIME_LIMIT,
    memory: int | str | None = None,
) -> Inference | None:
    """Infer of a target what a check has to know, where nobody has declared a contract; None where somebody has.

    That is how it is called and read, its constants, options and gradient, and whether it refuses float32 or float64.
    What it makes of infinities, bad input, further axes and dtypes is left out: of those the defaults promise nothing.

    Parameters
    ----------
    specification : TargetSpecification
    time_limit, first_time_limit
        As for `infer`.
    memory : int or str, optional
        What the target's process may have.

    Raises
    ------
    NotReadyError
        If the target cannot be imported.
    TargetError, ContractError
    """
    begun = perf_counter()
    planned = build_plan(specification)
    if planned.contract is not None or planned.changes:
        return None
    opening = open_host(specification, time_limit=time_limit, first_time_limit=first_time_limit, memory=memory)
    with opening as host:
        try:
            declared = host.ready().contract_source != "default"
        except TargetError as error:
            raise NotReadyError(str(error)) from error
        if declared:
            return None
        inference = _experiments(host, at_the_rim=False)
    return _timed(inference, specification, begun)


def _timed(inference: Inference, specification: TargetSpecification, begun: float) -> Inference:
    place = {"python": specification.python, "venv": specification.venv}
    named = {**specification.given, **{key: path for key, path in place.items() if path}}
    inference.callables = {role: value for role, value in named.items() if isinstance(value, str)}
    inference.seconds = perf_counter() - begun
    return inference


def _experiments(host: Host, at_the_rim: bool = True) -> Inference:
    # What calculates takes as long to import as many targets do, whose process has been started by now.
    from xentcheck.probing.run import experiments

    return experiments(host, at_the_rim)
