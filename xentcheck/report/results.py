"""The report of one run, as data: every output format is made from it, and JSON is the master."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xentcheck.contract.harmless import harmless
from xentcheck.report.finding import Finding, Findings, each_alone

SCHEMA = "xentcheck-report/1"
CONFORMS = "conforms"
VIOLATES = "violates"
NOTHING_JUDGED = "nothing-judged"
INTERRUPTED = "interrupted"
VERDICTS = (CONFORMS, VIOLATES, NOTHING_JUDGED, INTERRUPTED)
STATUSES = ("passed", "failed", "waived", "skipped", "not-applicable")
WAIVES, UNMET, STALE, EXPIRED, OTHER_VERSION, UNTRIED = (
    "waives",
    "unmet",
    "stale",
    "expired",
    "other-version",
    "untried",
)
WAIVER_STATUSES = (WAIVES, UNMET, STALE, EXPIRED, OTHER_VERSION, UNTRIED)
FACT, CONVENTION, SUSPICION, OPEN, UNEXPLAINED = "fact", "convention", "suspicion", "open", "unexplained"
STANDINGS = (FACT, CONVENTION, SUSPICION, OPEN, UNEXPLAINED)


@dataclass(frozen=True)
class InferredKey:
    """A key of the contract of a target that declares none, as its answers show it.

    Parameters
    ----------
    key : str
    value : object
        In its JSON form; None where no value explains the answers.
    standing : {"fact", "convention", "suspicion", "open", "unexplained"}
        Taken, since it says how the target is called and read; taken, though a mistake may look so; not taken, since a
        mistake looks so; not taken, since nothing that was judged depends on it; or no value explains what came back.
    evidence : str
        What was asked and what came back, shortened.
    """

    key: str
    value: Any = None
    standing: str = FACT
    evidence: str = ""

    @property
    def taken(self) -> bool:
        """Whether the target was held to it."""
        return self.standing in (FACT, CONVENTION)


@dataclass(frozen=True)
class TargetSummary:
    """What was judged.

    Parameters
    ----------
    name, location, version : str
        How it was called, where it comes from, and the version of its package; "" where that is not known.
    contract : mapping
        What it was held to, every key: `Contract.as_mapping()`.
    contract_source : {"declared", "inferred"}
        Who stated it; "declared" where it is the default.
    inferred : tuple of InferredKey
        Of an inferred one what differs from the defaults, or looks as if it did.
    not_inferred : str
        Why nothing could be inferred, where that was tried.
    """

    name: str
    location: str = ""
    version: str = ""
    contract: Mapping[str, Any] = field(default_factory=dict)
    contract_source: str = "declared"
    inferred: tuple[InferredKey, ...] = ()
    not_inferred: str = ""


@dataclass(frozen=True)
class TargetEnvironment:
    """The interpreter that a target ran in, where that was another one than xentcheck's.

    Parameters
    ----------
    path, python : str
        Where it is, and its version.
    packages : mapping
        Name to version: numpy, and what else the target has imported.
    """

    path: str = ""
    python: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return it in one line."""
        installed = ", ".join(f"{name} {version}" for name, version in self.packages.items())
        return f"Python {self.python} at {self.path}, with {installed or 'nothing that states a version'}"


@dataclass(frozen=True)
class Environment:
    """What the verdict depends on besides the target.

    Parameters
    ----------
    python, platform, cpu : str
        The version of the interpreter, and the machine.
    packages : mapping
        Name to version.
    target : TargetEnvironment or None
        Of what the target ran in, where that was another interpreter; the other fields are of the one that judged.
    """

    python: str = ""
    platform: str = ""
    cpu: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    target: TargetEnvironment | None = None


@dataclass(frozen=True)
class Counts:
    """How many batches there were, and what came of them.

    Parameters
    ----------
    planned, run, filtered, skipped : int
        Batches: planned; judged; neither judged nor skipped; left out, as where the run or a cell ended before.
    findings, waived : int
        How many findings there are, and how many there are besides that are known and accepted.
    """

    planned: int = 0
    run: int = 0
    filtered: int = 0
    skipped: int = 0
    findings: int = 0
    waived: int = 0


@dataclass(frozen=True)
class PropertyResult:
    """One law, on one dtype and label form.

    Parameters
    ----------
    name, number, law : str, int, str
        The law: its short name, its number, and what it says in one sentence.
    dtype, labels : str
        Where it was judged.
    status : str
        One of STATUSES: "passed", "failed", "waived" (broken, and all that was found of it is waived), "skipped" or
        "not-applicable".
    examples : int
        How many batches gave it an answer to look at.
    seconds : float
    why : str
        Why it was skipped or does not apply; "" where it was judged.
    """

    name: str
    number: int
    law: str
    dtype: str
    labels: str
    status: str
    examples: int = 0
    seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class Largest:
    """A largest value, and the element that gives it.

    Parameters
    ----------
    value : float
    witness : mapping or None
        The batch, as `Finding.batch`.
    part, got
        The element of that batch, and what the target returned there.
    """

    value: float
    witness: Mapping[str, Any] | None = None
    part: str = ""
    got: float | None = None


@dataclass(frozen=True)
class Grade:
    """How accurate a target was seen to be, in one dtype, in its loss or in its gradient.

    Parameters
    ----------
    grade : str
        "A*", "A", "B+", "B", "C" or "fail".
    max_ulp : float or None
        The largest error known, in units in the last place of the exact value: a lower bound of the true
        maximum. None where nothing could be measured.
    witness : mapping or None
        The batch that gives it, as `Finding.batch`.
    part, got, certified
        The element of that batch, what the target returned there, and the certified interval.
    note : str
        What else has to be said, such as a target that conforms although it passes a tight bound.
    max_error : Largest or None
        The largest absolute error known, to the nearest legitimate value: in nats for the loss.
    max_share : Largest or None
        The largest error known as a share of the allowance: above 1 only where a law is broken.
    """

    grade: str
    max_ulp: float | None = None
    witness: Mapping[str, Any] | None = None
    part: str = ""
    got: float | None = None
    certified: tuple[float, float] | None = None
    note: str = ""
    max_error: Largest | None = None
    max_share: Largest | None = None

    def __repr__(self) -> str:
        words = [] if self.max_share is None else [f"{self.max_share.value:.3g} of the allowance"]
        words += [] if self.max_error is None else [f"an error of {self.max_error.value:.3g}"]
        words += [] if self.max_ulp is None else [f"{self.max_ulp:.3g} ulp"]
        largest = f"; the largest known: {', '.join(words)}" if words else ""
        return harmless(f"<Grade {self.grade}{largest}>")


@dataclass(frozen=True)
class WitnessResult:
    """An independent, uncertified calculation held against the enclosures.

    Parameters
    ----------
    name : str
    compared, agreed : int
        Numbers, and how many of them agreed with their enclosure.
    worst : float
        The largest disagreement as a multiple of the witness's own radius: up to 1 is agreement.
    note : str
        What else has to be said, such as why nothing was compared.
    """

    name: str
    compared: int = 0
    agreed: int = 0
    worst: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class WaiverResult:
    """A waiver that is about the target, and what became of it.

    Parameters
    ----------
    law, dtype, labels, mechanism, reason : str
        What it says.
    status : str
        One of WAIVER_STATUSES: "waives" a finding of this run; "unmet", its batch is still judged wrong, but the run
        has no such finding; "stale", its batch passes; "expired"; "other-version" of the target's package; "untried".
    why : str
        What else has to be said of that, or "".
    """

    law: str
    dtype: str
    labels: str
    mechanism: str
    reason: str
    status: str
    why: str = ""


@dataclass(frozen=True)
class Points:
    """Errors of single batches, column by column: the worst in each range of gap, offset and number of classes.

    Parameters
    ----------
    gap : tuple of float
        How far the label's logit is below the largest one; of probabilities, -log p of the label.
    offset : tuple of float
        The largest size of a score.
    classes, rows : tuple of int
        The shape of the batch.
    ulp, share : tuple of float
        The largest error of the batch in ulp, and the largest as a share of the allowance.
    grade : tuple of str
        The grade of the batch.
    bounds : mapping
        By grade, "B+", "B" and "C": its bound at the element with the largest error, in ulp.
    """

    gap: tuple[float, ...] = ()
    offset: tuple[float, ...] = ()
    classes: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()
    ulp: tuple[float, ...] = ()
    share: tuple[float, ...] = ()
    grade: tuple[str, ...] = ()
    bounds: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class ReportData:
    """Everything about one run on one target. The keys of its JSON form are the fields, in this order.

    Parameters
    ----------
    target : TargetSummary
    xentcheck : str
        The version that judged.
    environment : Environment
    seed : int
    profile : str
    seconds : float
    counts : Counts
    verdict : str
        One of VERDICTS: "conforms", "violates", "nothing-judged", or "interrupted".
    properties : tuple of PropertyResult
    grades : mapping
        A dtype to "loss" and "gradient", each with a Grade.
    witnesses : tuple of WitnessResult
    findings : tuple of Finding
    observations : tuple of str
        What was seen but not judged.
    interrupted : bool
        Whether the run was stopped before its plan was done: its verdict is "violates" if something was found by
        then, and "interrupted" otherwise.
    command : str
        The command line that repeats the run, or "" where it was started from Python.
    digest : str
        That of all batches judged: two runs with the same one have judged the same batches.
    coverage : mapping
        An aspect of batches, such as "rows", "families" or "logits in float32", to what occurs there, each with the
        number of batches judged in which it does; 0 for what the contract admits and nothing was tried of.
    samples : mapping
        A dtype to "loss" and "gradient", each with its Points.
    waived : tuple of Finding
        What is known and accepted: found, but not among `findings`, and without a part in the verdict.
    waivers : tuple of WaiverResult
        The waivers that are about this target.
    """

    target: TargetSummary
    xentcheck: str = ""
    environment: Environment = field(default_factory=Environment)
    seed: int = 0
    profile: str = "quick"
    seconds: float = 0.0
    counts: Counts = field(default_factory=Counts)
    verdict: str = NOTHING_JUDGED
    properties: tuple[PropertyResult, ...] = ()
    grades: Mapping[str, Mapping[str, Grade]] = field(default_factory=dict)
    witnesses: tuple[WitnessResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    observations: tuple[str, ...] = ()
    interrupted: bool = False
    command: str = ""
    digest: str = ""
    coverage: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    samples: Mapping[str, Mapping[str, Points]] = field(default_factory=dict)
    waived: tuple[Finding, ...] = ()
    waivers: tuple[WaiverResult, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", Findings(self.findings))
        object.__setattr__(self, "waived", Findings(self.waived))

    def broken(self, name: str) -> tuple[Finding, ...]:
        """Return every finding on a law, those beneath another finding included, each on its own."""
        return tuple(one for one in each_alone(self.findings) if one.property == name)

    @property
    def stale(self) -> tuple[WaiverResult, ...]:
        """The waivers of which the batch passes: they can go."""
        return tuple(waiver for waiver in self.waivers if waiver.status == STALE)

    @property
    def conforms(self) -> bool:
        """Whether something was judged and no law was broken."""
        return self.verdict == CONFORMS
