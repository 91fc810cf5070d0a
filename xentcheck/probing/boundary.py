"""What is done to probabilities before the logarithm: nothing, + eps or a clip, and whether rows are normalised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.probing.boundary_rows import above_one, certain, impossible, of_the_size, rare, sure, two_certain
from xentcheck.probing.compare import LOOSE, TOLERANCE, Floats, answered
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said, shown
from xentcheck.probing.solved import LARGEST_LOSS, constant, solved
from xentcheck.truth.formats import FORMATS

_BELOW = 64.0
"""How far below the constant a probability is asked about, which is not 0: it is treated alike."""


def find_boundary(questions: Questions, inference: Inference) -> None:
    """Find the boundary of a loss on probabilities, or of one on logits that takes log(softmax)."""
    if questions.part != "loss":
        inference.cannot_tell("boundary", "the target has no loss, and p - t does not depend on it.")
        return
    kind = questions.contract.input
    if kind == "log_probabilities":
        return
    questions.learn(boundary="exact")  # a constant that ordinary rows have shown shows better at the rim
    normalise = _normalises(questions, inference) if kind == "probabilities" else False
    batch = impossible(questions, questions.dtype)
    outcome = questions.ask(batch)
    loss = questions.of_a_row(batch)
    if loss is None:
        why = f"{shown(batch)} came {said(outcome).rstrip('.')}."
        inference.cannot_tell("boundary", f"for a probability of 0, {why}")
        _tell_exact(questions, inference, normalise, told=False)
        return
    said_of = f"{shown(batch)}: {answered(np.asarray(loss))}"
    if np.isnan(loss):
        _of_nothing_but_positive(questions, inference, normalise, said_of)
        return
    if loss == np.inf:
        _tell_exact(questions, inference, normalise, told=True, evidence=said_of)
        return
    if questions.agrees(
        batch, tolerance=max(LOOSE, TOLERANCE[batch.dtype])
    ):  # no constant that a format holds is so small
        _tell_exact(questions, inference, normalise, told=True, evidence=said_of)
        return
    _fit(questions, inference, normalise, loss, said_of)


def _of_nothing_but_positive(questions: Questions, inference: Inference, normalise: bool, said_of: str) -> None:
    """Tell whether a loss that is nan for a probability of 0 has a boundary for one that is as good as 0."""
    row = np.full((1, questions.m), _small(questions.dtype))
    label, other = rare(questions)
    row[0, other] = 1.0
    batch = questions.batch(row if questions.contract.input == "probabilities" else np.log(row), [label])
    if questions.agrees(batch):
        evidence = f"{said_of}; {shown(batch)}: {questions.came(batch)}"
        _tell_exact(questions, inference, normalise, told=True, evidence=evidence)
        return
    inference.cannot_tell("boundary", f"{said_of}, which is no answer of any boundary.")
    _tell_exact(questions, inference, normalise, told=False)


def _small(dtype: str) -> float:
    """Return a probability beside which 1 is still the sum, and that no boundary leaves as it is."""
    return float(2.0 ** {"float64": -1000, "float32": -120, "bfloat16": -120}.get(dtype, -14))


def _tell_exact(questions: Questions, inference: Inference, normalise: bool, told: bool, evidence: str = "") -> None:
    if normalise:
        questions.learn(boundary={"normalise": True})
        inference.tell("boundary", {"normalise": True}, f"{inference.findings['boundary'].evidence}; {evidence}")
    elif told:
        inference.tell("boundary", "exact", f"{evidence}, so that nothing is added and nothing clipped")


def _normalises(questions: Questions, inference: Inference) -> bool:
    """Tell whether rows that do not sum to 1 are divided by their sum."""
    rows = questions.rows(1) * 0.75
    batch = questions.batch(rows, questions.labels(1))
    candidates: list[Mapping[str, Any]] = [{"boundary": "exact"}, {"boundary": {"normalise": True}}]
    got = questions.numbers(batch)
    if got is None:
        return False
    near = [one for one in candidates if questions.agrees(batch, tolerance=2e-3, **one)]
    if len(near) == 1:
        divided = near[0] is candidates[1]
        how = "as divided by their sum" if divided else "as they are"
        if divided:
            inference.tell("boundary", {"normalise": True}, f"{shown(batch)}: {answered(got)}, {how}")
        else:
            inference.notes.append(f"Rows of probabilities that do not sum to 1 are taken {how}: {answered(got)}.")
        return divided
    return False


def _fit(questions: Questions, inference: Inference, normalise: bool, loss: float, said_of: str) -> None:
    """Solve for the constant, and try what it may be on probabilities of its size and on 1."""
    evidence = [said_of]
    row = impossible(questions, questions.dtype)
    logarithm, near = solved(questions, row, loss, lambda value: {"clip": [value, 1.0]})
    if not 0.0 < logarithm < LARGEST_LOSS:  # the constant would be more than a probability, or less than any number
        inference.contradict("boundary", f"{said_of}, which is -log of no constant that could be added or clipped to.")
        return
    low = constant(float(np.exp(-logarithm)), logarithm, near)
    candidates: list[Mapping[str, Any]] = [{"boundary": one} for one in _candidates(questions, loss, normalise)]
    batches = [certain(questions, label=sure(questions)), *of_the_size(questions, low), questions.plain(questions.few)]
    less = low / _BELOW
    below = list(of_the_size(questions, less)) if less >= FORMATS[questions.dtype].smallest_normal else []
    batches += below
    batches += two_certain(questions)
    above = above_one(questions)
    if normalise and questions.numbers(above) is not None:  # tells whether the division or the clip comes first
        batches.append(above)
    for batch in batches:
        got = questions.numbers(batch)
        candidates = [one for one in candidates if got is not None and _close(got, questions, batch, one)]
        evidence.append(f"{shown(batch)}: {answered(got)}")
    if not candidates:
        why = ""
        if _is_limited(questions, loss):
            why = f", but as if no logit were more than {loss:g} below the largest of its row"
        elif below and questions.agrees(below[0]):
            why = f", but as if a probability of 0 alone were {low:g}: {shown(below[0])}: {questions.came(below[0])}"
        neither = f"neither log(p + {low:g}) nor a clip at {low:g}"
        inference.contradict("boundary", f"{said_of}, {neither}{why}; {'; '.join(evidence[1:])}.")
        return
    candidates.sort(key=lambda one: (not _is_eps(questions, one["boundary"]), _digits(one["boundary"])))
    divided = {key: value for key, value in candidates[0]["boundary"].items() if key == "normalise"}
    of_dtype: Mapping[str, Any] = {"boundary": {"clip": "eps", **divided}}
    if _is_eps(questions, candidates[0]["boundary"]):
        for dtype in ("float32", "float64"):
            batch = impossible(questions, dtype)
            if dtype != questions.dtype and questions.agrees(batch, boundary=of_dtype["boundary"]):
                evidence.append(f"{shown(batch)} in {dtype}: {questions.came(batch)}")
                candidates[0] = of_dtype
    questions.learn(**candidates[0])
    also = tuple(one["boundary"] for one in candidates[1:])
    inference.tell("boundary", candidates[0]["boundary"], "; ".join(evidence), also)
    _note_eps_of_each_dtype(questions, inference, divided)


def _note_eps_of_each_dtype(questions: Questions, inference: Inference, divided: Mapping[str, Any]) -> None:
    """Say that what is added is the eps of the dtype of the scores, of which a contract names a number."""
    if questions.contract.boundary.add != FORMATS[questions.dtype].eps:
        return
    for name in ("float32", "float64"):
        batch = impossible(questions, name)
        if name != questions.dtype and questions.agrees(batch, boundary={"add": FORMATS[name].eps, **divided}):
            inference.notes.append(
                "What is added to a probability is the eps of the dtype, of which a contract names one number: in "
                f"{name}, {FORMATS[name].eps:g}: {shown(batch)}: {questions.came(batch)}. Declare one for each dtype."
            )


def _is_eps(questions: Questions, boundary: Mapping[str, Any]) -> bool:
    """Return whether a boundary is a clip at the eps of the dtype of the scores."""
    eps = FORMATS[questions.dtype].eps
    return bool(boundary.get("clip") == [eps, 1.0 - eps])


def _digits(boundary: Mapping[str, Any]) -> int:
    """Return how many digits the constant has: people write those of few."""
    return len(repr(float(boundary["clip"][0] if "clip" in boundary else boundary["add"])).partition("e")[0])


def _candidates(questions: Questions, loss: float, normalise: bool) -> Iterator[dict[str, Any]]:
    more = {"normalise": True} if normalise else {}
    row, likely = impossible(questions, questions.dtype), certain(questions, label=sure(questions))

    def low_of(boundary: Callable[[float], dict[str, Any]]) -> float:
        logarithm, near = solved(questions, row, loss, boundary)
        return constant(float(np.exp(-logarithm)), logarithm, near)

    yield {"add": low_of(lambda value: {"add": value, **more}), **more}
    low = low_of(lambda value: {"clip": [value, 1.0], **more})
    yield {"clip": [low, 1.0], **more}
    if normalise:  # what was solved for is low over the row's sum
        for high, others in ((1.0 - low, questions.m - 2), (1.0, questions.m - 1)):
            own = constant(low / (1.0 - others * low), loss)
            yield {"clip": [own, high if high == 1.0 else 1.0 - own], "normalise": "after"}
    got = questions.of_a_row(likely)
    if got is None:
        return
    least, _ = solved(questions, likely, got, lambda value: {"clip": [low, value], **more})
    if 0 < least < 0.5:
        rest = constant(-float(np.expm1(-least)), 0.0, 1e-2 if least < 1e-12 else 1e-6)
        low = low_of(lambda value: {"clip": [value, 1.0 - value], **more})
        for high in dict.fromkeys((1.0 - low, 1.0 - rest)):
            yield {"clip": [low, high], **more}


def _is_limited(questions: Questions, loss: float) -> bool:
    """Return whether what is limited are logits, below the largest of their row, and not probabilities."""
    rows = two_certain(questions)
    got = questions.of_a_row(rows[0]) if rows else None
    return got is not None and abs(got - loss - np.log(questions.m - 1.0)) <= TOLERANCE["float32"] * loss


def _close(got: Floats, questions: Questions, batch: Batch, change: Mapping[str, Any]) -> bool:
    """Return whether an answer is that of a boundary, relatively where the loss is as small as its constant."""
    wanted = questions.predict(batch, **change)
    unit = {"float64": 1.01 * 2.0**-53, "float32": 2.0**-23, "bfloat16": 2.0**-7}.get(batch.dtype, 2.0**-10)
    limit = max(questions.tolerance(batch) * max(1.0, float(np.max(np.abs(wanted)))), unit)
    if np.max(np.abs(wanted)) < 1e-3:
        limit = 2e-2 * float(np.max(np.abs(wanted))) + unit
        if batch.dtype == "float64" and 0 < np.max(np.abs(wanted)) < 1e-12:
            rounded = np.max(np.abs(wanted)) <= 2.0**-53  # 1 and the constant are 1
            limit = (1.0 if rounded else 0.6) * float(np.max(np.abs(wanted)))
    return got.shape == wanted.shape and bool(np.all(np.abs(got - wanted) <= limit))
