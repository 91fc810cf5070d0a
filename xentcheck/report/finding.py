"""A finding: a law that a target breaks, with the evidence, as the report has it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, SupportsIndex, overload

from xentcheck.contract.harmless import harmless


@dataclass(frozen=True)
class Line:
    """Loss and slope along a line of scores through the batch of a finding; nan where there is no number.

    Parameters
    ----------
    direction : str
        How the scores depend on t, in words.
    at : float
        The t of the batch itself.
    t : tuple of float
    loss, certified_loss, allowance : tuple of float
        What the target returned, the exact value to float64, and the allowance; losses of rows are added up. Of
        log-probabilities it is the loss, minus what was returned, here and in the slopes.
    slope, certified_slope : tuple of float
        The derivative by t as the gradient has it; empty where the target has none.
    of_loss : bool
        Whether the gradient is promised to be that of this loss, so that differences of the losses are its slope.
    """

    direction: str
    at: float
    t: tuple[float, ...]
    loss: tuple[float, ...]
    certified_loss: tuple[float, ...]
    allowance: tuple[float, ...]
    slope: tuple[float, ...] = ()
    certified_slope: tuple[float, ...] = ()
    of_loss: bool = False


@dataclass(frozen=True, repr=False)
class Finding:
    """A law that the target breaks, with the evidence.

    Parameters
    ----------
    property, number, law : str, int, str
        The law: its short name, its number, and what it says in one sentence.
    dtype, labels : str
        The dtype and the label form under test.
    title : str
        What happened, in one line.
    batch : mapping
        The batch, as `batches.storage.to_mapping` gives it.
    part : str
        The element that is wrong: "loss", "loss[0]", "gradient[0, 1]", or "" where it is no one element. Under
        `output=log_probability` it is "log_probability[0]", and the numbers are those of what is returned.
    got : float, str or None
        What the target gave there: a number, or words where it gave none ("raised ValueError: ...").
    certified : (float, float) or None
        The certified interval [low, high] of the exact value.
    allowance : float or None
        How far a good algorithm may be from the exact value, as an absolute error.
    times : float or None
        The error as a multiple of the allowance.
    upstream : float, list of float or None
        The cotangent that was passed, where one was.
    vector : list of list of float or None
        What the Hessian was multiplied by, where it was.
    tangent : list of list of float or None
        Along what the loss was differentiated by forward mode, where it was.
    mechanism : str
        A key for the likely mechanism, such as "mean_for_sum", or "".
    cause : str
        The likely mechanism in a sentence, or "".
    detail : tuple of str
        Further lines for a reader.
    reproducer : str
        A Python script that shows the finding on its own.
    digest : str
        The digest of the batch.
    minimal : bool
        Whether the batch was reduced as far as the search could.
    place : int
        1 for the first finding of its law in its dtype and label form; 2 and 3 show other mistakes.
    also : tuple of Finding
        What else comes of the same mistake, or is not told apart from it: other laws, dtypes and label forms.
    derived_from : mapping or None
        The batch on which the law was judged, where `batch` is another one that the law has made of it.
    line : Line or None
        The target along a line through the batch, where that was asked for.
    event : str
        What happened, in words that tell one violation from another: "a wrong number", "nan for a finite number".
    waived : str
        Why it is known and accepted, where a waiver says so; else "".
    """

    property: str
    number: int
    law: str
    dtype: str
    labels: str
    title: str
    batch: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""
    got: float | str | None = None
    certified: tuple[float, float] | None = None
    allowance: float | None = None
    times: float | None = None
    upstream: Any = None
    vector: Any = None
    tangent: Any = None
    mechanism: str = ""
    cause: str = ""
    detail: tuple[str, ...] = ()
    reproducer: str = ""
    digest: str = ""
    minimal: bool = False
    place: int = 1
    also: tuple[Finding, ...] = ()
    derived_from: Mapping[str, Any] | None = None
    line: Line | None = None
    event: str = ""
    waived: str = ""

    def __repr__(self) -> str:
        from xentcheck.report import arrays  # needs numpy, which the command line's help does without

        words = [summary(self)]
        words += [] if self.got is None else [f"got {self.got!r}"]
        words += [] if self.certified is None else [f"certified {[end + 0.0 for end in self.certified]!r}"]  # no -0
        words += [arrays.one_line(self.batch)] if self.batch else []
        return harmless(f"<Finding: {'; '.join(words)}>")


class Findings(tuple[Finding, ...]):
    """The findings of a report; shown, they are a table of one line each."""

    __slots__ = ()

    @overload
    def __getitem__(self, key: SupportsIndex) -> Finding: ...
    @overload
    def __getitem__(self, key: slice) -> Findings: ...
    def __getitem__(self, key: SupportsIndex | slice) -> Finding | Findings:
        """Return a finding, or several of them, which are shown as a table again."""
        found = super().__getitem__(key)
        return Findings(found) if isinstance(found, tuple) else found

    def __repr__(self) -> str:
        if not self:
            return "no findings"
        return "\n".join(f"{place:>3}  {harmless(summary(finding))}" for place, finding in enumerate(self))


def summary(finding: Finding) -> str:
    """Return a finding in one line."""
    exceeded = "" if finding.times is None else f", {times(finding.times)} the allowance"
    return f"law {finding.number}, {finding.property} ({finding.dtype}, {finding.labels}): {finding.title}{exceeded}"


def times(multiple: float) -> str:
    """Return a multiple of an allowance in words, with as many digits as show that it is more than 1."""
    if not math.isfinite(multiple):
        return "beyond any multiple of"
    if 1 < multiple < 1.05:
        return f"{multiple:.{math.ceil(-math.log10(multiple - 1))}f} times"
    return f"{multiple:,.1f} times" if multiple < 1e5 else f"{multiple:.1e} times"


def each_alone(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings, and those beneath them, each on its own."""
    return (replace(one, also=()) for finding in findings for one in (finding, *finding.also))


def identifier(finding: Finding) -> str:
    """Return a name for a finding among those of its report, fit for a file: law, dtype, label form, digest.

    The second and third finding of a law there carry their place, too.
    """
    place = str(finding.place) if finding.place > 1 else ""
    words = (finding.property, finding.dtype, finding.labels, place, finding.digest[:12])
    return "-".join("".join(letter if letter.isalnum() else "_" for letter in word) for word in words if word)
