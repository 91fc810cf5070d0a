"""A finding as a text that a person may file with the library's developers."""

from __future__ import annotations

import math

from xentcheck.contract.harmless import harmless
from xentcheck.report.markdown import block, code, plain
from xentcheck.survey.rows import Line, Row


def text(row: Row, line: Line) -> str:
    """Return the text, in Markdown: what happens, the smallest script, expected and got, why it matters, versions.

    Parameters
    ----------
    row : Row
    line : Line
    """
    library = row.name.partition(".")[0]
    got = "" if line.got is None else f"{line.got!r}" if isinstance(line.got, float) else str(line.got)
    parts = [
        f"# {_code(row.name)}: {_plain(line.title)} ({line.dtype})\n",
        f"{WHY.get(line.law, OTHERWISE)}\n",
        "## To see it\n",
        *(block(line.script.strip(), "python") if line.script else block(harmless(row.command), "sh")),
        "",
    ]
    if got:
        parts += ["## Expected and got\n", f"- got: {_code(got)}{f' ({line.part})' if line.part else ''}"]
        if line.expected:
            parts.append(f"- expected: `{line.expected}` (exact to 17 digits, by mpmath)")
        if line.times is not None and math.isfinite(line.times):
            parts.append(f"- the error is {line.times:.3g} times what any good algorithm may be off on this input")
        parts.append("")
    if line.cause:
        parts += ["## Likely cause\n", f"{_plain(line.cause)}\n"]
    if line.thread:
        parts += [f"Compare {line.thread}\n"]
    versions = {
        library: row.version,
        **{key: value for key, value in row.environment.items() if key in ("python", "numpy")},
    }
    parts += ["## Versions\n", ", ".join(f"{name} {version}" for name, version in versions.items() if version), ""]
    parts += [f"Found by xentcheck: {_code(row.command)}.", ""]
    return "\n".join(parts)


def _code(words: str) -> str:
    return code(harmless(words))


def _plain(words: str) -> str:
    return plain(harmless(words))


OTHERWISE = "What is returned differs from what the documentation states."
WHY = {
    "answers": "A valid batch gets no answer, so that a training run ends, or is silently cut short.",
    "value": "The loss is further from the exact value than rounding in this dtype explains: what is minimised, or "
    "reported, is not the cross-entropy.",
    "gradient": "The gradient is further from the exact value than rounding in this dtype explains, so that steps of "
    "the optimiser have another direction or size.",
    "finite": "A finite batch has a loss or a gradient that is not finite. One such step ends a training run, or fills "
    "its weights with nan.",
    "shift": "Adding a number to all logits of a row changes the loss, though it changes no probability.",
    "minus-infinity": "Logits of -inf, by which classes are masked, give another result than that of the classes left.",
    "gradient-row-sum": "The gradients of a row do not sum to 0, so that a common offset of the logits drifts.",
    "bad-input": "Bad input is not refused as documented, so that a mistake in the data goes unseen.",
    "purity": "A call changes something that is not its own, such as its input.",
    "determinism": "The same call gives another result.",
    "smoothing": "Label smoothing gives another loss than the one documented.",
    "weights": "Class weights give another loss than the one documented.",
    "reductions": "Sum, mean and the losses of the rows do not belong together.",
}
"""Law to why it matters, in a sentence."""
