"""Batches of ordinary rows, in the form and the dtype in which a target is known to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.contract import Contract
from xentcheck.contract.declaration import KEYS, OPTIONS
from xentcheck.contract.key import At
from xentcheck.probing.compare import Floats
from xentcheck.truth.formats import FORMATS

_LOGITS = ((1.0, -2.0, 0.5, 0.25), (0.0, 2.0, -1.0, 0.5), (-1.5, 0.25, 1.0, -0.75))
_P = {
    3: ((0.5, 0.3125, 0.1875), (0.125, 0.25, 0.625), (0.0625, 0.1875, 0.75)),
    2: ((0.625, 0.375), (0.25, 0.75), (0.8125, 0.1875)),
}
"""Rows that sum to 1 exactly in every dtype."""


class Ordinary:
    """What is known of a contract so far, and batches that are made by it."""

    def __init__(self) -> None:
        self.contract = Contract()
        self.dtype = "float64"
        self.form = "sparse"
        self.label_dtype = ""
        self.sparse_dtype = ""  # of class numbers, beside rows of labels
        self.dense_dtype = ""  # of rows of labels, beside class numbers
        self.wide = False
        self.m = 3
        self.avoided: frozenset[int] = frozenset()
        self.repeats = 1  # how often each row is given, where fewer are refused

    def neutral(self, n: int, m: int, dtype: str) -> dict[str, Any]:
        """Return values of the options that are arguments with which they do nothing."""
        form = FORMATS[dtype]
        given = {
            "class_weights": np.ones(m, form.dtype),
            "row_weights": self._row_weights(np.ones(n), form.dtype),
            "label_smoothing": 0.0,
            "z_loss": 0.0,
            "ignore_index": -100,
            "soft_cap": OPTIONS["soft_cap"].value("off", At(m, form.unit_roundoff, form.normal_exponent)),
            "temperature": 1.0,
            "divisor": 1.0,
        }
        return {key: given[key] for key in self.contract.arguments}

    def batch(
        self, scores: Any, labels: Any, form: str | None = None, dtype: str | None = None, **options: Any
    ) -> Batch:
        """Return a batch of the form and dtype in which the target is known to answer.

        Parameters
        ----------
        scores : array_like, shape (n, m)
        labels : array_like, shape (n,) or (n, m)
            Class numbers are made one-hot rows where the form is a dense one.
        """
        name, form = dtype or self.dtype, form or self.form
        with np.errstate(over="ignore"):
            given = np.asarray(scores, np.float64).astype(FORMATS[name].dtype)
        if given.ndim != 2:
            given = given.reshape(0, self.m)
        asked = np.asarray(labels)
        if form == "sparse":
            made = asked.reshape(-1, 1) if self.wide else asked.reshape(-1)
            known = self.label_dtype if self.form == "sparse" else self.sparse_dtype
            made = made.astype(given.dtype if known == "same" else known or np.int64)
        else:
            dense = one_hot(asked, given.shape[1], np.float64) if asked.ndim < 2 else asked
            made = dense.astype((self.dense_dtype if self.form == "sparse" else self.label_dtype) or given.dtype)
        neutral = self.neutral(given.shape[0], given.shape[1], name)
        if "class_weights" in options:
            options["class_weights"] = np.asarray(options["class_weights"], np.float64).astype(given.dtype)
        if "row_weights" in options:
            options["row_weights"] = self._row_weights(options["row_weights"], given.dtype)
        batch = Batch(given, made, form, self._apart({**neutral, **options}, options, form), family="probe")
        again = self.repeats > 1 and made.shape[:1] == given.shape[:1]
        return batch.rows(np.tile(np.arange(batch.n), self.repeats)) if again else batch

    def _apart(self, passed: Mapping[str, Any], asked: Mapping[str, Any], form: str) -> dict[str, Any]:
        """Return options without those that do nothing and are refused beside others, or beside a form of labels."""
        left = dict(passed)
        while refused := self.contract.refused(form, left):
            idle = [key for key in refused if key in left and key not in asked]
            if not idle:
                break  # what is asked for is the refusal
            del left[idle[0]]
        return left

    def _row_weights(self, values: Any, dtype: Any) -> NDArray[Any]:
        """Return weights of the rows as the contract has them."""
        kind = self.contract.row_weights_as
        return np.asarray(values, np.float64).astype(np.bool_ if kind == "bool" else dtype)

    def plain(self, n: int, **more: Any) -> Batch:
        """Return a batch of ordinary rows of what the scores are known to be."""
        return self.batch(self.rows(n), self.labels(n), **more)

    def wider(self) -> Batch:
        """Return two ordinary rows with one class more: what is eps/m there is no eps/(m - 1) of another eps."""
        self.m += 1
        try:
            return self.plain(2)
        finally:
            self.m -= 1

    @property
    def few(self) -> int:
        """How many rows most batches have: another number than there are classes, which shows what is of which.

        It is always the same, since a framework may compile each shape that is new.
        """
        return 2 if self.m > 2 else 3

    @property
    def numbers_of_rows(self) -> tuple[int, ...]:
        """How many rows batches have that are to tell what depends on their number, as options have them."""
        return (1, 2, 4) if self.m == 3 else (1, 2, 3)

    def labels(self, n: int) -> tuple[int, ...]:
        """Return the labels of ordinary rows; class 0, which may be an ignored one, where there is need.

        None of those to be `avoided`, as the target's object says that it ignores them.
        """
        own = (1, 0, 1) if self.m == 2 else (1, 2, 1, 2)
        if self.m > 2 and not self.avoided.isdisjoint(own):
            first, second = ([label for label in (0, 1, 2) if label not in self.avoided] * 2)[:2] or (1, 2)
            own = (first, second, first, second)
        return tuple(own[row] if row < len(own) else row % self.m for row in range(n))

    def ignored(self) -> tuple[int, dict[str, Any]]:
        """Return a label that is ignored, and the option that says so: a class, which every target can index."""
        declared: Any = self.contract.ignore_index
        return (declared, {}) if isinstance(declared, int) else (self.m - 1, {"ignore_index": self.m - 1})

    def rows(self, n: int, kind: str | None = None) -> Floats:
        """Return ordinary rows of scores, shape (n, m); after three, these with their classes moved on."""
        kind = kind or self.contract.input
        if n > 3:
            return np.vstack([np.roll(self.rows(3, kind), turn, axis=1) for turn in range(n // 3 + 1)])[:n]
        if kind == "logits":
            return np.tile(np.array(_LOGITS), self.m // 4 + 1)[:n, : self.m]
        rows = np.array(_P[min(self.m, 3)])[:n]
        while rows.shape[1] < self.m:
            rows = np.hstack([rows[:, :-1], rows[:, -1:] / 2, rows[:, -1:] / 2])
        return rows if kind == "probabilities" else np.log(rows)

    def _sensible(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return changes without what only logits can have, where the scores are taken for something else."""
        other = changes.get("input", self.contract.input) != "logits"
        return {**changes, **{key: None for key, record in KEYS.items() if record.of_logits and other}}
