"""The targets that xentcheck knows by name, and their contracts as far as their libraries document them.

Data only: no framework is imported here.
"""

from __future__ import annotations

from xentcheck.targets.registration import Registered

ALL_INVALID = "raise"

TARGETS: tuple[Registered, ...] = (
    Registered(
        name="reference",
        description="xentcheck's own definition in numpy, sparse and dense labels, from logits",
        loss="xentcheck.reference:loss",
        gradient="xentcheck.reference:gradient",
        vjp="xentcheck.targets.shim_reference:pulled_back",
        keywords={"reduction": {"contract": "reduction"}},
        contract={
            "labels": ["sparse", "onehot", "soft"],
            "label_shapes": ["(n,)", "(n,1)"],
            "soft_rows": "any",
            "dtypes": ["float16", "bfloat16", "float32", "float64"],
            "output_dtype": "same",
            "accuracy": "B+",
        },
    ),
)


def by_name(name: str) -> Registered | None:
    """Return the target of a name or an alias."""
    return next((target for target in TARGETS if name == target.name or name in target.aliases), None)


def names() -> list[str]:
    """Return every name and alias."""
    return [name for target in TARGETS for name in (target.name, *target.aliases)]
