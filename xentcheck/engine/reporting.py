"""From what came of the cells to the report."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from importlib import metadata

from xentcheck.contract import Contract
from xentcheck.engine import coverage
from xentcheck.engine.boundary import parting_of_gradients
from xentcheck.engine.cell_result import CellResult, Tally
from xentcheck.engine.conclusion import CellRun
from xentcheck.engine.grading import Graded, stated, worse
from xentcheck.engine.plan import Cell
from xentcheck.engine.roots import gathered
from xentcheck.engine.samples import points
from xentcheck.properties.registry import LAWS
from xentcheck.report.releases import is_tried, release
from xentcheck.report.report import Report
from xentcheck.report.results import (
    CONFORMS,
    INTERRUPTED,
    NOTHING_JUDGED,
    VIOLATES,
    Counts,
    Environment,
    Grade,
    PropertyResult,
    TargetEnvironment,
    TargetSummary,
    WitnessResult,
)
from xentcheck.targets import TargetDescription
from xentcheck.targets.find.registered import by_name
from xentcheck.targets.host.versions import installed_version
from xentcheck.version import __version__

PACKAGES = ("numpy", "scipy", "hypothesis", "jax", "python-flint", "ml_dtypes")


def report_of(
    description: TargetDescription,
    planned: Sequence[Cell],
    done: Sequence[CellRun],
    witnesses: Sequence[WitnessResult],
    seed: int,
    profile: str,
    seconds: float,
    *,
    left_out: int = 0,
    interrupted: bool = False,
) -> Report:
    """Return the report of one run, with so many batches skipped that were left out before it began."""
    findings = gathered(found for run in done for found in run.findings)
    counts = Counts(
        planned=sum(run.result.planned for run in done) + left_out,
        run=sum(run.result.run for run in done),
        filtered=sum(max(0, run.result.planned - run.result.run - run.result.skipped) for run in done),
        skipped=sum(run.result.skipped for run in done) + left_out,
        findings=len(findings),
    )
    judged = counts.run > 0 and any(tally.examples for run in done for tally in run.result.tallies.values())
    # Where no call returned at all, the call is at fault or the whole target, and no law has been held to anything.
    mute = counts.run > 0 and not any(run.result.answered or run.result.deaths for run in done)
    if findings and not mute:
        verdict = VIOLATES
    elif interrupted:
        verdict = INTERRUPTED
    else:
        verdict = CONFORMS if judged and not mute else NOTHING_JUDGED
    return Report(
        target=TargetSummary(
            name=description.name,
            location=description.location,
            version=description.version,
            contract=description.contract.as_mapping(),
            contract_source="declared",
        ),
        xentcheck=__version__,
        environment=environment(description),
        seed=seed,
        profile=profile,
        seconds=seconds,
        counts=counts,
        verdict=verdict,
        properties=tuple(result for run in done for result in _properties(run)),
        grades=_grades(description.contract, done),
        witnesses=tuple(witnesses),
        findings=findings,
        observations=tuple(_observations(description, done)),
        interrupted=interrupted,
        digest=hashlib.sha256("".join(run.result.digest for run in done).encode()).hexdigest(),
        coverage=_coverage(description.contract, planned, done),
        samples=points((run.result.cell.dtype, run.result.samples) for run in done),
    )


def _coverage(contract: Contract, planned: Sequence[Cell], done: Sequence[CellRun]) -> dict[str, dict[str, int]]:
    found: coverage.Counts = {}
    for run in done:
        coverage.add(found, run.result.coverage)
    return coverage.with_what_is_missing(found, contract, planned)


def environment(description: TargetDescription) -> Environment:
    """Return what the verdict depends on besides the target."""
    packages = {name: metadata.version(name) for name in PACKAGES}
    framework = description.framework
    if framework not in ("numpy", *packages) and description.elsewhere is None and (version := _version(framework)):
        packages[framework] = version
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=f"{platform.machine()} {platform.processor()}".strip() + f" {sys.byteorder}-endian",
        packages=packages,
        target=None if (other := description.elsewhere) is None else TargetEnvironment(**vars(other)),
    )


def _version(framework: str) -> str:
    """Return the version of the distribution that a framework is imported from, "" for none."""
    if found := installed_version(framework):
        return found
    return installed_version(metadata.packages_distributions().get(framework, [""])[0]) if framework else ""


def _properties(run: CellRun) -> list[PropertyResult]:
    """Return the result of every law in one cell, those that do not apply included."""
    cell = run.result.cell
    results = []
    for law in LAWS:
        if law.name in run.inapplicable:
            status, why, examples, seconds = "not-applicable", run.inapplicable[law.name], 0, 0.0
        elif law.name in run.result.tallies:
            tally = run.result.tallies[law.name]
            status, why = _status(tally, run.result)
            examples, seconds = tally.examples, tally.seconds
        else:
            continue
        results.append(
            PropertyResult(
                name=law.name,
                number=law.number,
                law=law.sentence,
                dtype=cell.dtype,
                labels=cell.labels,
                status=status,
                examples=examples,
                seconds=seconds,
                why=why,
            )
        )
    return results


def _status(tally: Tally, result: CellResult) -> tuple[str, str]:
    if tally.falls:
        return "failed", ""
    if tally.examples:
        return "passed", ""
    if not result.run:
        return "skipped", "no batch was judged"
    if not result.answered:
        return "skipped", "no usable answer"
    early = result.ended or result.lost
    return "skipped", "judging ended before an example of it came" if early else tally.law.idle


def _grades(contract: Contract, done: Sequence[CellRun]) -> dict[str, dict[str, Grade]]:
    """Return the worst grade and the largest error of each dtype, over its label forms."""
    found: dict[str, dict[str, Grade]] = {}
    worst: dict[tuple[str, str], Graded] = {}
    for run in done:
        for part, graded in run.result.grades.items():
            key = (run.result.cell.dtype, part)
            worst[key] = worse(worst.get(key), graded)
    for (dtype, part), graded in worst.items():
        found.setdefault(dtype, {})[part] = stated(graded, part, contract)
    return found


def _untried(description: TargetDescription) -> str:
    """Return a warning where a registered target's contract was written for another version, or ""."""
    known = by_name(description.name)
    version = release(description.version)
    if known is None or not known.tried or not version or is_tried(version, known.tried):
        return ""
    return (
        f"the contract of {known.name} was written for version {known.tried}, and this is {version}: "
        "what is documented may have changed"
    )


def _observations(description: TargetDescription, done: Sequence[CellRun]) -> list[str]:
    """Return what was seen and not judged, the most frequent first, then where two gradients part."""
    seen: Counter[str] = Counter()
    for run in done:
        if run.result.run and not run.result.answered and run.result.raised is not None:
            raised = run.result.raised
            said = f"{raised.kind}: {raised.message}".strip().rstrip(":")
            seen[f"{run.result.cell} is not judged: every call raises, the first {said}"] = 10**9
    if description.contract_source == "default":
        seen["no contract was declared: the target was held to the defaults (logits, sparse labels, mean)"] = 10**9
    for dtype in set(description.contract.dtypes).intersection(description.unavailable_dtypes):
        seen[f"{dtype} was not judged: {description.elsewhere} has no ml_dtypes, to hold its numbers"] = 10**9
    if untried := _untried(description):
        seen[untried] = 10**9
    for run in done:
        seen.update(run.result.observations)
    if deaths := sum(run.result.deaths for run in done):
        seen[f"the target's process ended, or had to be ended, in {deaths} calls, and was started again"] = 10**8
    dtypes = dict.fromkeys(run.result.cell.dtype for run in done)
    sentences = [sentence for sentence, _ in seen.most_common()]
    return sentences + (parting_of_gradients(description.contract, dtypes) if description.has_gradient else [])
