"""The figures as a person reads them: plain text in columns."""

from __future__ import annotations

from collections.abc import Sequence

from xentcheck.bench.figures import Figure, Result, Spread

_COLUMNS = ("n x m", "target", "labels", "ms a call", "over reference", "over other labels", "cores", "memory")
_PART = {"loss": "the loss alone", "gradient": "the gradient alone", "both": "loss and gradient"}


def title(result: Result) -> str:
    """Return what heads the series that a result belongs to."""
    case = result.case
    fixed = f"{case.rows} rows" if case.sweep == "classes" else f"{case.classes} classes"
    return f"{_PART[case.part]} by {case.sweep}, {fixed}, {case.dtype}"


def table(results: Sequence[Result]) -> str:
    """Return the figures of one series, a line a path; ratios with the middle half of their samples."""
    lines: list[Sequence[str]] = [_COLUMNS]
    for result in results:
        for place, figure in enumerate(result.figures):
            lines.append(_line(result.case.shape if place == 0 else "", figure))
    widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
    left = (0, 1, 2)
    return "\n".join(
        "  ".join(
            text.ljust(width) if column in left else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def remarks(results: Sequence[Result]) -> list[str]:
    """Return what else is to be said, each sentence once."""
    said = [f"{name} {why}, and is left out." for result in results for name, why in result.absent.items()]
    said += [f"{figure.target}: {figure.note}." for result in results for figure in result.figures if figure.note]
    if any(figure.peak is None for result in results for figure in result.figures):
        said.append("Memory is known of numpy code only: frameworks allocate behind Python's back.")
    return list(dict.fromkeys(said))


def _line(shape: str, figure: Figure) -> tuple[str, ...]:
    return (
        shape,
        figure.target,
        {"onehot": "one-hot"}.get(figure.labels, figure.labels),
        f"{_three(1000 * figure.seconds.median)}",
        _ratio(figure.to_reference),
        _ratio(figure.to_other),
        f"{figure.cores:.1f}",
        "-" if figure.peak is None else f"{figure.peak:.2f}",
    )


def _ratio(spread: Spread | None) -> str:
    if spread is None:
        return "-"
    return f"{_three(spread.median)} ({_three(spread.low)}-{_three(spread.high)})"


def _three(value: float) -> str:
    """Return a number with three digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
