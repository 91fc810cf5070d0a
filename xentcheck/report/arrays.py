"""A stored batch as a person reads it: the shortest decimals that give the exact numbers back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from xentcheck.batches.extra_axes import row_sizes
from xentcheck.batches.storage import UNLABELLED
from xentcheck.truth.formats import FORMATS

COLUMNS = 8
ROWS = 6
NAMES = {"logits": "logits", "probabilities": "probabilities", "log_probabilities": "log-probabilities"}


def labelled(batch: Mapping[str, Any]) -> bool:
    """Return whether a stored batch was handed over with labels; of an entropy it was not."""
    return batch.get("label_form") != UNLABELLED


def decimal(value: float, dtype: str = "float64") -> str:
    """Return the shortest decimal from which `dtype` rounds back to `value`, such as "0.1" and "1e+30".

    Parameters
    ----------
    value : float
        A number of that dtype.
    dtype : str
        Anything that is not one of the four formats under test counts as float64.
    """
    number = float(value)
    if not math.isfinite(number):
        return str(number)
    known = FORMATS[dtype if dtype in FORMATS else "float64"]
    kind, largest = known.dtype.type, known.largest
    for digits in range(1, 18):
        written = float(f"{number:.{digits}g}")
        if abs(written) <= largest and float(kind(written)) == number:
            break
    return repr(written)


def numbers(stored: Mapping[str, Any]) -> list[float | int]:
    """Return the elements of a stored array in C order; floats are stored as hex strings, integers as they are."""
    return [_number(item) if isinstance(item, str) else item for item in stored["values"]]


def matrix(stored: Mapping[str, Any]) -> list[list[str]]:
    """Return the elements of a stored array as text, row by row; a vector has one element a row."""
    shape = [int(size) for size in stored["shape"]]
    floating = stored["dtype"] in FORMATS
    flat = [decimal(item, stored["dtype"]) if floating else str(item) for item in numbers(stored)]
    width = math.prod(shape[1:])
    return [flat[row * width : (row + 1) * width] for row in range(shape[0])] if shape else [flat]


def batch_lines(batch: Mapping[str, Any], noun: str = "logits") -> list[str]:
    """Return the lines that show a batch: a table while it is small, runs of equal values beyond that.

    Parameters
    ----------
    batch : mapping
        As `Finding.batch`.
    noun : str
        What the scores are: the contract's `input`.
    """
    form = batch.get("label_form", "sparse")
    lines = [heading(batch, NAMES.get(noun, noun))]
    above, below = matrix(batch["scores"]), matrix(batch["labels"]) if labelled(batch) else []
    more = below[len(above) :]
    below += [["none"]] * (len(above) - len(below))  # bad input may have fewer labels than rows, or more
    shown = list(range(len(above)))
    if len(shown) > ROWS:
        shown = [*shown[: ROWS - 1], shown[-1]]
    wide = max((len(row) for row in above), default=0) > COLUMNS
    cells = [above[row] for row in shown] + ([below[row] for row in shown] if form in ("onehot", "soft") else [])
    width = 1 if wide else max((len(cell) for row in cells for cell in row), default=1)
    for position, row in enumerate(shown):
        if position and row != shown[position - 1] + 1:
            lines.append(f"  ... {row - shown[position - 1] - 1} rows more, in the JSON report ...")
        text = _runs(above[row]) if wide else "  ".join(cell.rjust(width) for cell in above[row])
        if form == UNLABELLED:
            lines.append(f"  row {row}   {text}")
        elif form == "sparse":
            label = ", ".join(below[row])
            lines.append(f"  row {row}   {text}   label {label}{_at(above[row], label) if wide else ''}")
        else:
            target = _runs(below[row]) if wide else "  ".join(cell.rjust(width) for cell in below[row])
            lines += [f"  row {row}   {text}", f"  {'labels'.ljust(len(f'row {row}'))}  {target}".rstrip()]
    lines += [f"  no row    label {', '.join(row)}" for row in more[:ROWS]]
    lines += [f"  {key} = {option(value)}" for key, value in batch.get("options", {}).items()]
    return lines


def along_axes(batch: Mapping[str, Any], contract: Mapping[str, Any], noun: str = "logits") -> str:
    """Return in which shape a target whose rows lie along several axes was given a batch; "" where they do not."""
    n, m = batch["scores"]["shape"]
    sizes = row_sizes(contract.get("extra_axes", (0,)), n, m)
    if len(sizes) == 1:
        return ""
    shape = list(sizes)
    shape.insert({-1: len(sizes)}.get(contract.get("axis", -1), contract.get("axis", -1)), m)
    text = f"rows along {' x '.join(map(str, sizes))} in C order: {NAMES.get(noun, noun)} of shape {tuple(shape)}"
    return f"{text}, classes along axis {contract.get('axis', -1)}"


def one_line(batch: Mapping[str, Any], limit: int = 60) -> str:
    """Return a batch in one line of at most `limit` characters: its numbers, or its shape and family."""
    shape = " x ".join(map(str, batch["scores"]["shape"]))
    described = f"a {shape} batch, family {batch.get('family', 'given')}"
    if size(batch) > limit:  # as many characters at least
        return described
    text = ", ".join(_bracket(row) for row in matrix(batch["scores"]))
    if labelled(batch):
        second = ", ".join(_bracket(row) if len(row) > 1 else "".join(row) for row in matrix(batch["labels"]))
        text += f", {'label' if batch.get('label_form') == 'sparse' else 'labels'} {second}"
    return text if len(text) <= limit else described


def size(batch: Mapping[str, Any]) -> int:
    """Return the number of scores in a stored batch; 0 where there is none."""
    return math.prod(int(length) for length in batch["scores"]["shape"]) if "scores" in batch else 0


def _number(text: str) -> float:
    """Return the number of a hex string; a nan may carry its bits, as in "nan:0x7fc1"."""
    return math.nan if text.startswith("nan") else float.fromhex(text)


def heading(batch: Mapping[str, Any], noun: str) -> str:
    """Return what a batch is in one line: shapes, dtypes, and where it is not plain, its layout in memory."""
    scores = batch["scores"]
    shape = " x ".join(str(length) for length in scores["shape"])
    layout = scores.get("layout", "C")
    memory = "" if layout == "C" else f", {layout} in memory"
    kind = f"{batch.get('label_form', 'sparse')} labels, {batch['labels']['dtype']}" if labelled(batch) else "no labels"
    return f"{noun} {shape}, {scores['dtype']}{memory}; {kind}"


def _bracket(row: Sequence[str]) -> str:
    return f"[{', '.join(row)}]"


def _runs(row: Sequence[str]) -> str:
    """Return a long row as its runs of equal values, the middle ones left out."""
    runs = [(value, len(list(group))) for value, group in groupby(row)]
    words = [value if count == 1 else f"{value} ({count} times)" for value, count in runs]
    return ", ".join(words if len(words) <= COLUMNS else [*words[:4], f"... {len(words) - 6} more ...", *words[-2:]])


def _at(row: Sequence[str], label: str) -> str:
    """Return what stands at the label of a long row."""
    index = int(label) if label.lstrip("-").isdigit() else -1
    return f", where {row[index]} stands" if 0 <= index < len(row) else ""


def option(value: Any) -> str:
    """Return a stored option as text."""
    if isinstance(value, Mapping) and "values" in value:
        items = [item for row in matrix(value) for item in row]
        text = ", ".join(items) if len(items) <= COLUMNS else _runs(items)
        return f"[{text}] {value['dtype']}"
    if isinstance(value, str):
        try:
            return decimal(float.fromhex(value))
        except ValueError:
            return value
    return str(value)
