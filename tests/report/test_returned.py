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
from xentcheck.batches.batch import Batch
from xentcheck.batches.storage import from_mapping
from xentcheck.contract import Contract
from xentcheck.report import arrays, returned
from xentcheck.report.finding import Finding
from xentcheck.report.headline import headline
from xentcheck.report.markdown import text as markdown
from xentcheck.report.terminal import contract_line

LOG_P = Contract(output="log_probability", reduction="none")


def test_an_entropy_has_its_name_and_no_labels() -> None:
    """Its numbers are left as they are; the batch is read back with labels of 0."""
    entropy = Contract(output="entropy", reduction="none")
    assert returned.element(entropy, "loss[0]") == "entropy[0]"
    assert returned.role("entropy[0]") == "loss"
    assert returned.number(entropy, 2.0) == 2.0
    batch = Batch(np.zeros((2, 3)), np.array([1, 2]))
    stored = returned.given(entropy, batch)
    assert "labels" not in stored
    assert from_mapping(stored).labels.tolist() == [0, 0]
    assert returned.given(Contract(), batch)["labels"]["values"] == [1, 2]


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


@pytest.mark.slow
def test_a_right_one_has_no_finding() -> None:
    """The infinity of an absent label, too, which is -inf."""

    def log_prob(z: np.ndarray, y: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            d = z - z.max(axis=1, keepdims=True)
            return (d - np.log(np.exp(d).sum(axis=1, keepdims=True)))[np.arange(len(z)), y]

    report = xentcheck.check(log_prob, contract={**_stated(), "dtypes": ["float32"], "nonfinite": ["-inf"]})
    assert report.findings == ()
    assert {"minus-infinity", "gibbs", "value"} <= {law.name for law in report.properties if law.status == "passed"}


ENTROPY_SOURCE = """
import numpy as np

def entropy(z):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    return -(p * np.log(p + 1e-3)).sum(axis=1)

class Policy:
    def loss(self, z):
        return entropy(z)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["entropy", "Policy"])
def test_an_entropy_is_reported_without_labels(tmp_path: Path, name: str) -> None:
    """Text, Markdown, page, JSON and the script, called directly or as xentcheck does; what was read back is whole."""
    (tmp_path / "bonus.py").write_text(ENTROPY_SOURCE, encoding="utf-8")
    contract = {"output": "entropy", "reduction": "none", "dtypes": ["float64"]}
    report = xentcheck.check(f"{tmp_path}/bonus.py:{name}", contract=contract, properties=["value"])
    finding: Finding = report.findings[0]
    assert finding.part == "entropy[0]"
    assert finding.title == "the entropy is outside its allowance"
    assert finding.mechanism == "eps_added"
    assert "labels" not in finding.batch
    assert ", label" not in headline(finding)
    assert "entropy[0] " in headline(finding)
    assert "entropy[0]" in markdown([report], {})
    assert arrays.batch_lines(finding.batch)[0].endswith("; no labels")
    assert ", label" not in arrays.one_line(finding.batch)
    assert contract_line(report) == "input logits, reduction none, dtypes float64, output entropy (declared)"
    page = report.to_html()
    assert "; no labels" in page
    assert "entropy, all scores times t" in page or "entropy, one score plus t" in page or finding.line is None
    assert returned.spoken(report.target.contract, "loss") == "entropy"
    assert returned.spoken(Contract().as_mapping(), "loss") == "loss"
    assert xentcheck.Report.from_json(report.to_json()).findings[0].batch == finding.batch
    script = tmp_path / "script.py"
    script.write_text(finding.reproducer, encoding="utf-8")
    assert "labels" not in finding.reproducer.partition('"""')[2].partition('"""')[2]
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1, done.stderr
    assert f"got        {finding.got!r}" in done.stdout


def _stated() -> dict[str, object]:
    return {"output": "log_probability", "reduction": "none"}
