"""Forms, shapes and dtypes of labels that are understood, and what becomes of soft rows of any sum."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract.declaration import DENSE, INTEGERS, OPTIONS
from xentcheck.contract.keys_promises import P_MINUS_T
from xentcheck.probing.compare import answered
from xentcheck.probing.exclusive import find_unignored_forms, labels_stand_apart
from xentcheck.probing.inference import Inference
from xentcheck.probing.options import conventions, options_at_work, weights_that_show
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said, shown

_FEW_INTEGERS = ("int64", "int32", "uint8", "float64")
"""Dtypes of class numbers that are tried where each is compiled; all integers are promised by a refusal, too."""
_FLOATS = ("float32", "float64")
"""Dtypes of rows of labels that are tried where that of the scores is refused."""
_BY: tuple[dict[str, Any], ...] = tuple({"smoothing_weights": by} for by in ("label", "class", "mean"))
"""By what class weights may enter a row of soft labels."""
_SOFT = ((0.5, 0.25, 0.25), (0.0, 0.75, 0.25), (0.125, 0.125, 0.75))
_ANY_SUM = ((0.5, 0.5, 0.25), (0.0, 0.5, 0.0), (1.0, 0.5, 0.5))


def soft_batch(questions: Questions, sums: bool = True, **options: Any) -> Batch:
    """Return rows of soft labels, which sum to 1 or to other numbers."""
    rows = np.array(_SOFT if sums else _ANY_SUM)
    full = np.zeros((questions.few, questions.m))
    width = min(questions.m, 3)
    full[:, :width] = rows[: questions.few, :width]
    if width < 3 and sums:
        full[:, 1] = 1.0 - full[:, 0]
    return questions.batch(questions.rows(questions.few), full, form="soft", **options)


def find_labels(questions: Questions, inference: Inference) -> None:
    """Tell label forms, then shapes and dtypes of those that are understood."""
    found, words = [], []
    if questions.contract.class_weights is not None and "class_weights" not in questions.contract.arguments:
        _constant_weights_of_soft_rows(questions, inference)
    for form in ("sparse", "onehot", "soft"):
        if _answers(questions, form) or (
            form != questions.form
            and labels_stand_apart(questions, inference, form, partial(_answers, questions, form))
        ):
            batch = _plain(questions, form)
            if form != questions.form and (other := _otherwise(questions, form)):
                inference.notes.append(other)
                words.append(f"{form}: by another convention")
                continue
            found.append(form)
            words.append(f"{form}: {questions.came(batch)} as it should be")
        else:
            words.append(f"{form}: {said(questions.ask(_plain(questions, form)))}")
    found = found or [questions.form]
    left_out = {"sparse", "onehot", "soft"} - {*found}
    exclusive = [group for group in questions.contract.exclusive if not left_out.intersection(group)]
    questions.learn(labels=found, exclusive=exclusive)
    find_unignored_forms(questions, inference)
    inference.tell("labels", found, "; ".join(words))
    if "sparse" in found:
        _sparse(questions, inference)
    if set(found) & {"onehot", "soft"}:
        _dense_dtypes(questions, inference)
    if "soft" in found:
        if "class_weights" in questions.contract.arguments and "smoothing_weights" not in inference.findings:
            _weights_of_soft_rows(questions, inference)
        _soft_rows(questions, inference)


def _plain(questions: Questions, form: str) -> Batch:
    return soft_batch(questions) if form == "soft" else questions.plain(questions.few, form=form)


def _answers(questions: Questions, form: str) -> bool:
    """Return whether a form is answered; labels that are refused in the plainest dtype are tried in another.

    That is, class numbers in the dtype of the scores, and rows in another of floats than that.
    """
    if questions.agrees(_plain(questions, form)):
        return True
    if form == "sparse" != questions.form and questions.ask(_plain(questions, form)).raised is not None:
        questions.sparse_dtype = "same"
        if questions.agrees(_plain(questions, form)):
            return True
        questions.sparse_dtype = ""
    before = questions.dense_dtype
    beside = questions.form == "sparse" != form and not before
    if not beside or questions.ask(_plain(questions, form)).raised is None:
        return False
    for name in _FLOATS:
        questions.dense_dtype = name
        if name != questions.dtype and questions.agrees(_plain(questions, form)):
            return True
    questions.dense_dtype = before
    return False


def _otherwise(questions: Questions, form: str) -> str:
    """Return what tells that labels of a form are answered by other conventions of the options; "" where not."""
    if not questions.contract.arguments:
        return ""
    batch = options_at_work(questions, *OPTIONS, form=form)
    if questions.agrees(batch) or not questions.agrees(options_at_work(questions, *OPTIONS)):
        return ""  # what contradicts all options together is no matter of the form
    fits, evidence = questions.choose(batch, conventions(questions, *questions.contract.arguments))
    how = ", ".join(f"{key}={value}" for key, value in fits[0].items()) if fits else "conventions that are not known"
    return (
        f"Labels of the form {form} go by {how}, other than {questions.form} ones, and need a contract of their own: "
        f"{evidence}, where {answered(questions.predict(batch))} is expected."
    )


def _sparse(questions: Questions, inference: Inference) -> None:
    batch = questions.plain(questions.few, form="sparse")
    shapes, words = [], []
    for name, shape in (("(n,)", (batch.n,)), ("(n,1)", (batch.n, 1))):
        shaped = batch.replace(labels=batch.labels.reshape(shape))
        if questions.agrees(shaped):
            shapes.append(name)
        words.append(f"{name}: {questions.came(shaped)}")
    inference.tell("label_shapes", shapes or ["(n,)"], "; ".join(words))
    everything = (*INTEGERS, "float32", "float64")
    few = questions.description.expensive_shapes and questions.label_dtype == ""
    right, wrong = _by_dtype(questions, batch, _FEW_INTEGERS if few else everything)
    if "int64" in right:
        inference.tell("label_dtypes", "integers", _dtypes_in_words(right, wrong))
    elif right == [questions.dtype] and (evidence := _only_beside_their_own(questions)):
        inference.tell("label_dtypes", ["same"], f"{_dtypes_in_words(right, wrong)}; {evidence}")
        questions.learn(label_dtypes=["same"])
    elif right:
        inference.tell("label_dtypes", right, _dtypes_in_words(right, wrong))
        questions.learn(label_dtypes=right)
        if "same" in (questions.label_dtype, questions.sparse_dtype):
            questions.sparse_dtype = right[0]
            questions.label_dtype = right[0] if questions.form == "sparse" else questions.label_dtype
    _note_wrong(inference, wrong)


def _only_beside_their_own(questions: Questions) -> str:
    """Return what shows that class numbers are taken in the dtype of other scores, and not in these; "" if nothing."""
    other = "float32" if questions.dtype == "float64" else "float64"
    batch = questions.plain(questions.few, form="sparse", dtype=other)
    own, crossed = (batch.replace(labels=batch.labels.astype(name)) for name in (other, questions.dtype))
    questions.ask_all([own, crossed])
    if not questions.agrees(own) or questions.agrees(crossed):
        return ""
    return f"beside scores in {other}, labels in {other} are, and in {questions.dtype}: {said(questions.ask(crossed))}"


def _dense_dtypes(questions: Questions, inference: Inference) -> None:
    # One row, too: integers may be taken for class numbers there, and refused where shapes do not fit.
    right, wrong = _by_dtype(questions, questions.plain(questions.few, form="onehot"), DENSE)
    alone, misread_alone = _by_dtype(questions, questions.plain(1, form="onehot"), DENSE)
    right, wrong = [name for name in right if name in alone], {**wrong, **misread_alone}
    misread = [name for name, what in wrong.items() if not what.startswith("refused")]
    if "same" in right and not misread:
        inference.tell("dense_label_dtypes", "numbers", _dtypes_in_words(right, wrong))
    elif right:
        inference.tell("dense_label_dtypes", right, _dtypes_in_words(right, wrong))
        questions.learn(dense_label_dtypes=right)


def _by_dtype(questions: Questions, batch: Batch, names: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    """Return the dtypes of labels that are answered as they should be, and what came of the others."""
    right, wrong = [], {}
    batches = {
        name: batch.replace(labels=batch.labels.astype(batch.scores.dtype if name == "same" else name))
        for name in names
    }
    questions.ask_all(batches.values())
    for name, tried in batches.items():
        if questions.agrees(tried):
            right.append(name)
        else:
            outcome = questions.ask(tried)
            refused = outcome.raised is not None and outcome.raised.call != "convert"
            wrong[name] = f"refused ({said(outcome)})" if refused else said(outcome)
    return right, wrong


def _dtypes_in_words(right: list[str], wrong: Mapping[str, str]) -> str:
    return f"answered: {', '.join(right)}" + "".join(f"; {name}: {what}" for name, what in wrong.items())


def _note_wrong(inference: Inference, wrong: Mapping[str, str]) -> None:
    for name, what in wrong.items():
        if name in INTEGERS and not what.startswith("refused"):
            inference.notes.append(f"Labels in {name} are answered otherwise than in int64: {what}.")


def _weights_of_soft_rows(questions: Questions, inference: Inference) -> None:
    """Tell what weight a soft row carries: that of its label, or each class its own, as of a smoothed row."""
    batch = soft_batch(questions, class_weights=weights_that_show(questions))
    fits, evidence = questions.choose(batch, _BY)
    if fits:
        by, *also = (one["smoothing_weights"] for one in fits)
        questions.learn(smoothing_weights=by)
        inference.tell("smoothing_weights", by, f"{evidence}, as {by} gives for soft rows", tuple(also))
    else:
        expected = "; ".join(f"{one['smoothing_weights']}: {questions.predict(batch, **one)}" for one in _BY)
        inference.notes.append(
            f"Soft rows with class weights go by no convention that is known: {evidence}, {expected}."
        )


def _constant_weights_of_soft_rows(questions: Questions, inference: Inference) -> None:
    """Tell the same of weights that are constants, as far as soft rows are answered by a convention."""
    fits, evidence = questions.choose(soft_batch(questions), _BY)
    if fits and "smoothing_weights" not in inference.findings:
        by, *also = (one["smoothing_weights"] for one in fits)
        questions.learn(smoothing_weights=by)
        inference.tell("smoothing_weights", by, f"{evidence}, as {by} gives for soft rows", tuple(also))


def _soft_rows(questions: Questions, inference: Inference) -> None:
    batch = soft_batch(questions, sums=False)
    candidates = [{"soft_rows": "any"}, {"soft_rows": "renormalised"}]
    contract = questions.contract
    if questions.part == "gradient" and contract.gradient_wrt == "logits" and contract.class_weights is None:
        candidates.append({"soft_rows": "any", "gradient_of": P_MINUS_T})
    fits, evidence = questions.choose(batch, candidates)
    if len(fits) == 1:
        questions.learn(**fits[0])
        for key, value in fits[0].items():
            inference.tell(key, value, f"{evidence}, as {' with '.join(fits[0].values())} gives")
    else:
        expected = "; ".join(
            f"{' with '.join(one.values())}: {answered(questions.predict(batch, **one))}" for one in candidates
        )
        outcome = said(questions.ask(batch))
        inference.tell("soft_rows", "normalised", f"{shown(batch)}: {outcome}, but {expected}")
