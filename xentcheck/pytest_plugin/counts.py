"""The line under a run: how many laws held on how many targets. What it counts travels with the tests' reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xentcheck.pytest_plugin.questions import Question

if TYPE_CHECKING:
    from xentcheck.report.report import Report

_PREFIX = "xentcheck_"
_WORDS = {"passed": "held", "failed": "broken", "xfailed": "waived", "skipped": "not judged"}


def properties(asked: Question, report: Report) -> list[tuple[str, str]]:
    """Return the properties of a test, which xdist and JUnit files carry on."""
    stated = {
        "target": asked.subject.key,
        "law": asked.law,
        "profile": report.profile,
        "seed": str(report.seed),
        "batches": str(report.counts.run),
        "inapplicable": str(len(asked.subject.silent)),
        "stale": str(len(report.stale)),
    }
    return [(_PREFIX + key, value) for key, value in stated.items()]


def line(stats: Mapping[str, Sequence[Any]]) -> str:
    """Return the line, from the reports of pytest's terminal by their outcome; "" where there was no such test."""
    laws = dict.fromkeys(_WORDS, 0)
    targets: dict[str, dict[str, str]] = {}
    for outcome in _WORDS:
        for report in stats.get(outcome, ()):
            stated = dict(getattr(report, "user_properties", ()))
            if f"{_PREFIX}target" in stated:
                laws[outcome] += 1
                targets[stated[f"{_PREFIX}target"]] = stated
    if not targets:
        return ""
    total = {key: sum(int(one[_PREFIX + key]) for one in targets.values()) for key in ("batches", "inapplicable")}
    how = {f"profile {one[f'{_PREFIX}profile']}, seed {one[f'{_PREFIX}seed']}" for one in targets.values()}
    words = [f"{count:,} {_WORDS[outcome]}" for outcome, count in laws.items() if count]
    words += [f"{total['inapplicable']:,} not applicable"] if total["inapplicable"] else []
    stale = sum(int(one[f"{_PREFIX}stale"]) for one in targets.values())
    words += [f"{stale:,} {'waiver is' if stale == 1 else 'waivers are'} stale"] if stale else []
    noun = "target" if len(targets) == 1 else "targets"
    return f"{len(targets):,} {noun}, {total['batches']:,} batches ({'; '.join(sorted(how))}); laws: {', '.join(words)}"
