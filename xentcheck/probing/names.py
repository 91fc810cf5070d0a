"""What the arguments of a call may be, by the names that losses give them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xentcheck.targets.parameter import Parameter

OPTION_NAMES: dict[str, tuple[str, ...]] = {
    "class_weights": ("weight", "weights", "class_weight", "class_weights", "cls_weight", "w"),
    "row_weights": (
        *("sample_weight", "sample_weights", "example_weight", "example_weights", "row_weights", "token_weights"),
        *("weight", "weights", "loss_weight", "loss_weights", "w"),
        *("mask", "masks", "loss_mask", "label_mask", "target_mask", "token_mask", "response_mask", "completion_mask"),
        *("attention_mask", "valid", "valid_mask", "is_valid", "keep", "where"),
    ),
    "label_smoothing": ("label_smoothing", "smoothing", "label_smooth", "smoothing_eps", "smooth"),
    "z_loss": ("z_loss", "zloss", "z_loss_weight", "z_loss_multiplier", "lse_square_scale", "lam"),
    "ignore_index": ("ignore_index", "ignore_label", "ignored_index", "ignore_class", "ignored_label"),
    "soft_cap": ("softcap", "soft_cap", "logit_softcap", "logits_soft_cap", "logit_softcapping"),
    "temperature": ("temperature", "temp", "tau"),
    "divisor": (
        *("num_items_in_batch", "num_items", "normalizer", "normaliser", "denominator", "divisor", "avg_factor"),
        *("normalizing_factor", "loss_normalizing_factor", "num_tokens", "n_tokens", "ntokens", "total_tokens"),
    ),
}
ARRAYS = ("row_weights", "class_weights")
_NUMBERS = ("label_smoothing", "z_loss", "ignore_index", "temperature", "soft_cap", "divisor")
_CLASSES = ("class", "vocab", "label", "categor", "size")
_NUMBER_OF_CLASSES = re.compile(
    r"(n|num|nb|number)_?(of_)?(class(es)?|labels?|categories|tags)|(class(es)?|vocab(ulary)?|label)_?(num|size|count|dim)"
)
_MASKS = ("mask", "valid", "keep", "where")
_PADDING = ("pad", "ignore")
_LABELS = ("label", "target", "true", "truth", "gold", "expected", "onehot", "one_hot", "actual")
_SHORT = ("y", "t")
_SCORES = ("logit", "pred", "prob", "score", "output", "hat", "input")


def roles_of(parameter: Parameter) -> tuple[str, ...]:
    """Return the options that an argument may be, the likeliest one first.

    A switch is none, whatever it is called. A name that is known leaves few. Any other may be whatever its default can
    be of: None, that a caller gives weights or a divisor; a number, one of those that options are; and all where the
    call needs it.
    """
    if _is_switch(parameter):
        return ()
    named = tuple(key for key, known in OPTION_NAMES.items() if parameter.name.lower() in known)
    if set(named) & set(ARRAYS):
        return tuple(dict.fromkeys((*named, *ARRAYS)))
    if named or not parameter.by_name:
        return named
    if parameter.required:
        return (*ARRAYS, "divisor", *(key for key in _NUMBERS if key != "divisor"))
    if parameter.default == "None":
        return (*ARRAYS, "divisor")
    return _NUMBERS if is_number(parameter.default) else ()


def _is_switch(parameter: Parameter) -> bool:
    """Return whether an argument turns something on or chooses by a word, as smoothing=True and weights="balanced"."""
    return parameter.default in ("True", "False") or parameter.default.startswith(("'", '"'))


def is_number(text: str) -> bool:
    """Return whether a default, as Python writes it, is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def is_named(parameter: Parameter) -> bool:
    """Return whether an argument has a name that an option is known by."""
    known = any(parameter.name.lower() in names for names in OPTION_NAMES.values())
    return known and not _is_switch(parameter)


def names_ignored(name: str) -> bool:
    """Return whether a setting is called what says which label does not count, as one of padding."""
    return name.lower() in OPTION_NAMES["ignore_index"] or name.lower().startswith(_PADDING)


def names_number_of_classes(name: str) -> bool:
    """Return whether an argument is called a number of classes, as num_classes and vocab_size."""
    return _NUMBER_OF_CLASSES.fullmatch(name.lower()) is not None


def stated_classes(settings: Sequence[Parameter]) -> list[int]:
    """Return the numbers of classes that an object says it was made for, as num_classes=10 and a vocabulary's size."""
    named = [one for one in settings if any(word in one.name.lower() for word in _CLASSES)]
    return [int(one.default) for one in named if one.default.isdecimal() and not names_ignored(one.name)]


def stated_ignored(settings: Sequence[Parameter]) -> list[int]:
    """Return the labels that an object says it was made to ignore, as padding_idx=0."""
    named = [one.default for one in settings if names_ignored(one.name)]
    return [int(one) for one in named if one.removeprefix("-").isdecimal()]


def names_mask(name: str) -> bool:
    """Return whether an argument is called a mask, or what one says."""
    return any(word in name.lower() for word in _MASKS)


def orders(parameters: Sequence[Parameter]) -> tuple[str, str]:
    """Return both orders of the arguments, the likelier one by their names first."""
    first, second = _first_two(parameters)
    turned = _names_labels(first) and not _names_labels(second)
    turned |= _names_scores(second) and not _names_scores(first)
    return ("labels_first", "scores_first") if turned else ("scores_first", "labels_first")


def name_the_order(parameters: Sequence[Parameter]) -> bool:
    """Return whether the names of the first two arguments say which are the labels."""
    first, second = _first_two(parameters)
    return _names_labels(first) != _names_labels(second) or _names_scores(first) != _names_scores(second)


def _first_two(parameters: Sequence[Parameter]) -> tuple[str, str]:
    first, second = [*(one.name.lower() for one in parameters[:2]), "", ""][:2]
    return first, second


def names_labels_alone(name: str) -> bool:
    """Return whether an argument is called labels and nothing else, as y, targets and y_true."""
    return name.lower() in _SHORT or name.lower().removeprefix("y_").removesuffix("s") in _LABELS


def _names_labels(name: str) -> bool:
    return name in _SHORT or any(word in name for word in _LABELS)


def _names_scores(name: str) -> bool:
    return any(word in name for word in _SCORES) and not _names_labels(name)
