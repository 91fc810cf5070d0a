"""The Python door: judge a callable, or a target by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from xentcheck.contract import Contract

if TYPE_CHECKING:
    from xentcheck.probing import Inference
    from xentcheck.report.report import Report

Named = str | Callable[..., Any] | None


def check(
    loss: Any = None,
    gradient: Named = None,
    contract: Contract | Mapping[str, Any] | None = None,
    *,
    value_and_gradient: Named = None,
    hessian_vector: Named = None,
    vjp: Named = None,
    profile: str = "quick",
    seed: int = 0,
    properties: Iterable[str] | None = None,
    dtypes: Iterable[str] | None = None,
    jobs: int = 1,
    fail_fast: bool = False,
    time_limit: float = 10.0,
    first_time_limit: float = 120.0,
    progress: bool = False,
) -> Report:
    """Judge a cross-entropy loss and, if there is one, its gradient.

    Parameters
    ----------
    loss : callable or str, optional
        Called as ``loss(scores, labels)`` with numpy arrays, scores of shape (n, m). A callable, a class with a
        loss and a gradient method or an instance of one is called in this process, so that a closure can be
        judged; a name (``"torch.nn.functional.cross_entropy"``, ``"package.module:attribute"``,
        ``"path/file.py:attribute"``) is called in a process of its own, which may crash or hang.
    gradient, value_and_gradient, hessian_vector, vjp : callable or str, optional
        Called with the arguments of the loss, in the same order; `vjp` with the upstream gradient as well.
    contract : Contract or mapping, optional
        What the target promises; see docs/contract.md.
    profile : {"quick", "standard", "thorough"}
    seed : int
        Same version, target and seed: same batches, same verdict.
    properties : iterable of str, optional
        Names or numbers of the laws to judge by; all of them by default.
    dtypes : iterable of str, optional
        Those of the contract by default.
    jobs : int
        Processes over which the search is spread; only for targets given by name.
    fail_fast : bool
        Stop at the first finding, reduced.
    time_limit, first_time_limit : float
        For targets given by name. A call that takes longer than `time_limit` seconds is made again and breaks a law if
        it is as slow then; the import, and a call in which something may be compiled, may take `first_time_limit`.
    progress : bool
        Whether to show how the run goes, on standard error.

    Returns
    -------
    Report
        ``report.conforms``, ``report.findings``, ``report.to_json()``, ``report.raise_for_findings()``.

    Raises
    ------
    TargetError, ContractError, UnknownPropertyError
        With one sentence that says what was given and what is wanted.

    Examples
    --------
    >>> import xentcheck
    >>> report = xentcheck.check("reference", properties=["value"], dtypes=["float64"])
    >>> report.verdict
    'conforms'
    """
    import sys

    from xentcheck.engine.run import check_target
    from xentcheck.report.progress import Progress
    from xentcheck.targets import TargetSpecification
    from xentcheck.targets.errors import TargetError

    if isinstance(contract, Mapping):
        contract = Contract.from_mapping(contract)
    given = (loss, gradient, value_and_gradient, hessian_vector, vjp)
    if jobs > 1 and any(item is not None and not isinstance(item, str) for item in given):
        raise TargetError("A callable cannot be sent to other processes: use jobs=1, or give the target by name.")
    return check_target(
        TargetSpecification(
            loss=loss,
            gradient=gradient,
            value_and_gradient=value_and_gradient,
            hessian_vector=hessian_vector,
            vjp=vjp,
            contract=contract,
        ),
        profile=profile,
        seed=seed,
        properties=properties,
        dtypes=dtypes,
        jobs=jobs,
        fail_fast=fail_fast,
        time_limit=time_limit,
        first_time_limit=first_time_limit,
        progress=Progress(sys.stderr, str(loss)) if progress else None,
    )


def probe(
    loss: Any = None,
    gradient: Named = None,
    *,
    value_and_gradient: Named = None,
    time_limit: float = 10.0,
    first_time_limit: float = 30.0,
) -> Inference:
    """Infer what a cross-entropy loss promises, from its answers to batches of a few rows.

    Parameters
    ----------
    loss : callable or str, optional
        As for `check`.
    gradient, value_and_gradient : callable or str, optional
        Called with the arguments of the loss, in the same order.
    time_limit, first_time_limit : float
        For targets given by name: seconds that a call may take, and the import or a call that compiles.

    Returns
    -------
    Inference
        ``inference.contract``, ``inference.findings`` with the evidence of each key, ``inference.contradictions``.

    Raises
    ------
    TargetError
        If the target cannot be used: one that raises whatever it is given, hangs, or answers by chance.

    Examples
    --------
    >>> import xentcheck
    >>> inference = xentcheck.probe("reference.summed_guarded")
    >>> inference.contract.reduction, inference.contract.argument_order, inference.contract.boundary.add
    ('sum', 'labels_first', 2.220446049250313e-16)
    """
    from xentcheck.probing import infer
    from xentcheck.targets import TargetSpecification

    specification = TargetSpecification(loss=loss, gradient=gradient, value_and_gradient=value_and_gradient)
    return infer(specification, time_limit=time_limit, first_time_limit=first_time_limit)
