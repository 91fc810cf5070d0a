"""What an entropy as the output leaves of the other keys: it is of the scores alone, without labels and options."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xentcheck.contract.declaration import Contract

_LEFT = {
    "input",
    "output",
    "reduction",
    "empty_mean",
    "boundary",
    "axis",
    "extra_axes",
    "dtypes",
    "domain",
    "gradient_wrt",
    "gradient_reduction",
    "nonfinite",
    "invalid",
    "accuracy",
    "compute",
    "output_dtype",
    "shapes",
    "calls",
}
"""The keys that may be declared beside it."""
_OF_LABELS = "is said of labels or of the loss's options, and an entropy has neither"


def beside_entropy(contract: Contract, usual: Contract) -> str:
    """Return which key does not go with an entropy, and why, or "".

    Parameters
    ----------
    contract : Contract
    usual : Contract
        The one of nothing but defaults.
    """
    for name in (one.name for one in fields(usual)):
        if name not in _LEFT and getattr(contract, name) != getattr(usual, name):
            return f"{name} {_OF_LABELS}"
    if contract.input == "log_probabilities":
        return "of log-probabilities it is not judged yet: input must be 'logits' or 'probabilities'"
    if contract.gradient_wrt not in ("logits", contract.input):
        return f"gradient_wrt is {contract.gradient_wrt!r}, and must be 'logits' or what the input is"
    if contract.boundary.add is not None or contract.boundary.clip is not None:
        return "boundary may only say whether rows are normalised: 0 log 0 is 0, and nothing is added or clipped"
    if contract.masks_off_label:
        return "nonfinite has '-inf off the label', and there is no label: it is '-inf'"
    if "label_probability" in (contract.domain or {}):
        return "domain has a label_probability, and there is no label"
    return ""
