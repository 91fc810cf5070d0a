"""The report as data: what is written is strict JSON of the published schema, and is read back alike."""

from __future__ import annotations

import dataclasses
import json
import math
from importlib import resources
from typing import Any

import jsonschema
import numpy as np
import pytest

from xentcheck.report.report import FindingsError, Report
from xentcheck.report.results import STANDINGS, Grade, InferredKey, TargetSummary

KINDS = ("conforming", "violating", "nothing")


def refuse(token: str) -> None:
    """Fail on the tokens that are not JSON."""
    raise AssertionError(token)


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_is_read_back_alike(kind: str, request: pytest.FixtureRequest) -> None:
    """Nothing is lost on the way through JSON, infinities included."""
    report = request.getfixturevalue(kind)
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize("kind", KINDS)
def test_the_json_is_strict_and_of_the_schema(kind: str, request: pytest.FixtureRequest) -> None:
    """No parser meets NaN or Infinity, and the schema that is shipped describes what is written."""
    text = request.getfixturevalue(kind).to_json()
    schema = json.loads((resources.files("xentcheck.report") / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(text, parse_constant=refuse), schema)


def test_the_schema_has_a_sentence_to_say() -> None:
    """The schema refuses a report with a verdict that does not exist, so it is not vacuous."""
    schema = json.loads((resources.files("xentcheck.report") / "report.schema.json").read_text(encoding="utf-8"))
    stated = Report(TargetSummary("x")).as_mapping()
    with pytest.raises(jsonschema.ValidationError, match="perhaps"):
        jsonschema.validate({**stated, "verdict": "perhaps"}, schema)
    assert set(stated) == set(schema["properties"])
    assert set(stated["target"]) == set(schema["properties"]["target"]["properties"])


@pytest.mark.parametrize("standing", [*STANDINGS, "guessed"])
def test_what_was_inferred_is_of_the_schema(standing: str) -> None:
    """Each standing that there is, and no other."""
    schema = json.loads((resources.files("xentcheck.report") / "report.schema.json").read_text(encoding="utf-8"))
    report = Report(TargetSummary("x", inferred=(InferredKey("boundary", {"add": 1e-7}, standing, "z"),)))
    if standing in STANDINGS:
        jsonschema.validate(report.as_mapping(), schema)
        assert Report.from_json(report.to_json()) == report
    else:
        with pytest.raises(jsonschema.ValidationError, match="guessed"):
            jsonschema.validate(report.as_mapping(), schema)


def test_the_keys_are_those_that_scripts_rely_on(violating: Report) -> None:
    """The keys of the published interface are all there."""
    stated = violating.as_mapping()
    assert stated["schema"] == "xentcheck-report/1"
    assert {"name", "location", "version", "contract", "contract_source"} <= set(stated["target"])
    assert {"planned", "run", "filtered", "skipped", "findings", "waived"} == set(stated["counts"])
    wanted = {"property", "dtype", "labels", "title", "batch", "got", "certified", "allowance", "times", "reproducer"}
    assert wanted <= set(stated["findings"][0])
    assert stated["findings"][1]["got"] == "inf"


def test_numbers_of_numpy_are_numbers() -> None:
    """An engine may leave numpy's numbers in a report."""
    grade = Grade("B", np.float32(1.5), got=np.float64("nan"), certified=(np.float64(1), np.float64("inf")))  # type: ignore[arg-type]
    stated = Report(TargetSummary("x"), grades={"float32": {"loss": grade}}, seed=np.int64(3)).as_mapping()  # type: ignore[arg-type]
    assert stated["grades"]["float32"]["loss"]["max_ulp"] == 1.5
    assert stated["grades"]["float32"]["loss"]["certified"] == [1.0, "inf"]
    assert stated["seed"] == 3


def test_what_is_no_json_type_is_refused() -> None:
    """An object that JSON cannot hold is a fault of the engine and is not written as text."""
    with pytest.raises(TypeError, match="holds no object"):
        Report(TargetSummary("x", contract={"domain": object()})).to_json()


@pytest.mark.parametrize(
    ("text", "message"),
    [("[]", "JSON object"), ("{}", "schema is None"), ('{"schema": NaN}', "not JSON"), ("{", "Expecting")],
)
def test_what_is_no_report_is_refused(text: str, message: str) -> None:
    """Other JSON is refused with a sentence."""
    with pytest.raises(ValueError, match=message):
        Report.from_json(text)


def test_keys_of_a_later_version_are_left_out(conforming: Report) -> None:
    """A report with further keys can be read."""
    stated: dict[str, Any] = conforming.as_mapping()
    stated["novelty"] = 1
    stated["target"]["novelty"] = 1
    assert Report.from_mapping(stated) == conforming


def test_nan_is_read_back_as_nan() -> None:
    """The string "nan" in a field of a number is a number again; other words stay words."""
    report = Report(TargetSummary("nan"), grades={"float32": {"loss": Grade("fail", got=math.nan)}})
    back = Report.from_json(report.to_json())
    got = back.grades["float32"]["loss"].got
    assert got is not None
    assert math.isnan(got)
    assert back.target.name == "nan"


def test_a_conforming_report_raises_nothing(conforming: Report) -> None:
    """Conforming is silent."""
    conforming.raise_for_findings()
    assert conforming.conforms


def test_findings_are_raised_with_their_evidence(violating: Report) -> None:
    """The message of the exception shows the law, the batch, the certified interval and the cause."""
    with pytest.raises(FindingsError) as caught:
        violating.raise_for_findings()
    assert isinstance(caught.value, AssertionError)
    assert caught.value.report is violating
    for part in ("VIOLATES: mine.py:loss", "100000000.0", "0.6931471805599453", "cancels", "shift"):
        assert part in str(caught.value)


def test_nothing_judged_raises_too(nothing: Report) -> None:
    """A verdict on nothing is an error."""
    with pytest.raises(FindingsError, match="NOTHING JUDGED"):
        nothing.raise_for_findings()


def test_a_report_cannot_be_changed(conforming: Report) -> None:
    """Reports are values."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        conforming.verdict = "violates"  # type: ignore[misc]
