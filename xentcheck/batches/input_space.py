"""What batches may look like under a contract, in one dtype and one label form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from xentcheck.contract import Contract
from xentcheck.contract.declaration import INTEGERS
from xentcheck.contract.key import At
from xentcheck.contract.keys_inputs import LABEL_FORMS
from xentcheck.truth.formats import FORMATS, Format

FEWEST_DTYPES_FIRST = ("int64", "int32", "uint8", "int8", "int16", "uint16", "uint32", "uint64")


class BatchError(ValueError):
    """A batch that cannot be made or read; the message is one sentence."""


@dataclass(frozen=True, eq=False)
class InputSpace:
    """A contract as the generators of batches need it.

    Parameters
    ----------
    contract : Contract
    dtype : {"float16", "bfloat16", "float32", "float64"}
        The dtype of the scores.
    label_form : {"sparse", "onehot", "soft"}
    few_graphs : bool
        Whether batches are to differ little in what a target compiles anew for: labels are of the commonest dtype that
        is promised, and a number among the options, or a label that is ignored, is the plainest or one other.
    """

    contract: Contract
    dtype: str
    label_form: str = "sparse"
    few_graphs: bool = False

    def __post_init__(self) -> None:
        if self.label_form not in ("sparse", "onehot", "soft"):
            raise BatchError(f"There is no label form {self.label_form!r}; it is sparse, onehot or soft.")
        if self.dtype not in FORMATS:
            raise BatchError(f"There is no dtype {self.dtype!r}; the dtypes are {', '.join(FORMATS)}.")

    @cached_property
    def format(self) -> Format:
        """The format of the scores."""
        return FORMATS[self.dtype]

    @cached_property
    def exponential_limit(self) -> float:
        """-log of the smallest normal number: exp underflows near minus this, and overflows near plus this."""
        return -math.log(self.format.smallest_normal)

    @cached_property
    def largest(self) -> float:
        """The largest magnitude that a finite logit may have."""
        return min(self.format.largest, float(self._domain("magnitude", math.inf)))

    @cached_property
    def rows(self) -> tuple[int, float]:
        """The fewest and the most rows that are judged.

        The mean of no rows is judged only where the contract says what it is, so it is not drawn otherwise.
        """
        lowest, highest = self._domain("rows", (0, math.inf))
        return (max(lowest, 1) if self.empty_is_open else lowest), highest

    @cached_property
    def classes(self) -> tuple[int, float]:
        """The fewest and the most classes that are judged."""
        contract = self.contract
        lowest, highest = self._domain("classes", (1, math.inf))
        lowest = max(lowest, 1)
        if (
            contract.smoothing_over == "others"
            and contract.label_smoothing != 0.0
            and self.within("label_smoothing", 0.0) != 0.0
        ):
            lowest = max(lowest, 2)  # eps / (m - 1) has no meaning for one class
        if self.constant_ignore_index == 0 and self.empty_is_open:
            lowest = max(lowest, 2)  # of one class all rows would be ignored
        if isinstance(contract.class_weights, tuple):
            lowest, highest = max(lowest, len(contract.class_weights)), min(highest, len(contract.class_weights))
        if self.label_form == "sparse":
            highest = min(highest, max(_capacity(name)[1] for name in self._label_dtypes) + 1)
        if lowest > highest:
            raise BatchError(f"The contract leaves no number of classes: at least {lowest}, at most {highest:g}.")
        return lowest, highest

    @cached_property
    def empty_is_open(self) -> bool:
        """Whether the contract does not say what a mean with divisor 0 is."""
        reductions = (self.contract.reduction, self.contract.effective_gradient_reduction)
        return "mean" in reductions and self.contract.empty_mean == "unspecified"

    @cached_property
    def positive(self) -> bool:
        """Whether every class that a label counts must have a positive probability."""
        unmasked = self.contract.masks_off_label and self.contract.input != "probabilities"
        return unmasked or bool(self._domain("label_probability", None) == "positive")

    @cached_property
    def stochastic(self) -> bool:
        """Whether the rows of probabilities must sum to 1, up to the rounding of their entries.

        Other rows mean something only where the contract divides each row by its sum; how a target
        answers to them elsewhere is asked by the law on bad input, not by batches that count as good.
        """
        contract = self.contract
        raised = contract.invalid == "raise" or (
            isinstance(contract.invalid, tuple) and "probabilities_not_stochastic" in contract.invalid
        )
        return raised or not contract.boundary.divides

    @cached_property
    def constant_ignore_index(self) -> int | None:
        """The label of ignored rows, where the contract declares it as a constant and labels are sparse."""
        declared = self.contract.ignore_index
        return declared if isinstance(declared, int) and self.label_form == "sparse" else None

    def drawn(self, key: str) -> bool:
        """Whether an option is an argument of the target's call."""
        return key in self.contract.arguments

    @cached_property
    def exclusive(self) -> tuple[tuple[str, ...], ...]:
        """The options of which not all may be in one call, in groups; one alone is in no call."""
        groups = (tuple(name for name in group if name != self.label_form) for group in self.contract.exclusive)
        return tuple(group for group in groups if not any(name in LABEL_FORMS for name in group))

    def within(self, key: str, value: float) -> float | None:
        """Return a value, or the nearest one of its range, of an option that is drawn; None of one that is not."""
        declared = self.contract.drawn.get(key)
        return None if declared is None else declared.inside(value)

    def at(self, m: int, place: int = 0) -> At:
        """Return what the values of an option depend on."""
        return At(m, self.format.unit_roundoff, self.format.normal_exponent, place)

    def label_dtypes(self, m: int, ignore_index: int | None = None) -> tuple[str, ...]:
        """Return the dtypes of sparse labels that hold m - 1 and `ignore_index`, the commonest first.

        Where none holds the ignored label those that hold m - 1 are returned: no row can carry it then.
        """
        fitting = [name for name in self._label_dtypes if m - 1 <= _capacity(name)[1]]
        both = [name for name in fitting if ignore_index is None or holds(name, ignore_index)]
        found = tuple(both or fitting)
        return found[:1] if self.few_graphs else found

    @cached_property
    def dense_label_dtypes(self) -> tuple[str, ...]:
        """The dtypes of one-hot and soft labels, that of the scores first where it is promised."""
        names = [self.dtype if name == "same" else name for name in self.contract.promised_dense_dtypes]
        found = tuple(dict.fromkeys(sorted(names, key=lambda name: name != self.dtype)))
        floats = tuple(name for name in found if name in FORMATS)
        return (floats or found)[:1] if self.few_graphs else found

    @cached_property
    def _label_dtypes(self) -> tuple[str, ...]:
        integers = isinstance(self.contract.label_dtypes, str)
        return FEWEST_DTYPES_FIRST if integers else self.contract.promised_sparse_dtypes(self.dtype)

    def _domain(self, limit: str, default: Any) -> Any:
        return (self.contract.domain or {}).get(limit, default)


def reads_as_classes(contract: Contract, m: int, dtype: np.dtype[Any]) -> bool:
    """Whether dense labels of one class look like sparse ones: integers of shape (n, 1), where both are promised."""
    both = "sparse" in contract.labels and "(n,1)" in contract.label_shapes
    return m == 1 and dtype.kind in "iu" and both


def holds(dtype: str, label: int) -> bool:
    """Return whether a dtype holds an integer exactly."""
    low, high = _capacity(dtype)
    return low <= label <= high


def _capacity(dtype: str) -> tuple[int, int]:
    """Return the lowest and highest of the integers that a dtype holds without a gap."""
    if dtype in INTEGERS:
        limits = np.iinfo(dtype)
        return int(limits.min), int(limits.max)
    largest = 2 ** FORMATS[dtype].precision
    return -largest, largest


def dtype_named(name: str) -> np.dtype[Any]:
    """Return the numpy dtype of a name, bfloat16 included; raises BatchError for any other."""
    if name in FORMATS:
        return FORMATS[name].dtype
    if name in (*INTEGERS, "bool"):
        return np.dtype(name)
    raise BatchError(f"There is no dtype {name!r} for an array of a batch.")
