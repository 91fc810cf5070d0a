"""Dtypes of scores that are answered, those of the answers, and in what the work is done."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract.declaration import DTYPES
from xentcheck.probing.boundary import impossible
from xentcheck.probing.compare import answered
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said, shown
from xentcheck.truth.formats import FORMATS

_ROWS, _CLASSES = 24, 16
_AT_WORK = {"temperature": 0.7, "soft_cap": 5.0}
"""Options that round once more in 16 bits."""
_HALVES = ("float16", "bfloat16")


def find_dtypes(questions: Questions, inference: Inference) -> None:
    """Tell dtypes, output dtype and the dtype of the work."""
    found, words, returned = [], [], {}
    for name in DTYPES:
        batches = [questions.plain(3, dtype=name)]
        if not questions.contract.boundary.exact and questions.part == "loss":
            batches.append(impossible(questions, name))  # the constant may be one of each dtype
        odd = next((batch for batch in batches if not questions.agrees(batch)), None)
        if odd is None:
            found.append(name)
            returned[name] = _returned(questions, name, getattr(questions.ask(batches[0]), questions.part))
            words.append(f"{name} is answered in {' and '.join(sorted(returned[name]))}")
        else:
            expected = answered(questions.predict(odd))
            words.append(f"{name}: {shown(odd)}: {said(questions.ask(odd))}, where {expected} is expected")
    found = found or [questions.dtype]
    inference.tell("dtypes", found, "; ".join(words))
    questions.learn(dtypes=found)
    _output(inference, returned)
    _compute(questions, inference, [name for name in found if name in _HALVES])


def _returned(questions: Questions, name: str, value: Any) -> set[str]:
    """Return the dtypes in which loss and gradient are returned."""
    kinds = {value.dtype.name}
    if questions.part == "loss" and questions.description.has_gradient:
        gradient = questions.ask(questions.plain(3, dtype=name), "gradient").gradient
        kinds |= set() if gradient is None else {gradient.dtype.name}
    return kinds


def _output(inference: Inference, returned: dict[str, set[str]]) -> None:
    words = "; ".join(f"{name} gives {' and '.join(sorted(kinds))}" for name, kinds in returned.items())
    every = set().union(*returned.values()) if returned else set()
    if returned and all(kinds == {name} for name, kinds in returned.items()):
        inference.tell("output_dtype", "same", words)
    elif len(every) == 1 and every <= set(DTYPES):
        inference.tell("output_dtype", every.pop(), words)
    elif returned:
        inference.tell("output_dtype", "any", words)


def _compute(questions: Questions, inference: Inference, halves: list[str]) -> None:
    """Tell whether 16-bit numbers are as from work in float32, rounded once at the end."""
    if not halves:
        return
    far = 0.0
    worst = ""
    total = 0
    for name in halves:
        for batch in _wide(questions, name):
            for part in (questions.part, *(["gradient"] if questions.description.has_gradient else [])):
                got = questions.numbers(batch, part)
                wanted = questions.predict(batch, part)
                if got is None or got.shape != wanted.shape:
                    continue
                gaps = np.abs(got - wanted) / _spacing(wanted, name)
                total += gaps.size
                if gaps.size and float(gaps.max()) > far:
                    far, worst = float(gaps.max()), name
    if far > 0.51:
        inference.tell(
            "compute",
            "same",
            f"in {worst} an answer is {far:.3g} units in the last place off, more than one rounding at the end makes",
            (*halves,),
        )
    else:
        inference.tell(
            "compute", None, f"{total} numbers in {' and '.join(halves)} are as from float32, rounded at the end"
        )


def _wide(questions: Questions, name: str) -> list[Batch]:
    """Return rows of many classes, whose sums 16 bits would round on the way."""
    random = np.random.default_rng(0)
    rows = random.normal(0.0, 2.0, (_ROWS, _CLASSES if questions.m > 2 else 2))
    if questions.contract.input != "logits":
        rows = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
    if isinstance(questions.contract.class_weights, tuple):
        return [questions.plain(n, dtype=name) for n in (1, 2, 3)]
    rows = np.exp(rows) if questions.contract.input == "probabilities" else rows
    tried: dict[str, Any] = {key: value for key, value in _AT_WORK.items() if key in questions.contract.arguments}
    batches = [questions.batch(rows[:3], questions.labels(3), dtype=name, **tried)]
    return batches + [questions.batch(row[None], (1,), dtype=name, **tried) for row in rows]


def _spacing(values: Any, name: str) -> Any:
    """Return the distance between neighbouring numbers of a format, at each value."""
    unit = 2.0 * FORMATS[name].unit_roundoff
    exponents = np.floor(np.log2(np.maximum(np.abs(values), 2.0**-20)))
    return unit * 2.0**exponents
