"""The order of the experiments: each uses what those before it have told."""

from __future__ import annotations

from collections.abc import Sequence

from xentcheck.probing.answers import Answer
from xentcheck.probing.arguments import find_arguments
from xentcheck.probing.axes import find_axes
from xentcheck.probing.classes import find_classes, find_odd_classes, note_refused_classes
from xentcheck.probing.constants import explained, find_constants
from xentcheck.probing.entropy import find_entropy, takes_scores_alone
from xentcheck.probing.exclusive import find_exclusive, settle_exclusive
from xentcheck.probing.gradient import find_gradient
from xentcheck.probing.hidden import avoid_uncounted
from xentcheck.probing.inference import Inference
from xentcheck.probing.labels import find_labels
from xentcheck.probing.means import find_empty_mean, find_ignored
from xentcheck.probing.options import find_options, find_together
from xentcheck.probing.precision import find_dtypes, find_refused_dtypes
from xentcheck.probing.questions import Questions
from xentcheck.probing.refused_rows import note_refused_rows
from xentcheck.probing.rim import find_invalid, find_nonfinite
from xentcheck.probing.settled_arguments import settle_arguments
from xentcheck.probing.signed import find_signed
from xentcheck.probing.structure import find_structure
from xentcheck.probing.turned import note_turned
from xentcheck.targets import Host
from xentcheck.targets.parameter import Parameter


def experiments(host: Host, at_the_rim: bool = True) -> Inference:
    """Make the experiments on the target of a host, and return what they tell.

    Parameters
    ----------
    host : Host
    at_the_rim : bool
        Whether infinities, bad input, further axes and dtypes are tried, too.
    """
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
    elif not entropy:
        inference.suppose("labels", [questions.form], inference.contradictions[0].evidence)
    inference.calls = questions.calls
    return inference


def _explained_but_the_rim(questions: Questions, inference: Inference) -> bool:
    """Return whether ordinary rows are explained, and nothing but a probability of 0 is not."""
    return [one.key for one in inference.contradictions] == ["boundary"] and explained(questions)


def _conventions(questions: Questions, inference: Inference, parameters: Sequence[Parameter]) -> None:
    if parameters[2:]:
        avoid_uncounted(questions)
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
