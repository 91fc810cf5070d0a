"""Scores and labels that may be taken for each other: a product of both does not tell which is which."""

from __future__ import annotations

from collections.abc import Sequence

from xentcheck.probing.constants import explained
from xentcheck.probing.inference import Inference
from xentcheck.probing.names import name_the_order
from xentcheck.probing.questions import Questions
from xentcheck.targets.parameter import Parameter


def note_turned(questions: Questions, inference: Inference, parameters: Sequence[Parameter]) -> None:
    """Say that the other order of the arguments is answered alike, where neither their names nor a boundary tell it."""
    contract, told = questions.contract, inference.findings.get("argument_order")
    given = contract.input == "probabilities" and questions.form != "sparse"
    if told is None or not given or not contract.boundary.exact or name_the_order(parameters):
        return
    own, other = contract.argument_order, "labels_first"
    other = "scores_first" if own == other else other
    questions.learn(argument_order=other)
    alike = explained(questions)
    questions.learn(argument_order=own)
    if alike:
        inference.tell("argument_order", own, f"{told.evidence}; as {other} it is answered alike", (other,))
