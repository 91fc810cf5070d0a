"""Options that are arguments of the call: whether they do what their names say, and by which convention."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract.values import Argument, Range
from xentcheck.probing.compare import answered
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.row_weights import find_row_weights, values_of
from xentcheck.probing.show import shown

_TRIED: dict[str, Any] = {
    "divisor": 5.0,
    "temperature": 2.0,
    "soft_cap": 1.5,
    "z_loss": 0.25,
    "label_smoothing": 0.5,
    "ignore_index": 2,
    "row_weights": None,
    "class_weights": (4.0, 1.0, 2.0),
}
"""A value of each option that shows, in the order in which they are tried."""


def find_options(questions: Questions, inference: Inference) -> None:
    """Try each option alone."""
    named = questions.contract.arguments
    for key in _TRIED:
        if key == "ignore_index" and key in named and questions.form != "sparse":
            inference.cannot_tell(key, f"labels are {questions.form} rows, which no number marks as ignored.")
        elif key in named and not (key == "row_weights" and find_row_weights(questions, inference, named[key])):
            _try(questions, inference, key, named[key])


def find_together(questions: Questions, inference: Inference) -> None:
    """Tell the conventions that options have in common, and the range of the smoothing."""
    named = questions.contract.arguments
    _together(questions, inference)
    if _works(questions, inference, "label_smoothing"):
        _range_of_smoothing(questions, inference, named["label_smoothing"])


def weights_that_show(questions: Questions) -> Any:
    """Return class weights of which each class has another."""
    return np.resize(np.array(_TRIED["class_weights"]), questions.m)


def _value(questions: Questions, key: str) -> Any:
    if key == "class_weights":
        return weights_that_show(questions)
    if key == "row_weights":
        return values_of(questions.contract.row_weights_as)
    return questions.m - 1 if key == "ignore_index" else _TRIED[key]


def options_at_work(questions: Questions, *keys: str, form: str | None = None) -> Batch:
    """Return rows of different labels, the ignored one among them, with some options at work."""
    sparse = (form or questions.form) == "sparse"
    working = [key for key in keys if key in questions.contract.arguments and (sparse or key != "ignore_index")]
    given = {key: _value(questions, key) for key in working}
    # As many rows as classes would let weights of the one pass for weights of the other.
    first = 1 if questions.avoided == {0} else 0
    labels = (first, 1, questions.m - 1, 1)[: questions.numbers_of_rows[-1]]
    if "row_weights" in given:
        given["row_weights"] = given["row_weights"][: len(labels)]
    return questions.batch(questions.rows(len(labels)), labels, form, **given)


def conventions(questions: Questions, *keys: str) -> list[dict[str, Any]]:
    """Return every combination of the conventions that some options go by."""
    means = ["rows"]
    if questions.contract.reduction == "mean":
        means += ["kept"] if {"ignore_index", "row_weights"} & set(keys) else []
        means += ["weights"] if {"class_weights", "row_weights"} & set(keys) else []
    contract = questions.contract
    over = ("all", "others") if "label_smoothing" in keys else (contract.smoothing_over,)
    constant = [
        key for key in ("label_smoothing", "class_weights") if getattr(contract, key) and key not in contract.arguments
    ]
    pair = {"label_smoothing", "class_weights"}
    by = ("label", "class", "mean") if pair <= {*keys, *constant} and pair & set(keys) else ("label",)
    axes: dict[str, Any] = {"mean_over": means, "smoothing_over": over, "smoothing_weights": by}
    shown_axes = {name: values for name, values in axes.items() if len(values) > 1}
    found = [dict(zip(shown_axes, values, strict=True)) for values in product(*shown_axes.values())]
    # No contract has a mean weight under labels that are smoothed over the others: it could be below 0.
    return [
        one
        for one in found
        if one.get("smoothing_weights") != "mean" or one.get("smoothing_over", contract.smoothing_over) != "others"
    ]


def by_convention(questions: Questions, batch: Batch, *keys: str) -> str:
    """Return what the conventions of some options give of a batch, in words; those that give the same once."""
    given: dict[str, str] = {}
    for one in conventions(questions, *keys):
        how = ", ".join(f"{key} {value!r}" for key, value in one.items())
        given.setdefault(answered(questions.predict(batch, None, **one)), how)
    return "; ".join(f"{number} by {how}" if how and len(given) > 1 else number for number, how in given.items())


def _try(questions: Questions, inference: Inference, key: str, name: str) -> None:
    batch = options_at_work(questions, key)
    fits, evidence = questions.choose(batch, conventions(questions, key))
    if not fits and key != "ignore_index":
        questions.blurred.add(key)
        fits, evidence = questions.choose(batch, conventions(questions, key))
        if fits:
            inference.notes.append(f"With {name} answers in float64 are as accurate as float32 holds: {evidence}.")
        else:
            questions.blurred.discard(key)
    if fits:
        inference.tell(key, {"argument": name}, f"{evidence}, as {key} {_short(batch.options[key])} gives")
        if len(fits) == 1:
            _conclude(questions, inference, fits[0], evidence)
        return
    plain = questions.predict(questions.batch(batch.scores, batch.labels))
    inference.contradict(
        key,
        f"with the argument {name} {shown(batch)} gives {questions.came(batch)}, "
        f"which no convention of {key} gives ({key}: {by_convention(questions, batch, key)}; without it: "
        f"{answered(plain)}).",
    )


def _together(questions: Questions, inference: Inference) -> None:
    """Tell the conventions that only two options show together, for what the target has of them."""
    having = ("label_smoothing", "ignore_index", "row_weights", "class_weights")
    working = [key for key in having if _works(questions, inference, key)]
    pairs = (("ignore_index", "class_weights"), ("ignore_index", "row_weights"), ("row_weights", "class_weights"))
    for keys in (*pairs, ("label_smoothing", "class_weights"), tuple(working)):
        if len(keys) < 2 or not set(keys) <= set(working) or questions.contract.refused(questions.form, keys):
            continue
        options = conventions(questions, *keys)
        batch = options_at_work(questions, *keys)
        fits, evidence = questions.choose(batch, options)
        if len(fits) == 1:
            _conclude(questions, inference, fits[0], evidence)
        elif not fits:
            key = "smoothing_weights" if "label_smoothing" in keys else "mean_over"
            expected = by_convention(questions, batch, *keys)
            told = f"{evidence}, which no convention of {' and '.join(keys)} together gives ({expected})."
            inference.contradict(key, told)


def _range_of_smoothing(questions: Questions, inference: Inference, name: str) -> None:
    """Tell that a smoothing of 1 is refused where nearly 1 is not."""
    declared = Argument(name, Range(0.0, 1.0, high_open=True))
    whole, nearly = (
        questions.batch(questions.rows(2), (0, questions.m - 1), label_smoothing=value)
        for value in (1.0, declared.inside(1.0))
    )
    if questions.ask(whole).raised is not None and questions.agrees(nearly):
        questions.learn(label_smoothing=declared)
        first = inference.findings["label_smoothing"].evidence
        evidence = f"{first}; {name}=1 raises, {declared.inside(1.0)!r} does not"
        inference.tell("label_smoothing", declared, evidence)


def _works(questions: Questions, inference: Inference, key: str) -> bool:
    return key in questions.contract.arguments and inference.findings[key].status == "told"


def _conclude(questions: Questions, inference: Inference, changes: Any, evidence: str) -> None:
    questions.learn(**changes)
    for key, value in changes.items():
        inference.tell(key, value, f"{evidence}, as {key} {value!r} gives")


def _short(value: Any) -> str:
    return str(value.astype(np.float64).tolist()) if isinstance(value, np.ndarray) else f"{value:g}"
