"""The order of the experiments: each uses what those before it have told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from xentcheck.contract import Contract
from xentcheck.probing.answers import Answer
from xentcheck.probing.arguments import find_arguments, settle_arguments
from xentcheck.probing.axes import find_axes
from xentcheck.probing.classes import find_classes, find_odd_classes, note_refused_classes
from xentcheck.probing.constants import explained, find_constants
from xentcheck.probing.entropy import find_entropy, takes_scores_alone
from xentcheck.probing.exclusive import find_exclusive, settle_exclusive
from xentcheck.probing.gradient import find_gradient
from xentcheck.probing.inference import Inference
from xentcheck.probing.labels import find_labels
from xentcheck.probing.means import find_empty_mean, find_ignored
from xentcheck.probing.options import find_options, find_together
from xentcheck.probing.precision import find_dtypes, find_refused_dtypes
from xentcheck.probing.questions import Questions
from xentcheck.probing.refused_rows import note_refused_rows
from xentcheck.probing.rim import find_invalid, find_nonfinite
from xentcheck.probing.signed import find_signed
from xentcheck.probing.structure import find_structure
from xentcheck.probing.turned import note_turned
from xentcheck.targets import Host, TargetSpecification, open_host
from xentcheck.targets.find.registered import by_name
from xentcheck.targets.parameter import Parameter
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
    TargetError, ContractError
    """
    begun = perf_counter()
    planned = build_plan(specification)
    if planned.contract is not None or planned.changes:
        return None
    opening = open_host(specification, time_limit=time_limit, first_time_limit=first_time_limit, memory=memory)
    with opening as host:
        if host.ready().contract_source != "default":
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
    description = host.ready()
    inference = Inference(description.name, description.location)
    parameters = host.parameters()
    questions = Questions(host)
    answers: list[Answer] = []
    entropy = takes_scores_alone(parameters) and find_entropy(questions, inference)
    if not entropy:
        answers = find_arguments(questions, inference, parameters)
    questions.look_again()
    if questions.contract.reduction == "none" and not inference.contradictions:
        questions.independent.add(questions.part)
    if not inference.contradictions and not entropy:
        find_classes(questions, inference)
        note_refused_rows(questions, inference)
        find_constants(questions, inference)
        find_odd_classes(questions, inference)
        note_turned(questions, inference, parameters)
    if not inference.contradictions or _explained_but_the_rim(questions, inference):
        if entropy:
            find_gradient(questions, inference)
        else:
            _conventions(questions, inference, parameters)
        if at_the_rim:
            _promises(questions, inference)
        else:
            find_refused_dtypes(questions, inference)
    elif any(one.key == "input" for one in inference.contradictions):
        find_structure(questions, inference, answers)
    else:
        inference.suppose("labels", [questions.form], inference.contradictions[0].evidence)
    inference.calls = questions.calls
    return inference


def _explained_but_the_rim(questions: Questions, inference: Inference) -> bool:
    """Return whether ordinary rows are explained, and nothing but a probability of 0 is not."""
    return [one.key for one in inference.contradictions] == ["boundary"] and explained(questions)


def _conventions(questions: Questions, inference: Inference, parameters: Sequence[Parameter]) -> None:
    settle_arguments(questions, inference, parameters)
    find_options(questions, inference)
    find_exclusive(questions, inference)
    find_together(questions, inference)
    find_ignored(questions, inference)
    find_labels(questions, inference)
    settle_exclusive(questions, inference)
    find_gradient(questions, inference)
    if questions.contract.effective_gradient_reduction == "none" and not inference.contradictions:
        questions.independent.add("gradient")


def _promises(questions: Questions, inference: Inference) -> None:
    find_signed(questions, inference)
    note_refused_classes(questions, inference)
    find_axes(questions, inference)
    find_empty_mean(questions, inference)
    find_dtypes(questions, inference)
    find_nonfinite(questions, inference)
    find_invalid(questions, inference)
    _never_told(questions, inference)


def _never_told(questions: Questions, inference: Inference) -> None:
    """Say of the keys that no small batch shows why they are left out."""
    inference.cannot_tell("accuracy", "a few small batches do not show how accurate a loss is; `xentcheck check` does.")
    if "domain" not in inference.findings:
        inference.cannot_tell("domain", "limits are what a target states; a few rows of few classes were tried.")
