"""``xentcheck check``: what it asks of the engine, what it keeps, and how it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xentcheck.contract import ContractError
from xentcheck.report.report import Report
from xentcheck.targets import TargetError

Call = Callable[..., tuple[int, str, str]]


def test_conforming_is_zero(engine: Any, call: Call) -> None:
    """The report is shown on standard output; the engine is asked with the defaults."""
    status, out, _ = call("check", "reference")
    assert status == 0
    assert "CONFORMS: reference" in out
    specification, options = engine.asked[0]
    assert specification.loss == "reference"
    assert options.pop("progress") is not None
    assert options == {
        "profile": "quick",
        "seed": 0,
        "jobs": None,
        "fail_fast": False,
        "time_limit": 10.0,
        "first_time_limit": 120.0,
        "properties": None,
        "dtypes": None,
        "memory": None,
        "resume": None,
        "corpus": None,
        "executor": None,
        "lines": False,
        "waivers": (),
        "ahead": None,  # its contract is known
    }


def test_without_a_target_the_reference_and_its_presets(engine: Any, call: Call) -> None:
    """The main job has a default, and its names are registered."""
    from xentcheck.targets.find.registered import by_name

    assert call("check")[0] == 0
    names = [specification.loss for specification, _ in engine.asked]
    assert names[0] == "reference"
    assert len(names) == 3
    assert all(by_name(name) is not None for name in names)


def test_the_options_reach_the_engine(engine: Any, call: Call) -> None:
    """Lists may be repeated and may hold commas."""
    words = "check mine.py:loss --profile standard --seed 4 --dtypes float32,float16 --dtypes float64 --jobs 2 -x"
    status, _, _ = call(
        *words.split(),
        "--time-limit",
        "2.5",
        "--first-time-limit",
        "300",
        "--contract",
        "reduction=sum",
        "--contract",
        "axis=0",
    )
    assert status == 0
    specification, options = engine.asked[0]
    assert specification.changes == {"reduction": "sum", "axis": 0}
    assert options["profile"] == "standard"
    assert options["seed"] == 4
    assert options["dtypes"] == ("float32", "float16", "float64")
    assert options["jobs"] == 2
    assert options["fail_fast"] is True
    assert options["time_limit"] == 2.5
    assert options["first_time_limit"] == 300.0


def test_further_callables_reach_the_engine(engine: Any, call: Call) -> None:
    """A target may have a gradient only."""
    call("check", "m:loss", "--gradient", "m:grad", "--vjp", "m:vjp", "--hessian-vector", "m:hv", "--jvp", "m:jvp")
    call("check", "--gradient", "m:grad")
    call("check", "--value-and-gradient", "m:both")
    first, second, third = (specification for specification, _ in engine.asked)
    assert (first.loss, first.gradient, first.vjp) == ("m:loss", "m:grad", "m:vjp")
    assert (first.hessian_vector, first.jvp) == ("m:hv", "m:jvp")
    assert (second.loss, second.gradient) == (None, "m:grad")
    assert (third.loss, third.value_and_gradient) == (None, "m:both")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["conforms", "conforms"], 0),
        (["conforms", "nothing-judged"], 3),
        (["nothing-judged", "violates"], 1),
        (["violates", "unusable", "conforms"], 2),
    ],
)
def test_the_worst_of_several_targets_is_the_status(
    engine: Any, call: Call, verdicts: list[str], expected: int
) -> None:
    """2 before 1 before 3 before 0; a target that cannot be used does not keep the next from being judged."""
    names = [f"t{position}" for position in range(len(verdicts))]
    for name, verdict in zip(names, verdicts, strict=True):
        engine.answers[name] = TargetError("No.") if verdict == "unusable" else engine.report(name, verdict)
    assert call("check", *names)[0] == expected
    assert len(engine.asked) == len(names)


@pytest.mark.parametrize("error", [TargetError("There is no target 'x'."), ContractError("axis is 7.")])
def test_what_cannot_be_used_is_one_sentence(engine: Any, call: Call, error: Exception) -> None:
    """The sentence goes to standard error, and the status is 2."""
    engine.answers["x"] = error
    status, out, err = call("check", "x")
    assert (status, out) == (2, "")
    assert err.splitlines()[-1] == f"xentcheck: {error}"


def test_a_fault_of_xentcheck_is_one_sentence_too(engine: Any, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback of ours, unless it is asked for."""
    engine.answers["x"] = ZeroDivisionError("oops")
    status, _, err = call("check", "x")
    assert status == 2
    assert "xentcheck itself failed (ZeroDivisionError: oops)" in err
    assert "Traceback" not in err
    monkeypatch.setenv("XENTCHECK_TRACEBACK", "1")
    assert "Traceback" in call("check", "x")[2]


def test_the_json_of_one_target_is_its_report(engine: Any, call: Call, tmp_path: Path) -> None:
    """The file holds the report with the command that repeats it."""
    engine.answers["a b.py:loss"] = engine.report("a b.py:loss", "violates")
    status, _, _ = call("check", "a b.py:loss", "--seed", "3", "--properties", "", "--json", str(tmp_path / "r.json"))
    report = Report.from_json((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert status == 1
    assert report.verdict == "violates"
    assert report.command == "xentcheck check 'a b.py:loss'"


def test_the_command_in_the_report_repeats_the_run(engine: Any, call: Call, tmp_path: Path) -> None:
    """What decides the verdict is in it, what is written to disk is not."""
    words = ["check", "m:loss", "--gradient", "m:grad", "--contract", 'labels=["soft"]', "--profile", "standard"]
    words += [
        "--dtypes",
        "float32",
        "-x",
        "--time-limit",
        "3",
        "--first-time-limit",
        "60",
        "--jobs",
        "2",
        "--json",
        str(tmp_path / "r.json"),
    ]
    call(*words)
    report = Report.from_json((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report.command == (
        "xentcheck check m:loss --gradient m:grad --contract 'labels=[\"soft\"]' --profile standard --dtypes float32 "
        "--fail-fast --time-limit 3 --first-time-limit 60"
    )


def test_the_json_of_several_targets_holds_them_all(engine: Any, call: Call, tmp_path: Path) -> None:
    """Reports in the order of the call, and why the others could not be used."""
    engine.answers["b"] = TargetError("No b.")
    status, _, _ = call("check", "a", "b", "c", "--json", str(tmp_path / "r.json"))
    stated = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert status == 2
    assert stated["schema"] == "xentcheck-reports/1"
    assert [report["target"]["name"] for report in stated["reports"]] == ["a", "c"]
    assert stated["errors"] == {"b": "No b."}


def test_nothing_is_left_beside_the_json(engine: Any, call: Call, tmp_path: Path) -> None:
    """The file is replaced in one step; no temporary file stays, and an old file is replaced."""
    path = tmp_path / "r.json"
    path.write_text("old", encoding="utf-8")
    call("check", "a", "--json", str(path))
    assert [item.name for item in tmp_path.iterdir()] == ["r.json"]
    assert Report.from_json(path.read_text(encoding="utf-8")).conforms


def test_a_json_file_without_a_folder_is_refused_at_once(engine: Any, call: Call) -> None:
    """Not after the run."""
    status, _, err = call("check", "a", "--json", "nowhere/r.json")
    assert status == 2
    assert "there is no folder" in err
    assert engine.asked == []


@pytest.mark.parametrize(("verdict", "expected"), [("violates", 1), ("conforms", 130), ("nothing-judged", 130)])
def test_an_interrupted_run_is_kept(engine: Any, call: Call, tmp_path: Path, verdict: str, expected: int) -> None:
    """What has been found so far is shown and written, and no further target is begun."""
    engine.answers["a"] = engine.report("a", verdict, interrupted=True)
    status, out, _ = call("check", "a", "b", "--json", str(tmp_path / "r.json"))
    assert status == expected
    assert "interrupted." in out
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["reports"][0]["interrupted"] is True
    assert len(engine.asked) == 1


def test_ctrl_c_before_any_report_keeps_the_earlier_ones(engine: Any, call: Call, tmp_path: Path) -> None:
    """A target that is interrupted before its first batch has no report; those before it stay."""
    engine.answers["b"] = KeyboardInterrupt()
    status, out, _ = call("check", "a", "b", "c", "--json", str(tmp_path / "r.json"))
    assert status == 130
    assert "CONFORMS: a" in out
    stated = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert [report["target"]["name"] for report in stated["reports"]] == ["a"]


def test_fail_fast_begins_no_further_target(engine: Any, call: Call) -> None:
    """It stops at the first finding of the whole call."""
    engine.answers["b"] = engine.report("b", "violates")
    assert call("check", "a", "b", "c", "-x")[0] == 1
    assert len(engine.asked) == 2


def test_reproducers_are_written_and_named(engine: Any, call: Call, tmp_path: Path) -> None:
    """One script a finding; the report says how to run it."""
    engine.answers["a"] = engine.report("a", "violates")
    _, out, _ = call("check", "a", "--reproducers", "found/here")
    (script,) = (tmp_path / "found" / "here").iterdir()
    assert script.read_text(encoding="utf-8") == "1\n"
    assert f"python found/here/{script.name}" in out


def test_reproducers_that_cannot_be_written_are_one_sentence(engine: Any, call: Call, tmp_path: Path) -> None:
    """A file in the place of the folder."""
    (tmp_path / "found").write_text("", encoding="utf-8")
    engine.answers["a"] = engine.report("a", "violates")
    status, _, err = call("check", "a", "--reproducers", "found/here")
    assert status == 2
    assert err.splitlines()[-1].startswith("xentcheck: --reproducers found/here cannot be written: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--contract", "reduction=average"], "reduction is 'average', but must be 'mean', 'sum' or 'none'."),
        (["--contract", "reductoin=sum"], "did you mean 'reduction'?"),
        (["--contract", "sum"], "KEY=VALUE"),
        (["--contract-file", "none.json"], "none.json cannot be read"),
        (["--dtypes", "float33"], "There is no dtype 'float33'; the dtypes are"),
        (["--seed", "-1"], "'--seed'"),
        (["--jobs", "0"], "'--jobs'"),
        (["--time-limit", "0"], "'--time-limit'"),
        (["--profile", "slow"], "'--profile'"),
        (["--jason", "x"], "No such option"),
        (["other", "--gradient", "m:g"], "--gradient belongs to one target, but 2 were given; check"),
    ],
)
def test_a_wrong_call_is_one_sentence(engine: Any, call: Call, words: list[str], message: str) -> None:
    """Status 2, one line, and nothing is run."""
    status, out, err = call("check", "a", *words)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert message in err
    assert engine.asked == []


def test_a_contract_needs_a_target(engine: Any, call: Call) -> None:
    """The defaults have contracts of their own."""
    status, _, err = call("check", "--contract", "reduction=sum")
    assert status == 2
    assert "without a TARGET" in err


@pytest.mark.parametrize(
    ("name", "text"), [("c.json", '{"reduction": "sum", "axis": 0}'), ("c.toml", 'reduction = "sum"\naxis = 0\n')]
)
def test_a_contract_file_is_read(engine: Any, call: Call, tmp_path: Path, name: str, text: str) -> None:
    """JSON and TOML alike; --contract goes above it."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    call("check", "a", "--contract-file", name, "--contract", "axis=-1")
    assert engine.asked[0][0].changes == {"reduction": "sum", "axis": -1}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.json", "{", "is not JSON"),
        ("c.toml", "=", "is not TOML"),
        ("c.json", "[1]", "an object"),
        ("c.json", '{"a": 1}', "'a'"),
    ],
)
def test_a_wrong_contract_file_is_one_sentence(
    engine: Any, call: Call, tmp_path: Path, name: str, text: str, message: str
) -> None:
    """What is wrong with it is said."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    status, _, err = call("check", "a", "--contract-file", name)
    assert status == 2
    assert message in err
    assert len(err.splitlines()) == 1


FORMATS = {"junit": "<testsuites", "markdown": "### xentcheck", "sarif": '"2.1.0"', "json": '"schema"'}


def test_every_format_is_written(engine: Any, call: Call, tmp_path: Path) -> None:
    """Side by side, each whole; nothing is left beside them."""
    engine.answers["a"] = engine.report("a", "violates")
    words = [word for name in FORMATS for word in (f"--{name}", f"r.{name}")]
    assert call("check", "a", *words)[0] == 1
    for name, expected in FORMATS.items():
        assert expected in (tmp_path / f"r.{name}").read_text(encoding="utf-8")
    assert len(list(tmp_path.iterdir())) == len(FORMATS)


def test_formats_hold_why_a_target_was_not_judged(engine: Any, call: Call, tmp_path: Path) -> None:
    """Also where it is the only one, of which there is no JSON report."""
    engine.answers["a"] = TargetError("There is no target 'a'.")
    words = [word for name in FORMATS for word in (f"--{name}", f"r.{name}")]
    assert call("check", "a", *words)[0] == 2
    assert {path.name for path in tmp_path.iterdir()} == {"r.junit", "r.markdown", "r.sarif"}
    assert all("There is no target 'a'." in path.read_text(encoding="utf-8") for path in tmp_path.iterdir())


def test_annotations_stand_on_standard_output(engine: Any, call: Call) -> None:
    """After the report, and only where they are asked for."""
    engine.answers["a"] = engine.report("a", "violates")
    engine.answers["b"] = TargetError("No b.")
    _, out, _ = call("check", "a", "b", "--github")
    last = out.splitlines()[-2:]
    assert last[0].startswith("::error title=xentcheck%3A law 1%2C value::a, float32, sparse labels: law 1: the loss")
    assert last[1] == "::error title=xentcheck%3A not judged::b: No b."
    assert "::error" not in call("check", "a", "b")[1]


@pytest.mark.parametrize("name", ["junit", "markdown", "sarif"])
def test_a_format_without_a_folder_is_refused_at_once(engine: Any, call: Call, name: str) -> None:
    """Not after the run."""
    status, _, err = call("check", "a", f"--{name}", "nowhere/r")
    assert status == 2
    assert err.startswith(f"xentcheck: --{name} nowhere/r cannot be written: there is no folder ")
    assert engine.asked == []


@pytest.mark.parametrize("names", [("json", "sarif"), ("junit", "reproducers")])
def test_two_outputs_of_one_name_are_refused_at_once(engine: Any, call: Call, names: tuple[str, str]) -> None:
    """However the name is written."""
    status, _, err = call("check", "a", f"--{names[0]}", "r", f"--{names[1]}", "../" + Path.cwd().name + "/r")
    assert status == 2
    assert (
        err
        == f"xentcheck: --{names[0]} and --{names[1]} both name ../{Path.cwd().name}/r; give each a name of its own.\n"
    )
    assert engine.asked == []


def test_one_format_that_fails_costs_no_other(
    engine: Any, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a place that cannot be written any more nor a fault of ours; each is one sentence."""
    from xentcheck.report import junit

    def faulty(*given: object) -> str:
        raise ZeroDivisionError("oops")

    def answered(specification: Any, **options: Any) -> Report:
        (tmp_path / "r.markdown").mkdir()  # in the way, after the run has begun
        answer: Report = engine.report("a")
        return answer

    monkeypatch.setattr(junit, "text", faulty)
    monkeypatch.setattr(sys.modules["xentcheck.engine.run"], "check_target", answered)
    words = [word for name in FORMATS for word in (f"--{name}", f"r.{name}")]
    status, out, err = call("check", "a", *words)
    assert status == 2
    assert "CONFORMS: a" in out
    told = [line for line in err.splitlines() if line.startswith("xentcheck: --")]
    assert len(told) == 2
    assert told[0].startswith(
        "xentcheck: --junit r.junit cannot be written: xentcheck itself failed (ZeroDivisionError"
    )
    assert told[1].startswith("xentcheck: --markdown r.markdown cannot be written: ")
    assert {path.name for path in tmp_path.iterdir()} == {"r.json", "r.sarif", "r.markdown"}
