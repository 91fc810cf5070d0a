"""`check --from` repeats the runs of a report, and `table` makes a table of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import report
from xentcheck.cli import main
from xentcheck.report.results import Grade, PropertyResult
from xentcheck.report.stored import several

COMMAND = "xentcheck check mine.py:loss --gradient mine.py:gradient --contract reduction=mean --properties value -x"


def kept(name: str = "mine.py:loss", command: str = COMMAND, **changes: Any) -> Any:
    """Return a report as one that was stored, with a contract of its own."""
    made = report(name, command=command, seed=5, profile="thorough", digest="d" * 64, **changes)
    return dataclasses.replace(made, target=dataclasses.replace(made.target, contract={"reduction": "sum"}))


def write(*reports: Any) -> None:
    """Write r.json."""
    text = reports[0].to_json() if len(reports) == 1 else several(reports, {})
    Path("r.json").write_text(text, encoding="utf-8")


def test_it_is_judged_as_it_was(engine: Any, call: Any) -> None:
    """By the contract, seed, profile and callables of the report, whatever the project states now."""
    write(kept())
    Path("pyproject.toml").write_text("[tool.xentcheck]\nprofile = 'standard'\nseed = 9\n", encoding="utf-8")
    engine.answers["mine.py:loss"] = kept()
    status, out, _ = call("check", "--from", "r.json", "--json", "again.json", "--jobs", "2")
    assert status == 0
    assert out.endswith(
        "As in r.json: the same verdict (conforms), batches (dddddddddddddddd), findings (none), grades.\n"
    )
    specification, options = engine.asked[0]
    assert specification.given == {"loss": "mine.py:loss", "gradient": "mine.py:gradient"}
    assert specification.changes == {"reduction": "sum"}
    expected = {"profile": "thorough", "seed": 5, "properties": ("value",), "fail_fast": True, "jobs": 2}
    assert {key: options[key] for key in expected} == expected
    assert f'"command": "{COMMAND}"' in Path("again.json").read_text("utf-8")


def test_a_run_from_python_is_repeated_by_its_name(engine: Any, call: Any) -> None:
    """With the laws and dtypes that it has results of."""
    law = PropertyResult("value", 1, "", "float32", "sparse", "passed", 3)
    stored = kept("reference", command="", properties=(law,))
    write(stored)
    engine.answers["reference"] = stored
    assert call("check", "--from", "r.json")[0] == 0
    specification, options = engine.asked[0]
    assert specification.given == {"loss": "reference"}
    assert (options["properties"], options["dtypes"]) == (("value",), ("float32",))


def test_what_is_not_the_same_is_status_one(engine: Any, call: Any) -> None:
    """Also where it conforms now; findings that are the same are none."""
    broken = dataclasses.replace(report("b", "violates"), command="xentcheck check b")
    write(kept("a", "xentcheck check a"), broken)
    engine.answers = {"a": kept("a"), "b": broken}
    assert call("check", "--from", "r.json")[0] == 0
    engine.answers["a"] = dataclasses.replace(kept("a"), digest="e" * 64, xentcheck="9.9")
    status, out, _ = call("check", "--from", "r.json")
    assert status == 1
    assert "Not as in r.json: the same verdict (conforms), findings (none), grades.\n  batches: was dddd" in out
    assert "\n  differs besides: xentcheck: was unknown, is 9.9\n" in out


def test_what_cannot_be_judged_any_more_is_status_two(engine: Any, call: Any) -> None:
    from xentcheck.targets import TargetError

    write(kept())
    engine.answers["mine.py:loss"] = TargetError("The file mine.py does not exist.")
    status, out, err = call("check", "--from", "r.json")
    assert (status, out) == (2, "")
    assert "The file mine.py does not exist." in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a"], "so that TARGET cannot be given with it."),
        (["--seed", "1"], "so that --seed cannot be given"),
        (["--contract", "reduction=sum"], "so that --contract cannot be given"),
        (["--waivers", "w.toml"], "so that --waivers cannot be given"),
    ],
)
def test_what_cannot_be_given_with_it(engine: Any, call: Any, words: list[str], said: str) -> None:
    write(kept())
    status, _, err = call("check", "--from", "r.json", *words)
    assert (status, engine.asked) == (2, [])
    assert said in err


@pytest.mark.parametrize("command", ["check", "table"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "r.json cannot be used: "),
        ("{}", "This is no xentcheck-report/1 report"),
        ('{"schema": "xentcheck-report/9"}', "use a newer one"),
    ],
)
def test_reports_that_cannot_be_used(engine: Any, call: Any, command: str, text: str, said: str) -> None:
    """Damaged, foreign, newer."""
    Path("r.json").write_text(text, encoding="utf-8")
    status, out, err = call(command, *(["--from"] if command == "check" else []), "r.json")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_a_command_that_is_none_any_more(engine: Any, call: Any) -> None:
    write(kept(command="xentcheck check a --no-such-option"))
    status, _, err = call("check", "--from", "r.json")
    assert status == 2
    assert "r.json cannot be repeated: its command cannot be called (No such option" in err


def test_a_campaign_is_no_check(engine: Any, call: Any) -> None:
    """Its command is not read as if `merge` were a target."""
    write(kept(command="xentcheck campaign merge runs"))
    status, _, err = call("check", "--from", "r.json")
    assert (status, engine.asked) == (2, [])
    assert "r.json cannot be repeated: it was made by `xentcheck campaign merge runs`" in err


@pytest.mark.parametrize(
    ("words", "said"), [([], "| a | float32 | loss | B |"), (["--latex"], "a & float32 & loss & B")]
)
def test_the_table(engine: Any, call: Any, words: list[str], said: str) -> None:
    write(kept("a", grades={"float32": {"loss": Grade("B")}}))
    status, out, _ = call("table", "r.json", *words)
    assert status == 0
    assert said in out


def test_a_table_in_two_languages(engine: Any, call: Any) -> None:
    write(kept("a", grades={"float32": {"loss": Grade("B")}}))
    for words in (["--latex", "--markdown"], ["--markdown", "--latex"]):
        status, out, err = call("table", "r.json", *words)
        assert (status, out) == (2, "")
        assert err == "xentcheck: --latex and --markdown exclude each other: one table is printed; give one.\n"
    assert call("table", "r.json", "--markdown") == call("table", "r.json")


def test_a_table_of_nothing(engine: Any, call: Any) -> None:
    write(kept())
    assert main(["table", "r.json"]) == 2
