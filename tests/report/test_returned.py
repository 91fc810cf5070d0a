"""Numbers of log-probabilities as a report has them: what came back, under its name, with its sign."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import xentcheck
from xentcheck.contract import Contract
from xentcheck.report import returned
from xentcheck.report.headline import headline
from xentcheck.report.markdown import text as markdown
from xentcheck.report.results import Finding

LOG_P = Contract(output="log_probability", reduction="none")


def test_a_loss_is_left_as_it_is() -> None:
    """By default nothing is turned."""
    plain = Contract()
    assert returned.element(plain, "loss[0]") == "loss[0]"
    assert returned.number(plain, 2.0) == 2.0
    assert returned.interval(plain, (1.0, 2.0)) == (1.0, 2.0)


@pytest.mark.parametrize("part", ["loss", "loss[2]", "gradient[0, 1]", "hessian_vector[0, 1]", "jvp", "jvp[2]", ""])
def test_names_lead_back(part: str) -> None:
    """The part of an outcome that an element is of is found by either name."""
    assert returned.role(returned.element(LOG_P, part)) == returned.role(part) == part.partition("[")[0]


def test_numbers_are_turned() -> None:
    """Numbers and the ends of intervals are; words and nothing are not; 0 stays without a sign."""
    assert returned.element(LOG_P, "loss[2]") == "log_probability[2]"
    assert returned.number(LOG_P, 2.0) == -2.0
    assert returned.number(LOG_P, "raised ValueError") == "raised ValueError"
    assert returned.interval(LOG_P, None) is None
    assert returned.interval(LOG_P, (1.0, math.inf)) == (-math.inf, -1.0)
    ends = returned.interval(LOG_P, (0.0, 0.0))
    assert ends is not None
    assert [math.copysign(1.0, end) for end in ends] == [1.0, 1.0]


SOURCE = """
import numpy as np

def log_prob(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    return np.log(p[np.arange(len(z)), y] + 1e-3)

class Policy:
    def loss(self, z, y):
        return log_prob(z, y)
"""


@pytest.mark.parametrize("name", ["log_prob", "Policy"])
def test_every_form_of_the_report_has_what_was_returned(tmp_path: Path, name: str) -> None:
    """Text, Markdown, JSON and the script, called directly or as xentcheck does: log p + eps, not its negative."""
    (tmp_path / "lp.py").write_text(SOURCE, encoding="utf-8")
    report = xentcheck.check(
        f"{tmp_path}/lp.py:{name}", contract={**_stated(), "dtypes": ["float64"]}, properties=["value"]
    )
    finding: Finding = report.findings[0]
    assert finding.part == "log_probability[0]"
    assert finding.title == "the log-probability is outside its allowance"
    assert isinstance(finding.got, float)
    assert finding.certified is not None
    assert finding.certified[0] <= finding.got - 1e-4
    assert finding.certified[1] <= 0.0
    assert finding.mechanism == "eps_added"
    assert finding.detail == ("the likely cause is said of the loss, which is minus the log-probability",)
    assert "log_probability[0] " in headline(finding)
    assert "log_probability[0]" in markdown([report], {})
    assert json.loads(report.to_json())["findings"][0]["got"] == finding.got
    grade = report.grades["float64"]["loss"]
    assert grade.part.startswith("log_probability[")
    assert grade.certified is not None
    assert grade.certified[1] <= 0.0
    script = tmp_path / "script.py"
    script.write_text(finding.reproducer, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1, done.stderr
    assert f"got        {finding.got!r}" in done.stdout


def test_a_right_one_has_no_finding() -> None:
    """The infinity of an absent label, too, which is -inf."""

    def log_prob(z: np.ndarray, y: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            d = z - z.max(axis=1, keepdims=True)
            return (d - np.log(np.exp(d).sum(axis=1, keepdims=True)))[np.arange(len(z)), y]

    report = xentcheck.check(log_prob, contract={**_stated(), "dtypes": ["float32"], "nonfinite": ["-inf"]})
    assert report.findings == ()
    assert {"minus-infinity", "gibbs", "value"} <= {law.name for law in report.properties if law.status == "passed"}


def _stated() -> dict[str, object]:
    return {"output": "log_probability", "reduction": "none"}
