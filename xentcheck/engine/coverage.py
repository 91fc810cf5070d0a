"""What was tried: on how many of the batches judged each thing occurs that a contract admits, and what on none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.design import LEFT_OUT
from xentcheck.batches.drawn_options import ignore_index
from xentcheck.batches.extra_axes import number_of
from xentcheck.batches.families import families
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.layout import LAYOUTS
from xentcheck.contract import Contract
from xentcheck.contract.declaration import OPTIONS
from xentcheck.engine.plan import Cell

Counts = dict[str, Counter[str]]
"""An aspect of batches, to its levels, to the number of batches judged in which the level occurs."""

_SIZES = (0, 1, 2, 3, 10, 32, 100, 1000, 10_000, 65_536)
_EXPONENTS = (-1074, -1022, -512, -126, -64, -24, -14, -8, -4, -1, 1, 4, 8, 16, 64, 128, 512, 1024)
_SCORES = {"logits": "logits", "probabilities": "probabilities", "log_probabilities": "log-probabilities"}


def count(counts: Counts, space: InputSpace, batch: Batch) -> None:
    """Count a batch of an input space with all that occurs in it."""
    for aspect, levels in _levels(space, batch):
        counts.setdefault(aspect, Counter()).update(levels)


def add(counts: Counts, more: Mapping[str, Mapping[str, int]]) -> None:
    """Add what was counted elsewhere."""
    for aspect, levels in more.items():
        counts.setdefault(aspect, Counter()).update(levels)


def with_what_is_missing(counts: Counts, contract: Contract, cells: Iterable[Cell]) -> dict[str, dict[str, int]]:
    """Return the counts in an order for readers, with 0 for what the contract admits and no batch had."""
    every = [one for cell in cells for one in _admitted(InputSpace(contract, cell.dtype, cell.labels))]
    kinds = list(dict.fromkeys(aspect.partition(" in ")[0] for aspect, _ in every))
    wanted: dict[str, dict[str, int]] = {}
    for aspect, levels in sorted(every, key=lambda one: kinds.index(one[0].partition(" in ")[0])):
        wanted.setdefault(aspect, {}).update(dict.fromkeys(levels, 0))
    for aspect, found in counts.items():
        wanted.setdefault(aspect, {}).update(found)
    return wanted


def _levels(space: InputSpace, batch: Batch) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield what occurs in a batch, by aspect."""
    yield "dtypes", [batch.dtype]
    labelled = not space.contract.is_entropy
    if labelled:
        yield "labels", [f"{batch.label_form} {batch.labels.dtype.name}"]
    if labelled and batch.label_form == "sparse":
        yield "label shapes", ["(n,)" if batch.labels.ndim == 1 else "(n,1)"]
    yield "rows", [_size(batch.n)]
    yield "classes", [_size(batch.m)]
    if (promised := space.contract.extra_axes) != (0,):
        yield "extra axes", [str(number_of(promised, batch.n, batch.m))]
    yield _scores(space), _magnitudes(batch)
    for key in space.contract.arguments:
        given = key in batch.options
        yield key, [_option(key, batch.options[key], batch.m) if given else LEFT_OUT]
    index = ignore_index(space, dict(batch.options))
    if index is not None and batch.label_form == "sparse" and batch.n:
        ignored = batch.labels.reshape(-1).astype(np.int64) == index
        yield "ignored rows", ["all" if ignored.all() else "some" if ignored.any() else "none"]
    yield "memory layouts", [batch.layout]
    yield "families", [batch.family]


def _admitted(space: InputSpace) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield what may occur in the batches of a space, by aspect."""
    contract, form = space.contract, space.label_form
    yield "dtypes", [space.dtype]
    dtypes = space.label_dtypes(1) if form == "sparse" else space.dense_label_dtypes
    if not contract.is_entropy:
        yield "labels", [f"{form} {dtype}" for dtype in dtypes]
    if form == "sparse" and not contract.is_entropy:
        yield "label shapes", contract.label_shapes
    yield "rows", _sizes(*space.rows)
    yield "classes", _sizes(*space.classes)
    if contract.extra_axes != (0,):
        yield "extra axes", map(str, contract.extra_axes)
    yield _scores(space), ["0", *_binades(space), *contract.nonfinite_kinds]
    for key in contract.arguments:
        possible = [] if (key,) in space.exclusive else _options(space, key)
        yield key, possible + [LEFT_OUT] * (key in contract.optional)
    if form == "sparse" and contract.ignore_index is not None:
        divided = space.empty_is_open and contract.mean_over != "rows"  # by nothing, where all rows are ignored
        yield "ignored rows", ["none", "some"] if divided else ["none", "some", "all"]
    yield "memory layouts", LAYOUTS
    yield "families", [family.name for family in families(space)]


def _scores(space: InputSpace) -> str:
    return f"{_SCORES[space.contract.input]} in {space.dtype}"


def _size(number: int) -> str:
    """Return a number of rows or classes as one of few ranges."""
    place = int(np.searchsorted(_SIZES, number, side="right"))
    low = _SIZES[place - 1]
    if place == len(_SIZES):
        return f"{low:,} or more"
    high = _SIZES[place] - 1
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _sizes(fewest: int, most: float) -> list[str]:
    """Return the ranges that admit a size."""
    return [_size(max(low, fewest)) for low, next_ in zip(_SIZES, (*_SIZES[1:], np.inf), strict=True)
            if low <= most and next_ > fewest]  # fmt: skip


def _magnitudes(batch: Batch) -> list[str]:
    """Return the ranges of binades in which a batch has scores, and what else these are."""
    scores, found = batch.scores.reshape(-1), []
    if not np.isfinite(scores).all():
        odd = {"nan": np.isnan(scores), "-inf": scores == -np.inf, "+inf": scores == np.inf}
        found += [name for name, where in odd.items() if where.any()]
        scores = scores[np.isfinite(scores)]
    if np.count_nonzero(scores) < scores.size:
        found.append("0")
        scores = scores[scores != 0]
    exponents = np.frexp(scores if scores.dtype.itemsize > 2 else scores.astype(np.float32))[1] - 1
    occurring = np.flatnonzero(np.bincount(exponents + 1074)) - 1074
    places = np.unique(np.searchsorted(_EXPONENTS, occurring, side="right"))
    return found + [_binade(int(place) - 1) for place in places]


def _binade(place: int) -> str:
    return f"2^{_EXPONENTS[place]} to 2^{_EXPONENTS[place + 1]}"


def _binades(space: InputSpace) -> list[str]:
    """Return the ranges in which finite scores of a space may lie."""
    largest = 1.0 if space.contract.input == "probabilities" else space.largest
    low, high = space.format.smallest_exponent, int(np.frexp(largest)[1]) - 1
    pairs = enumerate(pairwise(_EXPONENTS))
    return [_binade(place) for place, (first, end) in pairs if first <= high and end > low]


def _option(key: str, value: object, m: int) -> str:
    """Return what an option is like."""
    kind = OPTIONS[key].kind
    numbers = np.asarray(value, np.float64)
    if kind in ("weights", "rows"):
        if (numbers < 0.0).any():
            return "with some below 0"
        return "with zeros" if (numbers == 0.0).any() else "different" if len(set(numbers.tolist())) > 1 else "equal"
    number = float(numbers)
    if kind == "integer":
        return "a class" if 0 <= number < m else "no class"
    if number in (0.0, 1.0):
        return f"{number:g}"
    return "below 1/256" if number < 2.0**-8 else "1/256 to 1" if number < 1.0 else "above 1"


def _options(space: InputSpace, key: str) -> list[str]:
    """Return what an option may be like: what its levels and the values that are drawn are."""
    option, m = OPTIONS[key], int(min(max(space.classes[0], 5), space.classes[1]))
    if option.kind in ("weights", "rows"):
        masked = option.kind == "rows" and space.contract.row_weights_as != "numbers"
        signed = ["with some below 0"] * (option.kind == "weights" and space.contract.signed_weights)
        return ["equal", "with zeros"] if masked else ["equal", "different", "with zeros", *signed]
    at, declared = space.at(m), space.contract.drawn[key]
    of_levels = (option.value_of(declared, level, at) for level in option.levels_of(declared))
    return [_option(key, value, m) for value in (*option.drawn_of(declared, at), *of_levels)]
