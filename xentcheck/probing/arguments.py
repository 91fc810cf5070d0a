"""What each further argument of a call is: told by what it does, tried in the order that its name suggests."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.contract.declaration import OPTIONS
from xentcheck.probing.answers import Answer
from xentcheck.probing.call import ROUNDS, contradict_call, find_call
from xentcheck.probing.compare import same
from xentcheck.probing.exclusive import refused, stands_apart
from xentcheck.probing.guard import find_guard
from xentcheck.probing.inference import Inference
from xentcheck.probing.names import (
    ARRAYS,
    is_named,
    names_labels_alone,
    names_mask,
    names_number_of_classes,
    orders,
    roles_of,
)
from xentcheck.probing.options import by_convention, conventions, options_at_work
from xentcheck.probing.questions import Questions
from xentcheck.probing.row_weights import weighted
from xentcheck.probing.show import said, shown
from xentcheck.probing.unanswered import UnansweredError
from xentcheck.targets import TargetError
from xentcheck.targets.parameter import Parameter

_DECLARED = (*OPTIONS, "row_weights_as", "reduction")
"""Keys by which readings of the arguments differ."""


def find_arguments(questions: Questions, inference: Inference, parameters: Sequence[Parameter]) -> list[Answer]:
    """Find the call that works, under each reading of the arguments that it needs; return the answers to those tried.

    Options that are numbers, known by their names, are given from the start, with a value at which they do nothing;
    weights and divisors that need not be given are left out, until `settle_arguments`.

    Raises
    ------
    TargetError
        If no call returns numbers, or an argument that is needed is no option.
    """
    further, name = parameters[2:], questions.description.name
    unknown = next((one for one in further if one.required and not is_named(one)), None)
    if unknown is not None and names_number_of_classes(unknown.name):
        raise TargetError(
            f"{name} needs an argument {unknown.name!r}, which is called a number of classes; write a function of "
            "scores and labels that calls it with theirs, as scores.shape[-1]."
        )
    labels = next((one for one in further if one.required and names_labels_alone(one.name)), None)
    if labels is not None and not any(names_labels_alone(one.name) for one in parameters[:2]):
        raise TargetError(
            f"{name} needs an argument {labels.name!r}, which is called labels, beside "
            f"{' and '.join(repr(one.name) for one in parameters[:2])}; write a function of scores and labels that "
            "calls it, with whatever gives the scores."
        )
    try:
        answers = _find_call(questions, inference, parameters, name)
    except UnansweredError as error:
        if unknown is not None:
            raise _no_option(unknown, name, parameters, error.came) from None
        raise
    if "input" not in inference.findings:
        if unknown is not None:
            raise _no_option(unknown, name, parameters)
        contradict_call(questions, inference, answers)
    needed = {one.name for one in further if one.required}
    inference.required = {key: name for key, name in questions.contract.arguments.items() if name in needed}
    return answers


def _find_call(questions: Questions, inference: Inference, parameters: Sequence[Parameter], name: str) -> list[Answer]:
    """Find the call that works; a mask that is needed is tried as one before it is tried as anything else."""
    order, readings = orders(parameters), _readings(parameters, name)
    mask = next((one for one in parameters[2:] if one.required and names_mask(one.name)), None)
    if mask is None:
        answers = find_call(questions, inference, order, readings)
        idle = _idle_weights(questions, parameters) if "input" in inference.told else ""
        return (idle and _elsewhere(questions, inference, parameters, readings, idle)) or answers
    masks = [reading for reading in readings if reading["row_weights"] == {"argument": mask.name}]
    for opposite in (False, True):
        questions.opposite = opposite
        trial = Inference(inference.name, inference.location)
        with suppress(UnansweredError):
            answers = find_call(questions, trial, order, masks, ROUNDS[:2])
            if "input" in trial.told and opposite:
                raise TargetError(
                    f"{name} needs an argument {mask.name!r} that marks the rows that do not count, where a contract "
                    "names a mask of those that do; wrap it in a function that turns the mask."
                )
            if "input" in trial.told:
                inference.findings.update(trial.findings)
                return answers
    questions.opposite = False
    return find_call(questions, inference, order, readings)


def _idle_weights(questions: Questions, parameters: Sequence[Parameter]) -> str:
    """Return as which option weights are declared that the call needs, and that do nothing known; "" if none are."""
    before, named = questions.contract.as_mapping(), questions.contract.arguments
    trial = Inference(questions.description.name, questions.description.location)
    for one in parameters[2:]:
        own = next((key for key, name in named.items() if name == one.name), None)
        if one.required and own in ARRAYS and not _settled(questions, trial, one, own, list(roles_of(one))):
            return own
        questions.learn(**before)
    return ""


def _elsewhere(
    questions: Questions,
    inference: Inference,
    parameters: Sequence[Parameter],
    readings: Sequence[dict[str, Any]],
    idle: str,
) -> list[Answer]:
    """Return the answers to a call that is read otherwise, or has rows along axes, in which weights do what they do.

    A loss for tokens may answer rows alone, too, with weights that are spread over numbers that they are not for.
    """
    before = questions.contract.as_mapping()
    called = questions.form, questions.label_dtype, questions.wide, questions.dtype, questions.m
    others = [reading for reading in readings if reading[idle] is None]
    for rounds in (ROUNDS[:2], ROUNDS[2:4]):
        trial = Inference(inference.name, inference.location)
        questions.learn(output="loss")
        with suppress(UnansweredError):
            answers = find_call(questions, trial, orders(parameters), others, rounds) if others else []
            if "input" in trial.told and not _idle_weights(questions, parameters):
                inference.findings, inference.notes = trial.findings, trial.notes
                return answers
    questions.form, questions.label_dtype, questions.wide, questions.dtype, questions.m = called
    questions.axis_of_one = ""
    questions.learn(**before)
    return []


def _no_option(parameter: Parameter, name: str, parameters: Sequence[Parameter], came: str = "") -> TargetError:
    first, second = (one.name for one in parameters[:2])
    needs = (
        f"{name} needs an argument {parameter.name!r} beside scores and labels, as which {first!r} and {second!r} were"
    )
    if came:
        return TargetError(
            f"{needs} tried, and returned no numbers, whichever option that xentcheck knows it was given as: {came}. "
            "Where it is none of them, write a function of scores and labels that calls it."
        )
    return TargetError(
        f"{needs} tried, and it acts as no option that xentcheck knows; write a function of scores and labels that "
        "calls it."
    )


def _readings(parameters: Sequence[Parameter], name: str) -> list[dict[str, Any]]:
    """Return what may be declared of the arguments that are given in every call, the likeliest reading first."""
    given: list[list[dict[str, Any]]] = []
    for one in parameters[2:]:
        if one.required:
            if not one.by_name:
                raise _no_option(one, name, parameters)
            given.append([change for role in roles_of(one) for change in _changes(role, one.name)])
        elif is_named(one) and one.by_name:
            given.append(_given_or_not(one))
    none = {key: value for key, value in Contract().as_mapping().items() if key in _DECLARED}
    found = [
        {**none, **{key: value for change in choice for key, value in change.items()}}
        for choice in product(*given)
        if len({key for change in choice for key in change if key in OPTIONS}) == sum(map(bool, choice))
    ]
    if not found:
        raise TargetError(f"{name} needs two arguments that are called the same option; wrap it in a function of two.")
    return found


def _given_or_not(parameter: Parameter) -> list[dict[str, Any]]:
    """Return the readings of an argument that need not be given; weights and divisors are left out of the first."""
    usual = _changes(roles_of(parameter)[0], parameter.name)[:1]
    if roles_of(parameter)[0] not in (*ARRAYS, "divisor"):
        return usual
    return [{}] if parameter.default == "None" else [{}, *usual]


def _changes(role: str, name: str) -> list[dict[str, Any]]:
    """Return the keys by which an argument may have a role."""
    declared: dict[str, Any] = {role: {"argument": name}}
    if role == "row_weights":
        return [{**declared, "row_weights_as": kind} for kind in ("numbers", "bool")]
    return [{**declared, "reduction": "sum"} if role == "divisor" else declared]


def settle_arguments(questions: Questions, inference: Inference, parameters: Sequence[Parameter]) -> None:
    """Declare each argument to be what it does; what it does is told by `find_options`."""
    for one in parameters[2:]:
        own = next((key for key, name in questions.contract.arguments.items() if name == one.name), None)
        if own is not None and not one.required:
            continue
        roles = [key for key in roles_of(one) if key == own or key not in questions.contract.arguments]
        if (
            own is not None
            and roles
            and _settled(questions, inference, one, own, [own, *(key for key in roles if key != own)])
        ):
            continue
        if own is not None and not is_named(one):  # which the call needs
            raise _no_option(one, questions.description.name, parameters)
        if own is None and not (one.by_name and _settled(questions, inference, one, None, roles)):
            _left_alone(questions, inference, one, roles)
    for key in questions.contract.arguments:
        if key not in inference.required and not _acts(questions, key):
            stands_apart(questions, inference, key, partial(_acts, questions, key))
    if questions.contract.divisor is not None and "reduction" in inference.findings:
        _tell_divided(questions, inference)


def _tell_divided(questions: Questions, inference: Inference) -> None:
    """Tell that what is given a divisor is a sum, whatever is returned without one."""
    without = inference.findings["reduction"]
    if without.value == "sum":
        return
    batch = options_at_work(questions, "divisor")
    name = questions.contract.arguments["divisor"]
    inference.tell("reduction", "sum", f"{shown(batch)}: {questions.came(batch)}, a sum over {name}")
    inference.notes.append(f"Without {name} the reduction is {without.value}: {without.evidence}.")


def _settled(
    questions: Questions, inference: Inference, parameter: Parameter, own: str | None, roles: list[str]
) -> bool:
    """Return whether an argument has one of some roles, which is declared then."""
    before = questions.contract.as_mapping()
    for role in roles:
        bare = {**before, **({own: Contract().as_mapping()[own]} if own is not None and own != role else {})}
        if role == "divisor" and before["reduction"] == "none":
            continue
        for change in _changes(role, parameter.name):
            questions.learn(**{**bare, **change})
            if _acts(questions, role):
                return True
            if find_guard(questions, inference, _of_two_divisors(questions, role), conventions(questions, role)):
                if _acts(questions, role):
                    return True
                questions.guard = 0.0
                inference.notes.pop()
    for role in roles:
        bare = {**before, **({own: Contract().as_mapping()[own]} if own is not None and own != role else {})}
        for change in _changes(role, parameter.name):
            questions.learn(**{**bare, **change})
            if role not in questions.contract.arguments:
                continue  # what logits alone have
            if stands_apart(questions, inference, role, partial(_acts, questions, role)):
                return True
    questions.learn(**before)
    return False


def _of_two_divisors(questions: Questions, role: str) -> list[Batch]:
    """Return batches with an option at work that divide by different numbers."""
    batch = options_at_work(questions, role)
    if role == "divisor":
        return [batch, batch.replace(options={**batch.options, "divisor": 2.0})]
    return [batch, batch.rows(np.arange(2))]


def _acts(questions: Questions, role: str) -> bool:
    """Return whether an argument does what an option does."""
    if role == "row_weights":
        return weighted(questions) is not None
    if role == "ignore_index" and questions.form != "sparse":
        return False
    batch = options_at_work(questions, role)
    plain = questions.batch(batch.scores, batch.labels)
    if same(questions.predict(batch), questions.predict(plain), questions.tolerance(batch)):
        return False  # a z-loss of rows that sum to 1 is 0: whatever the argument is, the answer is that
    return bool(questions.choose(batch, conventions(questions, role))[0])


def _opposite(questions: Questions, parameter: Parameter) -> str:
    """Return what shows that an argument is a mask of the rows that do not count; "" where it is none."""
    before = questions.contract.as_mapping()
    evidence = ""
    questions.opposite = True
    for kind in ("bool", "mask"):
        questions.learn(row_weights={"argument": parameter.name}, row_weights_as=kind)
        if not evidence and (found := weighted(questions)) is not None:
            evidence = f"{found.evidence}, where v is what counts and 1 - v is given"
    questions.opposite = False
    questions.learn(**before)
    return evidence


def _left_alone(questions: Questions, inference: Inference, parameter: Parameter, roles: list[str]) -> None:
    if "row_weights" in roles and not parameter.required and (evidence := _opposite(questions, parameter)):
        inference.notes.append(
            f"The argument {parameter.name} is a mask of the rows that do not count, where a contract names one of "
            f"those that do; it was left at its default, {parameter.default}: {evidence}."
        )
        return
    if not is_named(parameter) or not roles:
        inference.notes.append(f"The argument {parameter.name} was left at its default, {parameter.default}.")
        return
    role = roles[0]
    before = questions.contract.as_mapping()
    questions.learn(**_changes(role, parameter.name)[0])
    batch = options_at_work(questions, role)
    outcome = questions.ask(batch)
    if not parameter.required and refused(outcome):
        questions.learn(**before)
        inference.notes.append(
            f"The argument {parameter.name} was left at its default, {parameter.default}: what it is given as "
            f"{' or '.join(roles)} is refused ({said(outcome)})."
        )
        return
    came, wanted = questions.came(batch), by_convention(questions, batch, role)
    evidence = f"with the argument {parameter.name} {shown(batch)} gives {came}"
    questions.learn(**before)
    those = " or ".join(roles)
    inference.contradict(role, f"{evidence}, which no convention of {those} gives ({role}: {wanted}).")
