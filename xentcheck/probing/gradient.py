"""By what the loss is differentiated, of what the gradient is, and its reduction."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import ContractError
from xentcheck.contract.keys_promises import AT_CLIPPED, P_MINUS_T
from xentcheck.probing.compare import Floats, answered, same
from xentcheck.probing.gradient_rim import conclude
from xentcheck.probing.inference import Inference
from xentcheck.probing.labels import soft_batch
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said, shown


def find_gradient(questions: Questions, inference: Inference) -> None:
    """Tell what the gradient is, where there is one beside a loss."""
    if not questions.description.has_gradient:
        inference.notes.append("The target has no gradient; only its loss was asked for.")
        return
    if questions.part == "gradient":
        return
    fits, evidence = _fits(questions)
    if not fits and _is_rounded(questions):
        questions.blurred.add("gradient")
        fits, evidence = _fits(questions)
        if fits:
            inference.notes.append("The gradient of scores in float64 is as accurate as float32 holds.")
        else:
            questions.blurred.discard("gradient")
    if not fits and questions.m > 2 and not isinstance(questions.contract.class_weights, tuple):
        fits, of_two = _fits_of_two_classes(questions, inference)
        evidence = of_two if fits else evidence
    if not fits:
        batch = questions.plain(2)
        if _chosen(questions, batch):
            batch = _other_rows(questions)  # for which two rows were explained by chance
        own, outcome = questions.contract.reduction, questions.ask(batch, "gradient")
        came = evidence if outcome.gradient is not None else f"{shown(batch)}: {said(outcome)}"
        expected = answered(questions.predict(batch, "gradient"))
        why = f"the gradient of {came}, but that of a {own} is {expected}, and no convention gives it"
        inference.contradict("gradient_wrt", f"{why}{_minus(questions)}.")
        return
    conclude(questions, inference, fits, evidence)
    _of_any_sum(questions, inference)


def _minus(questions: Questions) -> str:
    """Return what a gradient is that is minus one by some convention; "" where it is none."""
    got = questions.numbers(questions.plain(2), "gradient")
    fits = [] if got is None else [one for one in _candidates(questions) if _is(questions, -got, one)]
    if not fits:
        return ""
    what = fits[0]["gradient_wrt"].replace("_", "-")
    reduction = fits[0]["gradient_reduction"] or questions.contract.reduction
    return (
        f", but minus that by {what}, {reduction}: if it is t - p, return p - t; if it takes scores and labels in the "
        "other order, write a function that turns them"
    )


def _is(questions: Questions, got: Floats, change: dict[str, Any]) -> bool:
    batch = questions.plain(2)
    return same(got, questions.predict(batch, "gradient", **change), questions.tolerance(batch, None, "gradient"))


def _is_rounded(questions: Questions) -> bool:
    """Return whether a gradient in float64 is of numbers that float32 holds."""
    got = questions.numbers(questions.plain(2), "gradient")
    return questions.dtype == "float64" and got is not None and np.array_equal(got, got.astype(np.float32))


def _fits(questions: Questions) -> tuple[list[Any], str]:
    """Return the conventions that explain the gradient of two ordinary rows, and of another number of them.

    A factor of a half is no division by two rows. Where each shape is compiled, only another reduction than that of the
    loss is doubted, since such a framework differentiates it itself.
    """
    fits, evidence = questions.choose(questions.plain(2), _candidates(questions), "gradient")
    if not fits or (questions.description.expensive_shapes and not fits[0]["gradient_reduction"]):
        return list(fits), evidence
    batch = _other_rows(questions)
    if questions.numbers(batch, "gradient") is not None:
        fits, words = questions.choose(batch, fits, "gradient")
        evidence = evidence if fits else words
    return list(fits), evidence


def _chosen(questions: Questions, batch: Batch) -> bool:
    """Return whether any convention explains the gradient of a batch."""
    return bool(questions.choose(batch, _candidates(questions), "gradient")[0])


def _other_rows(questions: Questions) -> Batch:
    return questions.plain(questions.numbers_of_rows[-1])


def _candidates(questions: Questions) -> list[dict[str, Any]]:
    """Return by what the gradient may be, of what and of which reduction."""
    kinds = ["logits"]
    if questions.contract.input != "logits":
        kinds = [questions.contract.input, "logits"]
    own = questions.contract.reduction
    reductions = (None, *(one for one in ("mean", "sum") if one != own and not (own == "none" and one == "sum")))
    candidates: list[dict[str, Any]] = [
        {"gradient_wrt": wrt, "gradient_reduction": one} for wrt in kinds for one in reductions
    ]
    if not questions.contract.boundary.exact:
        candidates = [{**one, "gradient_of": of} for one in candidates for of in ("loss", "ideal", AT_CLIPPED)]
        candidates = [one for one in candidates if one["gradient_of"] != AT_CLIPPED or _has_a_meaning(questions, one)]
    return candidates


def _has_a_meaning(questions: Questions, change: dict[str, Any]) -> bool:
    try:
        questions.contract.replace(**change)
    except ContractError:
        return False
    return True


def _fits_of_two_classes(questions: Questions, inference: Inference) -> tuple[list[Any], str]:
    before, questions.m = questions.m, 2
    fits, evidence = _fits(questions)
    if fits:
        why = f"the gradient of {evidence}, but with three classes no gradient is explained"
        inference.tell("domain", {"classes": [2, 2]}, why)
    else:
        questions.m = before
    return fits, evidence


def _of_any_sum(questions: Questions, inference: Inference) -> None:
    """Tell whether soft rows of any sum have the derivative of the loss, or p - t as a policy."""
    contract = questions.contract
    if contract.soft_rows != "any":
        return
    candidates = [{"gradient_of": contract.gradient_of}]
    if contract.at_clipped and not questions.agrees(soft_batch(questions, sums=False), "gradient"):
        got = answered(questions.numbers(soft_batch(questions, sums=False), "gradient"))
        loss = inference.findings["soft_rows"].evidence
        questions.learn(soft_rows="normalised")
        inference.tell("soft_rows", "normalised", f"{loss}; but of other sums than 1 the gradient is {got}")
        return
    if contract.gradient_wrt == "logits" and contract.class_weights is None:
        candidates.append({"gradient_of": P_MINUS_T})
    batch = soft_batch(questions, sums=False)
    fits, evidence = questions.choose(batch, candidates, "gradient")
    if not fits:
        expected = answered(questions.predict(batch, "gradient"))
        inference.notes.append(
            f"The gradient of soft rows that do not sum to 1 is explained by no convention: {evidence}, "
            f"where the derivative of the loss is {expected}."
        )
    elif fits[0]["gradient_of"] == P_MINUS_T or "gradient_of" not in inference.findings:
        of = fits[0]["gradient_of"]
        questions.learn(gradient_of=of)
        alike = "; for those that do, of which soft_rows = 'normalised' speaks alone, it is the derivative"
        inference.tell(
            "gradient_of",
            of,
            f"{evidence}, as {of} gives for rows that do not sum to 1{alike if of == P_MINUS_T else ''}",
        )
