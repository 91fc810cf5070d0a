"""What each further argument of a call is: told by what it does, tried in the order that its name suggests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.probing.compare import same
from xentcheck.probing.exclusive import refused, stands_apart
from xentcheck.probing.guard import find_guard
from xentcheck.probing.inference import Inference
from xentcheck.probing.names import ARRAYS, is_named, is_number, roles_of
from xentcheck.probing.options import by_convention, conventions, options_at_work
from xentcheck.probing.questions import Questions
from xentcheck.probing.readings import changes_of, no_option
from xentcheck.probing.row_weights import weighted
from xentcheck.probing.show import said, shown
from xentcheck.targets.parameter import Parameter


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
            and settled(questions, inference, one, own, [own, *(key for key in roles if key != own)])
        ):
            continue
        if own is not None and not is_named(one):  # which the call needs
            raise no_option(one, questions.description.name, parameters)
        if own is None and not (one.by_name and settled(questions, inference, one, None, roles)):
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


def settled(
    questions: Questions, inference: Inference, parameter: Parameter, own: str | None, roles: list[str]
) -> bool:
    """Return whether an argument has one of some roles, which is declared then."""
    before = questions.contract.as_mapping()
    for role in roles:
        bare = {**before, **({own: Contract().as_mapping()[own]} if own is not None and own != role else {})}
        if role == "divisor" and before["reduction"] == "none":
            continue
        for change in changes_of(role, parameter.name):
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
        for change in changes_of(role, parameter.name):
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
    of_the_whole = roles[:1] and roles[0] in ARRAYS and is_number(parameter.default)  # as a factor of all is
    if not is_named(parameter) or not roles or of_the_whole:
        inference.notes.append(f"The argument {parameter.name} was left at its default, {parameter.default}.")
        return
    role = roles[0]
    before = questions.contract.as_mapping()
    questions.learn(**changes_of(role, parameter.name)[0])
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
