"""The Python door: judge a callable, or a target by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from xentcheck.contract import Contract

if TYPE_CHECKING:
    import os
    from concurrent.futures import Executor

    from xentcheck.probing import Inference
    from xentcheck.report.report import Report
    from xentcheck.targets import TargetSpecification

Named = str | Callable[..., Any] | None


def check(
    loss: Any = None,
    gradient: Named = None,
    contract: Contract | Mapping[str, Any] | None = None,
    *,
    value_and_gradient: Named = None,
    hessian_vector: Named = None,
    vjp: Named = None,
    jvp: Named = None,
    profile: str = "quick",
    seed: int = 0,
    properties: Iterable[str] | None = None,
    dtypes: Iterable[str] | None = None,
    jobs: int = 1,
    fail_fast: bool = False,
    time_limit: float = 10.0,
    first_time_limit: float = 120.0,
    memory: int | str | None = None,
    python: str | os.PathLike[str] | None = None,
    venv: str | os.PathLike[str] | None = None,
    progress: bool = False,
    executor: Executor | None = None,
    resume: str | os.PathLike[str] | None = None,
    lines: bool = False,
    waivers: str | os.PathLike[str] | None = None,
) -> Report:
    """Judge a cross-entropy loss and, if there is one, its gradient.

    Parameters
    ----------
    loss : callable or str, optional
        Called as ``loss(scores, labels)`` with numpy arrays, scores of shape (n, m). A callable, a class with a
        loss and a gradient method or an instance of one is called in this process, so that a closure can be
        judged; a name (``"torch.nn.functional.cross_entropy"``, ``"package.module:attribute"``,
        ``"path/file.py:attribute"``) is called in a process of its own, which may crash or hang.
    gradient, value_and_gradient, hessian_vector, vjp, jvp : callable or str, optional
        Called with the arguments of the loss, in the same order; `vjp` with the upstream gradient as well, and the
        product of the Hessian and the derivative by forward mode with a vector or tangent of the scores' shape.
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
    memory : int or str, optional
        For targets given by name, on Linux: what each process of the target may have, in bytes or as "4GB" or "512MiB".
    python, venv : path, optional
        For targets given by name: another interpreter to run it in, or the virtual environment that has it, of Python
        3.8 or newer, with numpy and what the target needs; xentcheck need not be there.
    progress : bool
        Whether to show how the run goes: on standard error, and in a notebook as a bar in the output.
    executor : concurrent.futures.Executor, optional
        Where the search is done instead of in `jobs` processes; only for targets given by name. Any executor will do
        whose processes can import xentcheck and the target: that of loky, of mpi4py.futures, of a Dask client. It is
        not shut down.
    resume : path, optional
        A directory that keeps what is done, so that a run that was ended, by whatever, goes on from there when it is
        called again alike; only for targets given by name.
    lines : bool
        Whether the target is asked along a line through the batches of its findings, for ``report.save("x.html")``.
    waivers : path, optional
        A file of findings that are known and accepted: they are in ``report.waived``, and have no part in the verdict.

    Returns
    -------
    Report
        ``report.conforms``, ``report.findings``, ``report.save("x.html")``, ``report.to_json()``,
        ``report.raise_for_findings()``.

    Raises
    ------
    TargetError, ContractError, UnknownPropertyError, WaiverError
        With one sentence that says what was given and what is wanted.

    Examples
    --------
    >>> import xentcheck
    >>> report = xentcheck.check("reference", properties=["value"], dtypes=["float64"])
    >>> report.verdict
    'conforms'
    """
    import os
    import sys

    from xentcheck.engine.run import check_target
    from xentcheck.report import waiver_file
    from xentcheck.report.notebook_progress import NotebookProgress, in_notebook
    from xentcheck.report.progress import Progress
    from xentcheck.targets.errors import TargetError

    known = () if waivers is None else waiver_file.read(os.fspath(waivers))
    target = _specification(loss, gradient, contract, value_and_gradient, hessian_vector, vjp, jvp, python, venv)
    if (jobs > 1 or executor is not None) and target.in_process:
        raise TargetError(
            "A callable cannot be sent to other processes: use jobs=1 and no executor, or give the target by name."
        )
    told = None
    if progress:
        told = NotebookProgress(str(loss)) if in_notebook() else Progress(sys.stderr, str(loss))
    return check_target(
        target,
        profile=profile,
        seed=seed,
        properties=properties,
        dtypes=dtypes,
        jobs=jobs,
        fail_fast=fail_fast,
        time_limit=time_limit,
        first_time_limit=first_time_limit,
        memory=memory,
        progress=told,
        executor=executor,
        resume=resume,
        lines=lines,
        waivers=known,
    )


def inapplicable(
    loss: Any = None,
    gradient: Named = None,
    contract: Contract | Mapping[str, Any] | None = None,
    *,
    value_and_gradient: Named = None,
    hessian_vector: Named = None,
    vjp: Named = None,
    jvp: Named = None,
    properties: Iterable[str] | None = None,
    dtypes: Iterable[str] | None = None,
    time_limit: float = 10.0,
    first_time_limit: float = 120.0,
    python: str | os.PathLike[str] | None = None,
    venv: str | os.PathLike[str] | None = None,
    **run: Any,
) -> dict[str, str]:
    """Return of each law why it says nothing about a target, or "" where it would be judged.

    The target is imported, and called at most once to find out its framework; nothing is judged.

    Parameters
    ----------
    loss, gradient, contract, value_and_gradient, hessian_vector, vjp, jvp, properties, dtypes
    time_limit, first_time_limit, python, venv
        As `check` takes them.
    **run
        What else `check` takes; it changes nothing here.

    Raises
    ------
    TargetError, ContractError, UnknownPropertyError
    """
    from xentcheck.engine.applicability import why_inapplicable

    return why_inapplicable(
        _specification(loss, gradient, contract, value_and_gradient, hessian_vector, vjp, jvp, python, venv),
        properties,
        dtypes,
        time_limit=time_limit,
        first_time_limit=first_time_limit,
    )


def _specification(
    loss: Any,
    gradient: Named,
    contract: Contract | Mapping[str, Any] | None,
    value_and_gradient: Named,
    hessian_vector: Named,
    vjp: Named,
    jvp: Named,
    python: str | os.PathLike[str] | None,
    venv: str | os.PathLike[str] | None,
) -> TargetSpecification:
    import os

    from xentcheck.targets import TargetSpecification

    return TargetSpecification(
        loss=loss,
        gradient=gradient,
        value_and_gradient=value_and_gradient,
        hessian_vector=hessian_vector,
        vjp=vjp,
        jvp=jvp,
        contract=Contract.from_mapping(contract) if isinstance(contract, Mapping) else contract,
        python="" if python is None else os.fspath(python),
        venv="" if venv is None else os.fspath(venv),
    )


def probe(
    loss: Any = None,
    gradient: Named = None,
    *,
    value_and_gradient: Named = None,
    time_limit: float = 10.0,
    first_time_limit: float = 30.0,
    python: str | os.PathLike[str] | None = None,
    venv: str | os.PathLike[str] | None = None,
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
    python, venv : path, optional
        As for `check`.

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

    specification = _specification(loss, gradient, None, value_and_gradient, None, None, None, python, venv)
    return infer(specification, time_limit=time_limit, first_time_limit=first_time_limit)
