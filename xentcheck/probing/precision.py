"""Dtypes of scores that are answered, those of the answers, and in what the work is done."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.contract.declaration import DTYPES
from xentcheck.probing.boundary_rows import impossible
from xentcheck.probing.compare import answered
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said
from xentcheck.properties.answer import Answer
from xentcheck.properties.batch_truth import Truth
from xentcheck.targets import Outcome
from xentcheck.truth.formats import FORMATS

WIDE = "float32"
_ROWS, _CLASSES = 24, 16
_LEAST, _SHOWN = 2, 8
_ROWS_ALONE, _TIMES = 8, 3
"""How many rows are asked about one by one where each shape is, and how often each is there: so all are one shape."""
_AT_WORK = {"temperature": 0.7, "soft_cap": 5.0}
"""Options that round once more in 16 bits."""
_WEIGHTS = {"class_weights": (0.7, 1.3, 0.9), "row_weights": (1.3, 0.7, 0.9)}
"""Weights whose products with a loss 16 bits round."""
_SIZES = {"row_weights": 3}
_ONE_ROUNDING = 0.51
"""How many units in the last place a number is off that was rounded once from float32."""
_HALVES = ("float16", "bfloat16")


def find_dtypes(questions: Questions, inference: Inference) -> None:
    """Tell dtypes, output dtype and the dtype of the work.

    A 16-bit format is told where what is answered in it is as accurate as one of the promises that `compute` makes: a
    target that takes it without being written for it would be held to what it never meant.
    """
    found, words, returned = [], [], {}
    many = _many(questions, inference)
    for name in DTYPES:
        batches = [_plain(questions, name, many)]
        if not questions.contract.boundary.exact and questions.part == "loss":
            batches.append(impossible(questions, name))  # the constant may be one of each dtype
        questions.ask_all(batches[:1], *questions.parts)
        odd = next((batch for batch in batches if not questions.agrees(batch)), None)
        if odd is None:
            found.append(name)
            returned[name] = _returned(questions, batches[0], getattr(questions.ask(batches[0]), questions.part))
            words.append(f"{name} is answered in {' and '.join(sorted({*returned[name]}))}")
        else:
            expected = answered(questions.predict(odd))
            rows = f"{odd.n} rows of {odd.m} classes" if odd.m > _SHOWN else questions.shown(odd)
            words.append(f"{name}: {rows}: {questions.came(odd)}, where {expected} is expected")
    halves = {name: find_compute(questions, name, many) for name in found if name in _HALVES}
    for name in [name for name, one in halves.items() if one is None and name != questions.dtype]:
        found.remove(name)
        del halves[name], returned[name]
        words.append(f"{name} is left out, since what is answered is less accurate than any `compute` promises")
    found = found or [questions.dtype]
    inference.tell("dtypes", found, "; ".join(words))
    questions.learn(dtypes=found)
    _output(inference, returned, _widened(questions, returned))
    _tell_compute(inference, halves)


def find_refused_dtypes(questions: Questions, inference: Inference) -> None:
    """Tell dtypes of a target that refuses one of the default ones: those left, or the 16-bit ones that it answers.

    A dtype that is answered wrongly is not refused, and one that is answered though nobody asked for it is no promise.
    """
    batches = {name: _plain(questions, name) for name in reversed(DTYPES)}
    usual = [name for name in Contract().dtypes if not _refused(questions.ask(batches[name]))]
    if len(usual) == len(Contract().dtypes):
        return
    found = usual or [name for name in _HALVES if questions.agrees(batches[name])]
    if found:
        words = [f"{name}: {said(questions.ask(batches[name]))}" for name in Contract().dtypes]
        inference.tell("dtypes", found, "; ".join(words))


def _refused(outcome: Outcome) -> bool:
    return outcome.raised is not None and outcome.raised.call != "convert"


def _many(questions: Questions, inference: Inference) -> int:
    """Return of how many classes rows are whose sums 16 bits round: of no others than a target is made for."""
    made_for = "domain" in inference.findings or isinstance(questions.contract.class_weights, tuple)
    return questions.m if made_for or questions.m <= _LEAST else _CLASSES


def _plain(questions: Questions, name: str, many: int = 0, **options: Any) -> Batch:
    """Return rows that were asked about in the dtype known so far; three in others, since a third is rounded.

    In 16 bits they have as `many` classes as others that are asked about where each shape costs a compilation.
    """
    asked = name == questions.dtype and name not in _HALVES
    before, questions.m = questions.m, _classes(questions, name, many)
    try:
        return questions.plain(questions.few if asked else 3, dtype=name, **options)
    finally:
        questions.m = before


def _classes(questions: Questions, name: str, many: int) -> int:
    return many if many and name in _HALVES and questions.description.expensive_shapes else questions.m


def _returned(questions: Questions, batch: Batch, value: Any) -> tuple[str, ...]:
    """Return the dtype in which the loss is returned, and that of the gradient where there are both."""
    kinds = [value.dtype.name]
    if questions.part == "loss" and questions.description.has_gradient:
        gradient = questions.ask(batch, "gradient").gradient
        kinds += [] if gradient is None else [gradient.dtype.name]
    return tuple(kinds)


def _widened(questions: Questions, returned: dict[str, tuple[str, ...]]) -> str:
    """Return what tells that rows of labels in a wider dtype widen the answer, too; "" where they do not."""
    dense = next((form for form in questions.contract.labels if form != "sparse"), None)
    asked = "float64" in questions.contract.promised_dense_dtypes and WIDE in returned and questions.part == "loss"
    if dense is None or not asked:
        return ""
    batch = questions.plain(questions.few, form=dense, dtype=WIDE)
    loss = questions.ask(batch.replace(labels=batch.labels.astype(np.float64))).loss
    if loss is None or loss.dtype.name == returned[WIDE][0]:
        return ""
    return f"; {WIDE} with labels in float64 gives {loss.dtype.name}"


def _as_autograd(returned: dict[str, tuple[str, ...]]) -> bool:
    """Return whether each gradient has the dtype of the loss, or that of the scores, as autograd returns it."""
    return all({*kinds} <= {kinds[0], name} for name, kinds in returned.items())


def _output(inference: Inference, returned: dict[str, tuple[str, ...]], widened: str) -> None:
    words = "; ".join(f"{name} gives {' and '.join(sorted({*kinds}))}" for name, kinds in returned.items())
    losses = {kinds[0] for kinds in returned.values()}
    if widened:
        inference.tell("output_dtype", "any", words + widened)
    elif returned and all({*kinds} == {name} for name, kinds in returned.items()):
        inference.tell("output_dtype", "same", words)
    elif len(losses) == 1 and losses <= {*DTYPES} and _as_autograd(returned):
        inference.tell("output_dtype", losses.pop(), words)
    elif returned:
        inference.tell("output_dtype", "any", words)


def _tell_compute(inference: Inference, halves: dict[str, str | None]) -> None:
    """Tell whether 16-bit numbers are as from work in float32, rounded once at the end."""
    if not halves:
        return
    names = " and ".join(halves)
    if all(one == WIDE for one in halves.values()):
        inference.tell("compute", None, f"numbers in {names} are as from float32, rounded at the end")
    else:
        worst = next(name for name, one in halves.items() if one != WIDE)
        evidence = f"in {worst} answers are further off than work in float32, rounded once at the end, makes them"
        inference.tell("compute", "same", evidence, tuple(halves))


def find_compute(questions: Questions, name: str, many: int) -> str | None:
    """Return the `compute` by which all that is answered in a 16-bit format is right; None where it is by none.

    `WIDE` stands for float32, which is what the default says: one rounding of the exact number, nearly.
    """
    batches = [_plain(questions, name, many), *_weighted(questions, name, many), *_wide(questions, name, many)]
    questions.ask_all(batches, *questions.parts)
    asked = [(batch, part) for batch in batches for part in questions.parts]
    if all(_rounded_once(questions, batch, part) for batch, part in asked):
        return WIDE
    same = questions.contract.replace(compute="same", dtypes=[name])
    return "same" if all(_conforms(questions, same, batch, part) for batch, part in asked) else None


def _rounded_once(questions: Questions, batch: Batch, part: str) -> bool:
    got, wanted = questions.numbers(batch, part), questions.predict(batch, part)
    if got is None or got.shape != wanted.shape:
        return False
    held = FORMATS[batch.dtype]
    spacing = 2.0 * held.unit_roundoff * 2.0 ** np.floor(np.log2(np.maximum(np.abs(wanted), 2.0**-20)))
    spacing = np.maximum(spacing, held.smallest_subnormal)
    return bool(np.all(np.abs(got - wanted) <= _ONE_ROUNDING * spacing))


def _conforms(questions: Questions, contract: Contract, batch: Batch, part: str) -> bool:
    """Return whether a part of an answer is within the allowance that a contract gives it."""
    truth = Truth(contract, batch, None, part == "gradient")
    answer = Answer(contract, batch, questions.ask(batch, part), truth)
    return answer.clearly_right(part) or (held := answer.held(part)) is None or not held.failed.any()


def _wide(questions: Questions, name: str, many: int) -> list[Batch]:
    """Return rows of many classes, whose sums 16 bits would round on the way."""
    contract = questions.contract
    if isinstance(contract.class_weights, tuple):
        return [questions.plain(n, dtype=name) for n in questions.numbers_of_rows]
    random = np.random.default_rng(0)
    rows = random.normal(0.0, 2.0, (_ROWS, many))
    if contract.input != "logits":
        rows = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
    rows = np.exp(rows) if contract.input == "probabilities" else rows
    tried: dict[str, Any] = {key: value for key, value in _AT_WORK.items() if key in contract.arguments}
    alone = {contract.reduction, contract.effective_gradient_reduction} != {"none"}  # what is summed hides a row
    if not questions.description.expensive_shapes:
        parts = np.split(rows, len(rows) if alone else 1)
    elif alone:
        others = rows[_ROWS_ALONE + 1 :]  # whose sum is rounded, too
        parts = [*np.repeat(rows[:_ROWS_ALONE, None], _TIMES, axis=1), *np.split(others, len(others) // _TIMES)]
    else:
        parts = np.split(rows, len(rows) // questions.few)
    return [questions.batch(part, (1,) * len(part), dtype=name, **tried) for part in parts]


def _weighted(questions: Questions, name: str, many: int) -> list[Batch]:
    """Return ordinary rows with weights at work, of each kind that the target has."""
    weighed = [key for key in _WEIGHTS if key in questions.contract.arguments]
    if questions.contract.row_weights_as != "numbers":
        weighed = [key for key in weighed if key != "row_weights"]
    m = _classes(questions, name, many)
    return [_plain(questions, name, many, **{key: np.resize(_WEIGHTS[key], _SIZES.get(key, m))}) for key in weighed]
