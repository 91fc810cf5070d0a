"""Options that the target refuses together, or beside a form of labels: left out of a call in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from xentcheck.contract.declaration import OPTIONS
from xentcheck.probing.inference import Inference
from xentcheck.probing.options import options_at_work
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said, shown
from xentcheck.targets import Outcome

_REFUSALS = ("ValueError", "TypeError", "NotImplementedError", "AssertionError", "RuntimeError")
"""What is raised on purpose; an IndexError is a mistake."""
Group = tuple[str, ...]


def refused(outcome: Outcome) -> bool:
    """Return whether a call was refused, rather than failed."""
    raised = outcome.raised
    return raised is not None and raised.call != "convert" and raised.kind in _REFUSALS


def stands_apart(questions: Questions, inference: Inference, role: str, acts: Callable[[], bool]) -> bool:
    """Return whether an option acts once others are left out of the call; they are known to exclude it then.

    Parameters
    ----------
    questions : Questions
        Its contract declares the option.
    inference : Inference
    role : str
        The option's key.
    acts : callable
        Whether the option does what it should, as the target is called.
    """
    batch = options_at_work(questions, role)
    beside = questions.ask(batch)
    others = [key for key in questions.contract.arguments if key != role and key not in inference.required]
    needed = _needed(questions, (role,), others, acts)
    for key in needed:
        group = _ordered((role, key))
        if refused(beside):
            _tell(questions, inference, group, f"{shown(batch)} with {key} passed: {said(beside)}")
        else:
            came = f"{shown(batch)} gives {questions.came(batch)}"
            why = f"{role} acts where {key} is left out of the call and not beside it, which is not refused: {came}"
            inference.cannot_tell("exclusive", f"{why}; a mistake unless it is meant, and declared.")
    return bool(needed)


def labels_stand_apart(questions: Questions, inference: Inference, form: str, acts: Callable[[], bool]) -> bool:
    """Return whether labels of a form are answered once options are left out, which they are known to exclude then."""
    batch = questions.plain(questions.few, form=form)
    beside = questions.ask(batch)
    if not refused(beside):
        return False
    before = questions.contract.labels
    questions.learn(labels=[*dict.fromkeys((questions.form, *before, form))])
    others = [key for key in questions.contract.arguments if key not in inference.required]
    needed = _needed(questions, (form,), others, acts)
    for key in needed:
        _tell(questions, inference, (form, key), f"{shown(batch)} with {key} passed: {said(beside)}")
    if not needed:
        questions.learn(labels=list(before))
    return bool(needed)


def find_unignored_forms(questions: Questions, inference: Inference) -> None:
    """Tell beside which rows of labels a label that is ignored is refused, where it is taken beside class numbers."""
    if "ignore_index" not in questions.contract.arguments or questions.form != "sparse":
        return
    for form in questions.contract.labels:
        group = (form, "ignore_index")
        if form == "sparse" or questions.contract.refused(form, ["ignore_index"]):
            continue
        batch = questions.plain(questions.few, form=form, ignore_index=questions.m - 1)
        if refused(questions.ask(batch)):
            questions.learn(exclusive=[*questions.contract.exclusive, group])
            _tell(questions, inference, group, f"{shown(batch)}: {said(questions.ask(batch))}")


def _needed(questions: Questions, kept: Group, others: Sequence[str], acts: Callable[[], bool]) -> list[str]:
    """Return the fewest of some options without which what is kept acts; [] where it does not without all of them."""
    before = questions.contract.exclusive

    def left_out(keys: Sequence[str]) -> bool:
        questions.learn(exclusive=[*before, *(_ordered((*kept, key)) for key in keys)])
        return acts()

    if not others or not left_out(others):
        questions.learn(exclusive=list(before))
        return []
    needed = list(others)
    for key in others:
        fewer = [other for other in needed if other != key]
        needed = fewer if fewer and left_out(fewer) else needed
    left_out(needed)
    return needed


def find_exclusive(questions: Questions, inference: Inference) -> None:
    """Tell which options that act alone are refused where both act."""
    working = [key for key in questions.contract.arguments if _told(inference, key)]
    if questions.form != "sparse":
        working = [key for key in working if key != "ignore_index"]
    pairs = [pair for pair in combinations(working, 2) if not _known(questions, pair)]
    if len(working) < 2 or not pairs:
        return
    if not questions.contract.exclusive and not refused(questions.ask(options_at_work(questions, *working))):
        return
    for pair in pairs:
        batch = options_at_work(questions, *pair)
        if refused(questions.ask(batch)):
            group = _ordered(pair)
            questions.learn(exclusive=[*questions.contract.exclusive, group])
            _tell(questions, inference, group, f"{shown(batch)}: {said(questions.ask(batch))}")


def settle_exclusive(questions: Questions, inference: Inference) -> None:
    """Take back what is told of options, and of forms of labels, that are not told themselves."""
    found = inference.findings.get("exclusive")
    if found is None or found.status != "told":
        return
    known = {*questions.contract.labels, *(key for key in OPTIONS if _told(inference, key))}
    kept = [group for group in found.value if known.issuperset(group)]
    if kept:
        inference.tell("exclusive", kept, found.evidence)
    else:
        inference.cannot_tell("exclusive", f"not all that exclude each other are told: {found.evidence}.")


def _known(questions: Questions, pair: Group) -> bool:
    return bool(questions.contract.refused("", pair))


def _told(inference: Inference, key: str) -> bool:
    one = inference.findings.get(key)
    return one is not None and one.status == "told" and isinstance(one.value, dict)


def _ordered(names: Sequence[str]) -> Group:
    """Return names as a contract lists them: a form of labels, then options in their order."""
    return (*(name for name in names if name not in OPTIONS), *(key for key in OPTIONS if key in names))


def _tell(questions: Questions, inference: Inference, group: Group, evidence: str) -> None:
    before = inference.findings.get("exclusive")
    told = before is not None and before.status == "told"
    groups = [*before.value, list(group)] if told and before is not None else [list(group)]
    words = f"{before.evidence}; {evidence}" if told and before is not None else evidence
    inference.tell("exclusive", groups, words)
