"""One input of a loss: scores, labels and options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from xentcheck.batches.layout import lay_out
from xentcheck.contract.declaration import OPTIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class Batch:
    """Scores (n, m), labels in one of three forms, and the options drawn.

    Parameters
    ----------
    scores : ndarray, shape (n, m)
        Logits, probabilities or log-probabilities in the dtype under test, classes along the last axis.
    labels : ndarray
        Sparse: integers of shape (n,) or (n, 1). One-hot and soft: shape (n, m), in a dtype of
        the contract's `dense_label_dtypes`.
    label_form : {"sparse", "onehot", "soft"}
    options : mapping
        Values of the options that the contract declares as arguments, by contract key.
    layout : str
        How scores and dense labels lie in memory when the target is given them; see `layout.LAYOUTS`.
    family : str
        Where the batch comes from; see `families`.
    origin : str
        The digest of a larger batch, of which it has what laws draw at random besides; "" where that is its own.
    """

    scores: NDArray[Any]
    labels: NDArray[Any]
    label_form: str = "sparse"
    options: Mapping[str, Any] = field(default_factory=dict)
    layout: str = "C"
    family: str = "given"
    origin: str = ""

    def __repr__(self) -> str:
        def text(array: NDArray[Any]) -> str:
            return " ".join(np.array2string(array, threshold=16, edgeitems=2).split())

        shape = " x ".join(map(str, self.scores.shape))
        words = [f"{shape} {self.dtype}", f"{self.label_form} labels", f"family {self.family}"]
        words += [] if self.layout == "C" else [f"layout {self.layout}"]
        words += [f"{key} {text(np.asarray(value))}" for key, value in self.options.items()]
        return f"<Batch {', '.join(words)}: {text(self.scores)}, {text(self.labels)}>"

    @property
    def n(self) -> int:
        """The number of rows."""
        return int(self.scores.shape[0])

    @property
    def m(self) -> int:
        """The number of classes."""
        return int(self.scores.shape[1])

    @cached_property
    def dtype(self) -> str:
        """The name of the dtype under test."""
        return self.scores.dtype.name

    @property
    def plain_label_dtype(self) -> np.dtype[Any]:
        """The dtype of labels that every target takes: int64, or that of the scores for one-hot and soft ones."""
        return np.dtype(np.int64) if self.label_form == "sparse" else self.scores.dtype

    def replace(self, **changes: Any) -> Batch:
        """Return this batch with some fields changed."""
        return replace(self, **changes)

    def rows(self, chosen: Any) -> Batch:
        """Return the batch of the rows that a numpy index chooses, in its order."""
        options = {key: value[chosen] if OPTIONS[key].kind == "rows" else value for key, value in self.options.items()}
        return self.replace(scores=self.scores[chosen], labels=self.labels[chosen], options=options)

    def unlabelled(self) -> Batch:
        """Return the batch with labels of 0 in the place of its own, for what is of the scores alone."""
        return self.replace(labels=np.zeros(self.n, np.int64), label_form="sparse")

    def present(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return fresh scores and labels in the declared memory layout."""
        return lay_out(self.scores, self.layout), lay_out(self.labels, self.layout)


def one_hot(labels: NDArray[Any], m: int, dtype: Any) -> NDArray[Any]:
    """Return labels of shape (n,) or (n, 1) as one-hot rows, shape (n, m)."""
    flat = np.asarray(labels).reshape(-1).astype(np.int64)
    rows = np.zeros((flat.size, m), dtype)
    rows[np.arange(flat.size), flat] = 1
    return rows
