"""Whether class weights below 0 are taken as they are."""

from __future__ import annotations

import numpy as np

from xentcheck.contract import ContractError
from xentcheck.probing.compare import answered
from xentcheck.probing.inference import Inference
from xentcheck.probing.options import weights_that_show
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import shown


def find_signed(questions: Questions, inference: Inference) -> None:
    """Tell whether class weights may have either sign, where a contract has a meaning for them."""
    told = inference.findings.get("class_weights")
    if told is None or told.status != "told" or "class_weights" not in questions.contract.arguments:
        return
    try:
        questions.contract.replace(class_weights_as="signed")
    except ContractError as error:
        inference.cannot_tell("class_weights_as", str(error))
        return
    weights = weights_that_show(questions) * np.where(np.arange(questions.m) % 2, -1.0, 1.0)
    words = []
    for form in questions.contract.labels:
        batch = questions.plain(questions.few, form=form, class_weights=weights)
        questions.ask_all([batch], *questions.parts)
        odd = next((part for part in questions.parts if not questions.agrees(batch, part)), None)
        if odd is not None:
            expected = answered(questions.predict(batch, odd))
            came = questions.came(batch, odd)
            inference.tell("class_weights_as", "numbers", f"{shown(batch)}: the {odd} is {came}, and not {expected}")
            return
        words.append(f"{shown(batch)}: {questions.came(batch)}")
    questions.learn(class_weights_as="signed")
    inference.tell("class_weights_as", "signed", f"{'; '.join(words)}, as weights of either sign give")
