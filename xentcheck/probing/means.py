"""A label that is ignored without being asked for, and what a mean of nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.probing.compare import answered
from xentcheck.probing.inference import Inference
from xentcheck.probing.names import names_ignored, stated_ignored
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said
from xentcheck.truth.formats import FORMATS

_USUAL = (-100, -1, 255, 0, 250, -2, -999)
_MOST_WRITTEN = 8
"""How many labels are tried that stand in the target's code."""


def find_ignored(questions: Questions, inference: Inference) -> None:
    """Find a label whose rows do not count, among the usual ones and the classes."""
    if "sparse" not in questions.contract.labels or questions.form != "sparse":
        return
    if "ignore_index" in questions.contract.arguments:
        return
    if (told := questions.contract.ignore_index) is not None:  # beside weights
        inference.ignored_by = _setting(questions, told)
        inference.notes.append(f"The weight of class {told}, whose rows do not count, does not show; 1 stands for it.")
        return
    means = _means(questions, inference)
    words: list[str] = []
    found: list[tuple[int, Any, str]] = []
    signed = not questions.label_dtype.startswith("u")
    weights: Any = questions.contract.class_weights
    none = [place for place, one in enumerate(weights) if not one] if isinstance(weights, tuple) else []
    classes = {*none, *(place - questions.m for place in none)}  # of weight 0, counted from the end, too
    likely = dict.fromkeys(
        (
            *stated_ignored(questions.host.settings()),
            *_USUAL,
            questions.m - 1,
            *sorted(questions.avoided),
            *_written(questions),
        )
    )
    tried = [label for label in likely if (label >= 0 or signed) and label not in classes]
    n, (counts, *_) = questions.few, questions.labels(1)
    batches = {label: questions.batch(questions.rows(n), (counts, label, counts)[:n]) for label in tried}
    questions.ask_all(batches.values())
    for label, batch in batches.items():
        candidates = [{"ignore_index": label, "mean_over": mean} for mean in means]
        fits, evidence = questions.choose(batch, candidates)
        if (
            len(fits) == 1
            and _whatever_its_row(questions, batch, fits[0])
            and _wherever_it_lies(questions, label, fits[0])
        ):
            found.append((label, fits[0], evidence))
        words.append(f"{label}: {said(questions.ask(batch))}")
    found = _without_gradient(questions, inference, found, batches)
    out_of_range = [label for label in _USUAL if label in batches and not 0 <= label < questions.m]
    if {*out_of_range} <= {label for label, _, _ in found} and any(label > 0 for label in out_of_range) and signed:
        inference.tell("ignore_index", None, f"rows of no label that is out of range count: {found[0][2]}")
        inference.notes.append(
            f"Rows of the labels {', '.join(map(str, out_of_range))} do not count, as bad input that is let pass: none "
            "of them is taken for an ignored label."
        )
        return
    if found:
        label, changes, evidence = found[0]
        questions.learn(**changes)
        inference.ignored_by = _setting(questions, label)
        said_by = f", as {inference.ignored_by} = {label} of its object says" if inference.ignored_by else ""
        inference.tell("ignore_index", label, f"{evidence}, as if the row of the label {label} did not count{said_by}")
        if len(means) > 1:
            inference.tell("mean_over", changes["mean_over"], f"{evidence}, as {changes['mean_over']} gives")
        if len(found) > 1:
            others = ", ".join(str(one[0]) for one in found[1:])
            inference.notes.append(f"Rows of the labels {others} do not count either; a contract can name one label.")
        return
    if apart := _ignored_without_options(questions, batches):
        inference.cannot_tell("ignore_index", apart)
        return
    inference.tell("ignore_index", None, f"none of these labels is ignored: {'; '.join(words)}")


def _written(questions: Questions) -> list[int]:
    """Return labels that are no class and stand in the target's code as numbers, as the size of a vocabulary may."""
    dtype = questions.label_dtype.replace("same", questions.dtype) or "int64"
    found = [one for one in questions.host.numbers() if not -1 <= one < questions.m]
    kind = FORMATS[dtype].dtype if dtype in FORMATS else np.dtype(dtype)
    with np.errstate(all="ignore"):
        held = [one for one in found if float(np.asarray(one).astype(kind)) == one]
    return held[:_MOST_WRITTEN]


def _ignored_without_options(questions: Questions, batches: Mapping[int, Batch]) -> str:
    """Return what shows that a class is ignored where no option is given, and not beside one; "" where none is.

    A row that is taken out before the weights of all rows are multiplied leaves one weight too many.
    """
    usual, before = Contract().as_mapping(), questions.contract
    averaged = ("rows", "kept") if before.reduction == "mean" else ("rows",)
    for label, batch in batches.items():
        if not batch.options or not 0 <= label < batch.m:
            continue
        beside = questions.came(batch)
        questions.learn(**{key: usual[key] for key in ("exclusive", *before.arguments)})
        candidates = [{"ignore_index": label, "mean_over": mean} for mean in averaged]
        fits, evidence = questions.choose(batch.replace(options={}), candidates)
        counts = questions.agrees(batch.replace(options={}))
        questions.learn(**before.as_mapping())
        if len(fits) == 1 and not counts:
            names = " and ".join(before.arguments.values())
            return (
                f"{evidence}, as if the row of the label {label} did not count (mean_over {fits[0]['mean_over']}), but "
                f"beside {names} that do nothing came {beside}, which no contract says."
            )
    return ""


def _setting(questions: Questions, label: Any) -> str:
    """Return the setting of the target's object by which a label is ignored; "" where none says so."""
    settings = questions.host.settings()
    return next((one.name for one in settings if names_ignored(one.name) and one.default == str(label)), "")


def _without_gradient(
    questions: Questions, inference: Inference, found: list[tuple[int, Any, str]], batches: Mapping[int, Batch]
) -> list[tuple[int, Any, str]]:
    """Return the labels whose rows have no gradient either; where no row of several has none, none is ignored.

    A label alone that counts in the gradient is ignored by mistake in one of both; where any number that is no class
    does so, the loss is a sum over the classes in which it is not found.
    """
    if len(found) < 2 or questions.part == "gradient" or not questions.description.has_gradient:
        return found
    quiet = [one for one in found if _is_quiet(questions, batches[one[0]])]
    if not quiet:
        labels = ", ".join(str(one[0]) for one in found)
        inference.notes.append(
            f"Rows of the labels {labels} have a loss of 0, but a gradient: none of them is taken to be ignored."
        )
    return quiet


def _is_quiet(questions: Questions, batch: Batch) -> bool:
    """Return whether the row of the label has a gradient of 0, by whatever it is; that is told later."""
    gradient = questions.numbers(batch, "gradient")
    return gradient is not None and gradient.size == batch.scores.size and not gradient.reshape(-1, batch.m)[1].any()


def _whatever_its_row(questions: Questions, batch: Batch, changes: Any) -> bool:
    """Return whether the row of a label does not count with classes that are alike, either: no label is sure there."""
    scores = batch.scores.copy()
    alike = {"logits": 0.0, "probabilities": 1.0 / batch.m}.get(questions.contract.input, -np.log(batch.m))
    scores[1 :: batch.n // questions.repeats] = alike
    return questions.agrees(batch.replace(scores=scores), None, None, **changes)


def _wherever_it_lies(questions: Questions, label: int, changes: Any) -> bool:
    """Return whether a row of a label that is no class does not count among so many that it would index another's.

    Of few rows such a label may be read from memory beside the scores, which happens to hold 0.
    """
    if 0 <= label < questions.m:
        return True
    before = max(*map(abs, _USUAL), abs(label)) // questions.m + 1  # of one shape, whichever usual label it is
    n = 2 * before + 1
    batch = questions.batch(questions.rows(n), [*questions.labels(before), label, *questions.labels(before)])
    return questions.agrees(batch, None, None, **changes)


def _means(questions: Questions, inference: Inference) -> tuple[str, ...]:
    """Return what a mean may divide by, as far as weights have not told it."""
    if questions.contract.reduction != "mean":
        return ("rows",)
    told = inference.findings.get("mean_over")
    if told is None or told.status != "told":
        return ("rows", "kept")
    means = (told.value, *told.also)
    # Weights of classes alone tell the rows from the weights, and not from the rows that are kept.
    return (*means, "kept") if means == ("rows",) and "row_weights" not in questions.contract.arguments else means


def find_empty_mean(questions: Questions, inference: Inference) -> None:
    """Tell what a mean of nothing is, if it is the same whatever there is nothing of."""
    if questions.contract.reduction != "mean" or questions.part != "loss":
        return
    found, words = set(), []
    for what, batch in _nothing(questions):
        got = questions.numbers(batch)
        value = None if got is None or got.shape != () else float(got)
        kind = "nan" if value is not None and np.isnan(value) else "zero" if value == 0 else None
        gradient = questions.description.has_gradient and kind is not None
        if gradient and not questions.agrees(batch, "gradient", empty_mean=kind):
            kind = None
            words.append(f"{what}: {answered(got)}, and another gradient")
        else:
            shape = "" if got is None or got.shape == () or got.size == 0 else f" of shape {got.shape}"
            words.append(f"{what}: {said(questions.ask(batch))}{shape}")
        found.add(kind)
    if len(found) == 1 and None not in found:
        questions.learn(empty_mean=next(iter(found)))
        inference.tell("empty_mean", next(iter(found)), "; ".join(words))
    else:
        inference.cannot_tell("empty_mean", f"it is not throughout the number nan, nor 0: {'; '.join(words)}.")


def _nothing(questions: Questions) -> list[tuple[str, Batch]]:
    """Return batches whose mean is 0 / 0, and what they are in words."""
    empty = np.zeros((0, questions.m)) if questions.form != "sparse" else np.zeros(0, np.int64)
    batches = [("no rows", questions.batch(np.zeros((0, questions.m)), empty))]
    ignored: Any = questions.contract.ignore_index
    over = questions.contract.mean_over
    if "row_weights" in questions.contract.arguments and over != "rows":
        batches.append(("row weights of 0", questions.batch(questions.rows(2), (1, 1), row_weights=(0.0, 0.0))))
    if ignored is not None and questions.form == "sparse" and over != "rows":
        label, option = questions.ignored()
        batches.append(("only ignored rows", questions.batch(questions.rows(2), (label, label), **option)))
    if "class_weights" in questions.contract.arguments and over == "weights":
        weights = np.ones(questions.m)
        weights[1] = 0.0
        if not questions.contract.arguments.keys() & {"label_smoothing", "z_loss"}:
            batches.append(("weights of 0", questions.batch(questions.rows(2), (1, 1), class_weights=weights)))
    return batches
