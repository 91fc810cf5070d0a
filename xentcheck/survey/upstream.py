"""A finding as a text that a person may file with the library's developers."""

from __future__ import annotations

import math

from xentcheck.contract.harmless import first_line, harmless
from xentcheck.report.finding import times
from xentcheck.report.markdown import block, code, plain
from xentcheck.report.returned import role
from xentcheck.survey.rows import Line, Row
from xentcheck.targets.find.registered import by_name
from xentcheck.targets.outcome import OBSERVATIONS


def text(row: Row, line: Line) -> str:
    """Return the text, in Markdown: what happens, the smallest script, expected and got, why it matters, versions.

    Parameters
    ----------
    row : Row
    line : Line
    """
    library = row.name.partition(".")[0]
    got = "" if line.got is None else f"{line.got!r}" if isinstance(line.got, float) else first_line(str(line.got))
    parts = [
        f"# {_heading(row, line)}\n",
        f"{_what(line)}{_why(line)}\n",
        "## To see it\n",
        *_to_see(row, line),
        "",
    ]
    if got and got not in OBSERVATIONS:  # which the title says in words
        parts += ["## Expected and got\n", f"- got: {_code(got)}{f' ({line.part})' if line.part else ''}"]
        if right := _right(line):
            parts.append(f"- expected: {right}")
        if line.times is not None and math.isfinite(line.times):
            parts.append(f"- the error is {times(line.times)} what any good algorithm may be off on this input")
        parts.append("")
    if line.cause:
        parts += ["## Likely cause\n", f"{_plain(line.cause)}\n"]
    if line.thread:
        parts += [f"Compare {line.thread}\n"]
    known = by_name(row.name)
    beside = ("python", "numpy", known.framework if known else "")
    versions = {library: row.version, **{key: row.environment.get(key, "") for key in beside if key != library}}
    parts += ["## Versions\n", ", ".join(f"{name} {version}" for name, version in versions.items() if version), ""]
    parts += [f"Found by xentcheck: {_code(row.command)}.", ""]
    return "\n".join(parts)


def _heading(row: Row, line: Line) -> str:
    """Return what is wrong as the title of an issue: with both numbers where they are known."""
    where = f"{_code(row.name)} in {line.dtype}"
    if _has_numbers(line):
        return f"{where}: {_code(line.part or 'loss')} is {line.got!r}, not {_exact(line)}"
    if line.title.startswith(_RAISED) and isinstance(line.got, str):
        return f"{where}: {_code(first_line(line.got))} for a valid batch"
    return f"{where}: {_plain(line.title)}"


def _has_numbers(line: Line) -> bool:
    """Return whether the heading has the number that was got and the right one."""
    return isinstance(line.got, float) and bool(_exact(line))


def _exact(line: Line) -> str:
    """Return the right number as one of float64, "" where it is not known to that."""
    if line.expected:
        return repr(float(line.expected) + 0.0)  # -0 + 0 is 0
    low, high = line.certified or (0.0, 1.0)
    return repr(low + 0.0) if low == high else ""


def _right(line: Line) -> str:
    """Return the right number, and how it is known."""
    if line.expected:
        precision = "to within 1e-323" if float(line.expected) == 0.0 else "exact to 17 digits"
        return f"`{line.expected}` ({precision}, by mpmath)"
    if line.certified is None or any(map(math.isnan, line.certified)):
        return ""
    low, high = line.certified
    return f"`{low + 0.0!r}`, exactly" if low == high else f"between `{low!r}` and `{high!r}`, certified"


def _why(line: Line) -> str:
    """Return why it matters, by what is wrong of the answer where that says more than the law."""
    if line.got == "second-backward-differs":
        return _AGAIN
    if line.law == "layout" and " has shape " in line.title:
        return _SHAPE
    return WHY[_LESS.get(role(line.part), line.law) if line.law in _DERIVED else line.law]


def _what(line: Line) -> str:
    """Return what was seen as a sentence; nothing where the heading, or why it matters, says so anyway."""
    words = _plain(line.title.replace("is outside its allowance", "is further off than rounding explains"))
    said = line.law in ("value", "gradient", "finite") or not _has_numbers(line)
    return "" if said else f"{words[:1].upper()}{words[1:]}. "


def _to_see(row: Row, line: Line) -> list[str]:
    """Return the shortest of what shows a finding: a few lines of the library's own, a script, or the command."""
    script = line.short or line.script
    return block(script.strip(), "python") if script else block(harmless(row.command), "sh")


def _code(words: str) -> str:
    return code(harmless(words))


def _plain(words: str) -> str:
    return plain(harmless(words))


_RAISED = "the target raised from its "
_AGAIN = (
    "The gradient is right the first time only: where a graph is kept and gone through again, as for several terms or "
    "for each sample, it is another."
)
_SHAPE = "The result has another shape than the documented one."
_LESS = {"loss": "value", "gradient": "gradient"}
_DERIVED = ("second-order", "forward-mode")
"""Laws that a wrong loss breaks, too, or a wrong gradient."""

WHY = {
    "answers": "A valid batch gets no answer, so that a training run ends, or is silently cut short.",
    "value": "The loss is further from the exact value than rounding in this dtype explains: what is minimised, or "
    "reported, is not the cross-entropy.",
    "gradient": "The gradient is further from the exact value than rounding in this dtype explains, so that steps of "
    "the optimiser have another direction or size.",
    "own-gradient": "The gradient is not the derivative of the loss that is returned with it, so that the optimiser "
    "minimises something else than what is reported.",
    "shift": "Adding a number to all logits of a row changes the loss, though it changes no probability.",
    "class-permutation": "Renaming the classes changes the loss, so that some classes are treated unlike others.",
    "row-independence": "The same rows give another result where others stand beside them, so that batches cannot be "
    "split, joined or put in another order.",
    "label-forms": "The same labels in another form or dtype, each of which is taken, give another result.",
    "softmax-consistency": "Probabilities give another loss than the logits of which they are the softmax.",
    "divisor": "The sum is divided by another number than the one given, so that batches of other sizes have other "
    "weights in training.",
    "reductions": "Sum, mean and the losses of the rows do not belong together.",
    "deletion": "A row that is to be ignored is not: what is padding has an influence on training.",
    "gradient-row-sum": "The gradients of a row do not sum to 0, so that a common offset of the logits drifts.",
    "gradient-sign": "The gradient points the wrong way, or is larger than any gradient of this loss can be.",
    "finite": "A finite batch has a loss or a gradient that is not finite. One such step ends a training run, or fills "
    "its weights with nan.",
    "minus-infinity": "Logits of -inf, by which classes are masked, give another result than that of the classes left.",
    "gibbs": "The loss is smaller than any cross-entropy can be.",
    "forward-mode": "The derivative by forward mode is not that of the loss, so that directional derivatives and "
    "second-order methods that are built of it are wrong, though the gradient is right.",
    "vjp-linearity": "The gradient is wrong where the loss is scaled before it is differentiated, as in mixed "
    "precision, or is one of several terms.",
    "second-order": "The second derivative is not that of the loss, so that Hessian-vector products and gradient "
    "penalties are wrong, though the gradient is right.",
    "smoothing": "Label smoothing gives another loss than the one documented.",
    "row-weights": "Weights of rows, or a mask, give another loss than the one documented.",
    "weights": "Class weights give another loss than the one documented.",
    "soft-cap": "The soft cap of the logits gives another loss than the one documented.",
    "temperature": "The temperature gives another loss than the one documented.",
    "z-loss": "The z-loss gives another loss than the one documented.",
    "uniform": "Equal logits do not cost log m: the loss with which training begins is wrong.",
    "bad-input": "Bad input is not refused as documented, so that a mistake in the data goes unseen.",
    "layout": "The result depends on how the input lies in memory, or has another shape than the documented one.",
    "purity": "A call changes something that is not its own, such as its input.",
    "determinism": "The same call gives another result.",
    "precision": "The result has another dtype than the documented one: digits are lost that the input had, or what is "
    "calculated with it has another precision than expected.",
}
"""Law to why it matters, in a sentence."""
