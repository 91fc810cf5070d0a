"""What the arguments of a call are, by the names that losses give them."""

from __future__ import annotations

from collections.abc import Sequence

from xentcheck.targets import TargetError
from xentcheck.targets.parameter import Parameter

OPTION_NAMES: dict[str, tuple[str, ...]] = {
    "class_weights": ("weight", "weights", "class_weight", "class_weights"),
    "label_smoothing": ("label_smoothing", "smoothing", "label_smooth", "smoothing_eps", "smooth"),
    "z_loss": ("z_loss", "zloss", "z_loss_weight", "z_loss_multiplier", "lse_square_scale", "lam"),
    "ignore_index": ("ignore_index", "ignore_label", "ignored_index", "ignore_class", "ignored_label"),
    "soft_cap": ("softcap", "soft_cap", "logit_softcap", "logits_soft_cap", "logit_softcapping"),
    "temperature": ("temperature", "temp", "tau"),
}
_LABELS = ("label", "target", "true", "truth", "gold", "expected", "onehot", "one_hot", "actual")
_SHORT = ("y", "t")


def options_of(parameters: Sequence[Parameter], name: str) -> dict[str, str]:
    """Return the options that the call takes: contract key to the argument's name.

    Raises
    ------
    TargetError
        If it needs an argument that is none of them.
    """
    found: dict[str, str] = {}
    for one in parameters[2:]:
        key = next((key for key, known in OPTION_NAMES.items() if one.name.lower() in known), None)
        if key is not None and one.by_name and key not in found:
            found[key] = one.name
        elif one.required:
            raise TargetError(
                f"{name} needs an argument {one.name!r} beside scores and labels, which is no option that xentcheck "
                "knows by its name; wrap it in a function of two arguments."
            )
    return found


def left_alone(parameters: Sequence[Parameter], options: dict[str, str]) -> list[Parameter]:
    """Return the further arguments, which keep their defaults."""
    return [one for one in parameters[2:] if one.name not in options.values()]


def orders(parameters: Sequence[Parameter]) -> tuple[str, str]:
    """Return both orders of the arguments, the likelier one by their names first."""
    first = parameters[0].name.lower() if parameters else ""
    second = parameters[1].name.lower() if len(parameters) > 1 else ""
    turned = _names_labels(first) and not _names_labels(second)
    return ("labels_first", "scores_first") if turned else ("scores_first", "labels_first")


def _names_labels(name: str) -> bool:
    return name in _SHORT or any(word in name for word in _LABELS)
