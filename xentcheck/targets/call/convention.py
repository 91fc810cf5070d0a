"""How a target is called: which argument comes first, along which axis the classes lie, what the options are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.layout import lay_out
from xentcheck.contract.declaration import OPTIONS
from xentcheck.targets.call.observe import Given

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Convention:
    """The part of a contract that a call needs.

    Parameters
    ----------
    labels_first : bool
    transposed : bool
        Whether scores, dense labels and gradients have their classes along the first axis.
    arguments : mapping
        Option key of the contract to the name of the target's argument.
    keywords : mapping
        Arguments passed in every call.
    """

    labels_first: bool = False
    transposed: bool = False
    arguments: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, contract: Mapping[str, Any], keywords: Mapping[str, Any] | None = None) -> Convention:
        """Return the convention of a contract's JSON mapping, which may leave keys out."""
        given = {key: contract.get(key) for key in OPTIONS}
        return cls(
            labels_first=contract.get("argument_order") == "labels_first",
            transposed=contract.get("axis", -1) == 0,
            arguments={key: value["argument"] for key, value in given.items() if isinstance(value, Mapping)},
            keywords=dict(keywords or {}),
        )

    def order(self, scores: Any, labels: Any) -> tuple[Any, Any]:
        """Return scores and labels in the target's order."""
        return (labels, scores) if self.labels_first else (scores, labels)

    def present(self, batch: Batch) -> tuple[Given, Given, dict[str, Given | Any]]:
        """Return fresh scores, labels and options of a batch, options by the target's names for them."""
        scores, labels = batch.scores, batch.labels
        if self.transposed:
            scores = scores.T
            labels = labels.T if batch.label_form != "sparse" else labels
        options: dict[str, Any] = {}
        for key, name in self.arguments.items():
            if key in batch.options:
                value = batch.options[key]
                options[name] = _fresh("options", np.asarray(value), "C") if np.ndim(value) > 0 else value
        return _fresh("scores", scores, batch.layout), _fresh("labels", labels, batch.layout), options

    def vector(self, vector: NDArray[Any]) -> Given:
        """Return a fresh vector of the scores' shape as the target's scores lie."""
        return _fresh("vector", vector.T if self.transposed else vector, "C")

    def gradient_of(self, returned: NDArray[Any]) -> NDArray[Any]:
        """Return a gradient with its classes last."""
        return returned.T if self.transposed and returned.ndim == 2 else returned


def _fresh(role: str, array: NDArray[Any], layout: str) -> Given:
    return Given(role, lay_out(array, layout), array)
