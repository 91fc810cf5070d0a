"""The pytest door: one test a target and property."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from xentcheck.api import check
from xentcheck.properties.registry import LAWS, choose
from xentcheck.report.report import Report
from xentcheck.report.results import CONFORMS, VIOLATES


def parametrize(
    targets: Iterable[Any], *, properties: Iterable[str] | None = None, **options: Any
) -> pytest.MarkDecorator:
    """Make one test of each target and property; the test takes an argument `verify` and calls it.

    Parameters
    ----------
    targets : iterable
        Whatever `xentcheck.check` takes as its loss, or dicts of its arguments.
    properties : iterable of str, optional
        Names or numbers; all by default.
    **options
        Passed on to `xentcheck.check`.

    Returns
    -------
    pytest.MarkDecorator
        Each target is judged once, when its first test runs. A property that does not apply to the target's contract
        is skipped with the reason; one that is broken raises FindingsError with the evidence.

    Examples
    --------
    .. code-block:: python

        @xentcheck.parametrize(["reference", {"loss": my_loss, "contract": {"reduction": "sum"}}])
        def test_my_loss(verify):
            verify()
    """
    laws = LAWS if properties is None else choose(properties)
    params = []
    for target in targets:
        judged = _judge_once(target, tuple(law.name for law in laws), options)
        for law in laws:
            params.append(pytest.param(_verifier(judged, law.name), id=f"{_name(target)}-{law.name}"))
    return pytest.mark.parametrize("verify", params)


def _judge_once(target: Any, laws: tuple[str, ...], options: dict[str, Any]) -> Callable[[], Report]:
    arguments = dict(target) if isinstance(target, dict) else {"loss": target}

    @cache
    def judged() -> Report:
        return check(**{**options, **arguments}, properties=laws)

    return judged


def _verifier(judged: Callable[[], Report], name: str) -> Callable[[], None]:
    def verify() -> None:
        report = judged()
        results = [result for result in report.properties if result.name == name]
        if results and all(result.status == "not-applicable" for result in results):
            pytest.skip(f"{name} does not apply: {results[0].why}")
        findings = report.broken(name)
        judged_any = any(result.examples for result in results)
        whole = judged_any and not report.interrupted
        verdict = VIOLATES if findings else CONFORMS if whole else report.verdict
        replace(report, findings=findings, verdict=verdict).raise_for_findings()

    return verify


def _name(target: Any) -> str:
    loss = target.get("loss", "target") if isinstance(target, dict) else target
    return loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
