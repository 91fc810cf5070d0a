"""How a target is called: which argument comes first, along which axis the classes lie, what the options are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.extra_axes import row_sizes, split, spread
from xentcheck.batches.layout import lay_out
from xentcheck.contract.declaration import KEYS, OPTIONS
from xentcheck.targets.call.observe import Given

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Convention:
    """The part of a contract that a call needs.

    Parameters
    ----------
    labels_first : bool
    scores_only : bool
        Whether no labels are passed: of an entropy.
    axis : int
        Along which scores, dense labels and gradients have their classes.
    extra_axes : tuple of int
        How many axes there are beside rows and classes; see `batches.extra_axes`.
    arguments : mapping
        Option key of the contract to the name of the target's argument.
    keywords : mapping
        Arguments passed in every call.
    each_row : bool
        Whether the loss that is differentiated is one a row, and a cotangent one number for each.
    """

    labels_first: bool = False
    axis: int = -1
    extra_axes: tuple[int, ...] = (0,)
    arguments: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)
    each_row: bool = False
    scores_only: bool = False

    @classmethod
    def of(cls, contract: Mapping[str, Any], keywords: Mapping[str, Any] | None = None) -> Convention:
        """Return the convention of a contract's JSON mapping, which may leave keys out; raises ContractError."""
        given = {key: contract.get(key) for key in OPTIONS}
        return cls(
            labels_first=contract.get("argument_order") == "labels_first",
            axis=contract.get("axis", -1),
            extra_axes=KEYS["extra_axes"].read("extra_axes", contract.get("extra_axes", 0)),
            arguments={key: value["argument"] for key, value in given.items() if isinstance(value, Mapping)},
            keywords=dict(keywords or {}),
            scores_only=contract.get("output") == "entropy",
            each_row=(contract.get("gradient_reduction") or contract.get("reduction")) == "none",
        )

    def order(self, scores: Any, labels: Any) -> tuple[Any, ...]:
        """Return scores and labels in the target's order, or the scores alone."""
        if self.scores_only:
            return (scores,)
        return (labels, scores) if self.labels_first else (scores, labels)

    def present(self, batch: Batch) -> tuple[Given, Given, dict[str, Given | Any]]:
        """Return fresh scores, labels and options of a batch, options by the target's names for them."""
        sizes = self._sizes(batch.n, batch.m)
        scores = spread(batch.scores, sizes, self.axis)
        labels = self._labels(batch, split(len(batch.labels), batch.m, len(sizes) - 1) if batch.labels.ndim else ())
        options: dict[str, Any] = {}
        for key, name in self.arguments.items():
            if key in batch.options:
                value = batch.options[key]
                if OPTIONS[key].kind == "rows":
                    value = np.asarray(value).reshape(sizes)
                options[name] = _fresh("options", np.asarray(value), "C") if np.ndim(value) > 0 else value
        return _fresh("scores", scores, batch.layout), _fresh("labels", labels, batch.layout), options

    def direction(self, role: str, given: NDArray[Any]) -> Given:
        """Return a fresh "vector" or "tangent" of the scores' shape as the target's scores lie."""
        return _fresh(role, spread(given, self._sizes(*given.shape), self.axis), "C")

    def cotangent(self, upstream: NDArray[Any], batch: Batch) -> NDArray[Any]:
        """Return a fresh cotangent in the shape of the target's loss."""
        given = np.array(upstream)
        return given.reshape(self._sizes(batch.n, batch.m)) if given.shape == (batch.n,) else given

    def ones(self, n: int) -> NDArray[Any]:
        """Return the cotangent of n rows that gives the gradient itself."""
        return np.ones(n if self.each_row else ())

    def gradient_of(self, returned: NDArray[Any], batch: Batch) -> NDArray[Any]:
        """Return a gradient with its classes last."""
        has_all_axes = returned.ndim == len(self._sizes(batch.n, batch.m)) + 1
        return np.moveaxis(returned, self.axis, -1) if has_all_axes else returned

    def _sizes(self, n: int, m: int) -> tuple[int, ...]:
        return row_sizes(self.extra_axes, n, m)

    def _labels(self, batch: Batch, sizes: tuple[int, ...]) -> NDArray[Any]:
        """Return labels as the target's lie; those of bad input may have rows or columns of another number."""
        labels = batch.labels
        if labels.ndim == 2:
            # A column of class numbers lies where the classes do, but where they come first.
            return spread(labels, sizes, -1 if batch.label_form == "sparse" and self.axis == 0 else self.axis)
        return labels.reshape(sizes) if labels.ndim == 1 else labels


def _fresh(role: str, array: NDArray[Any], layout: str) -> Given:
    return Given(role, lay_out(array, layout), array)
