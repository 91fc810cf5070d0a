"""What a check of a target without a contract takes from an inference, and what it must not.

An inference explains what a target does; it cannot know what was meant, and a mistake explains itself best. So a key is
taken only where the defaults do not explain the answers, and by what it is:

- a *fact* says how the target is called and read. Wrong there, nothing could be judged;
- a *convention* changes the number, by a constant that losses have on purpose and that answers show to the last digit.
  It is taken, and named as what it is: a defect, if nobody meant it;
- a *suspicion* is a deviation that a mistake makes as well. It is not taken: the target is held to the default.

What goes beyond the defaults (further dtypes, infinities, refusals) is nobody's promise, and not asked for.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from xentcheck.contract import Contract, ContractError
from xentcheck.contract.declaration import KEYS, OPTIONS
from xentcheck.contract.keys_promises import P_MINUS_T
from xentcheck.contract.reading import contract_of
from xentcheck.probing.inference import Finding, Inference
from xentcheck.report.results import CONVENTION, FACT, OPEN, SUSPICION, UNEXPLAINED, InferredKey

_FACTS = ("argument_order", "axis", "input", "reduction", "gradient_wrt", "row_weights_as", "exclusive")
_LISTS = {"labels": "sparse", "label_shapes": "(n,)", "label_dtypes": "int64", "extra_axes": 0}
"""Lists of what is understood, and what of them the default has: where that is understood, nothing is taken."""
_CONVENTIONS = ("mean_over", "smoothing_over", "smoothing_weights", "gradient_of")
_IN_A_MEAN = ("class_weights", "row_weights", "ignore_index")
_CONSTANTS = ("class_weights", "label_smoothing", "z_loss", "soft_cap")
_SUSPICIONS = ("output", "gradient_reduction", "temperature")
_LOG_PROBABILITIES = re.compile(r"log_?p(rob|mf|df|s?(_|$))|log_?lik|log_?softmax", re.IGNORECASE)
_LOSSES = re.compile(r"loss|nll|neg|cross|xent|(^|_)ce(_|$)", re.IGNORECASE)
"""Names of what returns log-probabilities, and of what does not whatever else they say."""
_DIGITS = 4
"""Of a constant that somebody wrote; an error that looks like a constant has as many as it happens to have."""
_LONGEST = 200


def taken(inference: Inference) -> tuple[dict[str, Any], tuple[InferredKey, ...]]:
    """Return the contract keys that a check takes, and every key that is worth telling with its standing."""
    usual = Contract().as_mapping()
    # What was told of answers that nothing explains was told by coincidence.
    unsure = ("axis", "reduction", "gradient_wrt") if "input" in inference.structure else ()
    told = {key: one for key, one in inference.findings.items() if one.status == "told" and key not in unsure}
    found = told | inference.structure
    keys = [
        _named(one, standing)
        for one in found.values()
        if one.value != usual[one.key] and (standing := _standing(one, inference, found))
    ]
    # Of what is unexplained the reader is told what it is nearly, too.
    keys += [
        InferredKey(one.key, one.value, UNEXPLAINED, _short(one.evidence, 3 * _LONGEST))
        for one in inference.contradictions
    ]
    keys += [
        InferredKey(key, {"argument": name}, FACT, "the call needs it")
        for key, name in inference.required.items()
        if key not in inference.told
    ]
    keys = _that_fit(keys)
    changes = _changes(keys)
    if why := _refused(changes):
        return {}, (*(one for one in keys if not one.taken), InferredKey("input", None, UNEXPLAINED, why))
    return changes, tuple(keys)


def _changes(keys: Sequence[InferredKey]) -> dict[str, Any]:
    return _without_forms({one.key: one.value for one in keys if one.taken})


def _refused(changes: dict[str, Any]) -> str:
    """Return why keys make no contract; "" where they do."""
    try:
        contract_of(changes)
    except ContractError as error:
        return str(error)
    return ""


def _that_fit(keys: list[InferredKey]) -> list[InferredKey]:
    """Return keys of which conventions that have no meaning without what is not taken are suspected, too.

    As a gradient at clipped probabilities where the clip itself is not taken: one of them if that is enough, or all.
    """
    conventions = [one for one in keys if one.standing == CONVENTION]
    for left_out in ([], *([one] for one in conventions), conventions):
        fit = [replace(one, standing=SUSPICION) if one in left_out else one for one in keys]
        if not _refused(_changes(fit)):
            return fit
    return keys


def _without_forms(changes: dict[str, Any]) -> dict[str, Any]:
    """Return keys whose `exclusive` is of options that are taken alone: other forms of labels are not asked for."""
    groups = [group for group in changes.get("exclusive", []) if all(key in changes for key in group)]
    return {
        **{key: value for key, value in changes.items() if key != "exclusive"},
        **({"exclusive": groups} if groups else {}),
    }


def _named(one: Finding, standing: str) -> InferredKey:
    return InferredKey(one.key, one.value, standing, _short(one.evidence))


def _short(evidence: str, longest: int = _LONGEST) -> str:
    """Return the first experiment of an evidence."""
    return textwrap.shorten(evidence.partition("; ")[0], longest, placeholder=" ...")


def _kept_exact(inference: Inference, found: dict[str, Finding]) -> bool:
    """Whether a boundary was told and is not taken."""
    return "boundary" in found and _standing(found["boundary"], inference, found) == SUSPICION


def _standing(one: Finding, inference: Inference, found: dict[str, Finding]) -> str:
    """Return what a key is to a check; "" where it is nothing."""
    key, value = one.key, one.value
    if key in _LISTS:
        return "" if KEYS[key].read(key, value) == KEYS[key].default or _LISTS[key] in value else FACT
    if key in OPTIONS and isinstance(value, dict):
        return FACT
    if key == "dtypes":
        return "" if set(Contract().dtypes) <= set(value) else FACT  # one of them is refused
    if key == "reduction" and value == "sum" and "divisor" not in found:
        return CONVENTION if _called_otherwise(found) else SUSPICION  # a mean that lacks its division looks so
    if key == "domain":
        return FACT if inference.classes else SUSPICION  # else a gradient tells it
    if key in _FACTS or (key, value) == ("output", "entropy"):
        return FACT
    if key == "gradient_of" and value == P_MINUS_T:
        return ""  # of soft rows of any sum, of which the defaults promise nothing
    if key == "gradient_of" and value == "loss" and _kept_exact(inference, found):
        return ""  # that of the loss as declared is that of the default
    unexplained = inference.structure or any(other.key == "boundary" for other in inference.contradictions)
    if unexplained and key in (*_CONVENTIONS, *_CONSTANTS, *_SUSPICIONS, "boundary", "ignore_index"):
        return SUSPICION  # what is left unexplained with it is not explained by it
    if key == "boundary":
        return SUSPICION if "input" not in found or found["input"].value == "logits" else CONVENTION
    if key == "output" and _called_log_probability(inference.name):
        return CONVENTION
    if key == "ignore_index" and inference.ignored_by:
        return CONVENTION
    if key == "ignore_index":
        return SUSPICION if isinstance(value, int) and value >= 0 else OPEN
    if key == "mean_over" and not (inference.ignored_by or any(_at_work(found.get(name)) for name in _IN_A_MEAN)):
        return ""  # a mean over the rows that a label, not taken as ignored, leaves
    if key in _CONSTANTS and not _written(value):
        return SUSPICION
    if key in _CONVENTIONS or key in _CONSTANTS:
        return CONVENTION
    return SUSPICION if key in _SUSPICIONS else ""


def _called_log_probability(name: str) -> bool:
    """Return whether a target is called after the log-probabilities that it returns, as `Categorical.log_prob`."""
    own = name.rpartition(":")[2].rpartition(".")[2]
    return bool(_LOG_PROBABILITIES.search(own)) and not _LOSSES.search(own)


def _called_otherwise(found: dict[str, Finding]) -> bool:
    """Return whether something beside the reduction shows that the defaults are not what is followed."""
    usual = Contract()
    sparse = "labels" not in found or "sparse" in found["labels"].value
    return not sparse or any(
        key in found and found[key].value != getattr(usual, key) for key in ("argument_order", "axis", "input")
    )


def _at_work(one: Finding | None) -> bool:
    """Return whether an option is taken: an argument, or constant class weights."""
    return one is not None and isinstance(one.value, (dict, list))


def _written(value: Any) -> bool:
    """Return whether a constant has the few digits of one that somebody wrote."""
    values = value if isinstance(value, list) else [value]
    return all(float(f"{one:.{_DIGITS}g}") == one for one in values)
