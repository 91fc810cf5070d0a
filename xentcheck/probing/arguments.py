"""Which call works, under each reading of its further arguments that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from xentcheck.probing.answers import Answer
from xentcheck.probing.call import ROUNDS, contradict_call, find_call
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
from xentcheck.probing.questions import Questions
from xentcheck.probing.readings import no_option, readings_of
from xentcheck.probing.settled_arguments import settled
from xentcheck.probing.unanswered import UnansweredError
from xentcheck.targets import TargetError
from xentcheck.targets.parameter import Parameter


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
            raise no_option(unknown, name, parameters, error.came) from None
        raise
    if "input" not in inference.findings:
        if unknown is not None:
            raise no_option(unknown, name, parameters)
        contradict_call(questions, inference, answers)
    needed = {one.name for one in further if one.required}
    inference.required = {key: name for key, name in questions.contract.arguments.items() if name in needed}
    return answers


def _find_call(questions: Questions, inference: Inference, parameters: Sequence[Parameter], name: str) -> list[Answer]:
    """Find the call that works; a mask that is needed is tried as one before it is tried as anything else."""
    order, readings = orders(parameters), readings_of(parameters, name)
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
        if one.required and own in ARRAYS and not settled(questions, trial, one, own, list(roles_of(one))):
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
