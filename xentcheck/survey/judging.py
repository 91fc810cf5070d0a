"""Judging targets one after the other, each once: a survey that was ended goes on where it was."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xentcheck.bench.figures import Case
from xentcheck.engine.run import check_target
from xentcheck.probing import probed
from xentcheck.report.files import write_whole
from xentcheck.report.releases import release
from xentcheck.report.report import Report
from xentcheck.targets import TargetError, TargetSpecification
from xentcheck.targets.find.registered import by_name
from xentcheck.targets.host.versions import installed_version
from xentcheck.version import __version__

Say = Callable[[str], None]
_ROWS, _CLASSES = 64, 1000


@dataclass(frozen=True)
class Judged:
    """A target and what came of it.

    Parameters
    ----------
    name : str
    report : Report or None
        None where it could not be judged.
    why : str
        Then why not, in a sentence.
    seconds_a_call : float or None
        The shortest of loss and gradient, or of what it has, of 64 rows of 1,000 classes, on one core where the system
        can keep a process to one; None where it was not timed.
    to_reference : float or None
        That over the shortest of the reference, in the same process and in turn.
    """

    name: str
    report: Report | None = None
    why: str = ""
    seconds_a_call: float | None = None
    to_reference: float | None = None


def judged(name: str, directory: Path, profile: str, seed: int, say: Say, venv: str = "") -> Judged:
    """Return what comes of a target: of its report of an earlier survey where nothing has changed since.

    Parameters
    ----------
    name : str
        Of a registered target, or a location.
    directory : Path
        Reports are kept in its folder `reports`.
    profile : {"quick", "standard", "thorough"}
    seed : int
    say : callable
        Told in a line what is being done.
    venv : str
        The virtual environment that it runs in; "" for this one. What was judged in another one is kept whatever
        version that has since.
    """
    folder = directory / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{file_name(name)}.json"
    kept = _kept(path, profile, seed, bool(venv))
    if kept is None:
        say(f"{name}: judging")
        try:
            specification, about = probed(TargetSpecification(name, venv=venv))
            report = check_target(specification, profile=profile, seed=seed)
        except TargetError as error:
            return Judged(name, why=str(error))
        if report.interrupted:
            raise KeyboardInterrupt
        report = replace(report, target=replace(report.target, **about))
        seconds, ratio = (None, None) if venv else _timed(specification, report)  # all are timed in one process
        content = {"report": report.as_mapping(), "seconds_a_call": seconds, "to_reference": ratio}
        write_whole(path, json.dumps(content) + "\n")
        return Judged(name, report, "", seconds, ratio)
    say(f"{name}: kept from {path}")
    return kept


def file_name(name: str) -> str:
    """Return a name that any file system takes."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)


def _kept(path: Path, profile: str, seed: int, elsewhere: bool) -> Judged | None:
    """Return what a file holds if it would come out the same today."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        report = Report.from_mapping(content["report"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    known = None if elsewhere else by_name(report.target.name)
    version = _version((known.package or known.loss.partition(":")[0].partition(".")[0]) if known else "")
    same = (report.xentcheck, report.profile, report.seed) == (__version__, profile, seed)
    same &= elsewhere == (report.environment.target is not None)
    if not same or (version and release(report.target.version) != release(version)):
        return None
    return Judged(report.target.name, report, "", content.get("seconds_a_call"), content.get("to_reference"))


def _version(package: str) -> str:
    """Return the version of the distribution that a top package is from, or "" where that is not known."""
    names = importlib.metadata.packages_distributions().get(package, [""])
    return "" if package == "xentcheck" else installed_version(names[0])


def _timed(specification: TargetSpecification, report: Report) -> tuple[float | None, float | None]:
    """Return the shortest of some calls, and that over the reference's; None where the target cannot be timed."""
    from xentcheck.bench.figures import REFERENCE
    from xentcheck.bench.timing_process import results
    from xentcheck.targets.specification import build_plan

    dtypes: Any = report.target.contract.get("dtypes", ())
    dtype = next((one for one in ("float32", "float64") if one in dtypes), None)
    domain: Any = report.target.contract.get("domain") or {}
    sizes = {"rows": _ROWS, "classes": _CLASSES}
    within = all(domain[key][0] <= size <= domain[key][1] for key, size in sizes.items() if key in domain)
    if dtype is None or not within:
        return None, None
    for part in ("both", "gradient", "loss"):
        case = Case("rows", _ROWS, _CLASSES, dtype, part)
        try:
            found = list(results([build_plan(specification)], [case], part, 0.5, one_core=True))
        except TargetError:
            continue
        least = {(figure.target == REFERENCE, figure.labels): figure.least for figure in found[0].figures}
        its = {labels: seconds for (reference, labels), seconds in least.items() if not reference}
        if its:
            labels = min(its, key=its.__getitem__)
            ours = least.get((True, labels))
            return its[labels], its[labels] / ours if ours else None
    return None, None
