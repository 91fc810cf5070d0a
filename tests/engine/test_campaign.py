"""A run in pieces over a directory: shards judged by several processes, on several disks, in any order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xentcheck.cli import main
from xentcheck.engine.plan import PROFILES
from xentcheck.engine.run import check_target
from xentcheck.report.waiver_file import read
from xentcheck.targets import TargetSpecification

LOSSES = Path(__file__).with_name("losses.py")
SMALL = {"properties": ["value", "answers"], "dtypes": ["float64"]}
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """A call of `xentcheck campaign`: its exit status, standard output and standard error."""

    def called(*words: object) -> tuple[int, str, str]:
        status = main(["campaign", *map(str, words)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return called


def without_times(stated: dict[str, Any]) -> dict[str, Any]:
    """Return a report without what differs from run to run."""
    stated = json.loads(json.dumps(stated))
    for result in [stated, *stated["properties"]]:
        result.pop("seconds")
    stated.pop("command")
    return stated


@pytest.mark.slow
def test_shards_on_two_disks_make_the_report_of_one_check(tmp_path: Path, call: Call) -> None:
    """Planned once, judged in two copies of the directory, one of them partly twice, and brought together."""
    here, there, report = tmp_path / "here", tmp_path / "there", tmp_path / "report.json"
    planned = call("plan", here, f"{LOSSES}:summed", "--properties", "value,answers", "--dtypes", "float64")
    assert (planned[0], "5 shards planned" in planned[1]) == (0, True)
    shutil.copytree(here, there)
    assert "5 of 5 shards" not in call("run", there, "--shard", "2/2")[1]
    status, _, error = call("merge", there)
    assert (status, "3 of 5 shards" in error) == (2, True)
    assert call("run", here, "--shard", "1/2")[0] == 0
    assert call("run", here, "--shard", "4/5")[0] == 0
    for file in there.glob("*/*.journal"):
        shutil.copy(file, here / file.parent.name)
    assert "5 of 5 shards done" in call("status", here)[1]
    assert "broken: value" in call("status", here)[1]
    status, out, _ = call("merge", here, "--json", report)
    assert (status, "VIOLATES" in out) == (1, True)
    wanted = check_target(TargetSpecification(loss=f"{LOSSES}:summed"), **SMALL).as_mapping()
    assert without_times(json.loads(report.read_text(encoding="utf-8"))) == without_times(wanted)


@pytest.mark.parametrize("share", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_a_share_that_is_none_is_one_sentence(tmp_path: Path, call: Call, share: str) -> None:
    """With what it should be."""
    status, _, error = call("run", tmp_path, "--shard", share)
    assert (status, "has to be i/n" in error) == (2, True)


@pytest.mark.parametrize("command", ["run", "merge", "status"])
def test_nothing_planned_is_one_sentence(tmp_path: Path, call: Call, command: str) -> None:
    """And says how to plan."""
    status, _, error = call(command, tmp_path)
    assert (status, f"`xentcheck campaign plan {tmp_path} TARGET...`" in error) == (2, True)


def test_a_plan_of_another_program_is_one_sentence(tmp_path: Path, call: Call) -> None:
    """Not read as if it were ours."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "plan.json").write_text('{"format": "other"}', encoding="utf-8")
    status, _, error = call("status", tmp_path)
    assert (status, "holds no plan of a run" in error) == (2, True)


@pytest.mark.slow
def test_a_target_that_dies_leaves_its_later_shards(tmp_path: Path, call: Call) -> None:
    """After its third death nothing is missing, although not all is judged."""
    call("plan", tmp_path, f"{LOSSES}:crashing", "--properties", "answers", "--dtypes", "float64")
    call("run", tmp_path, "--shard", "1/5")
    assert "5 of 5 shards done" in call("status", tmp_path)[1]
    status, out, _ = call("merge", tmp_path)
    assert (status, "left after the target's process had ended" in out) == (1, True)


@pytest.mark.slow
def test_findings_go_into_the_corpus_that_the_next_campaign_begins_with(tmp_path: Path, call: Call) -> None:
    """From a merge to a plan; a damaged file is said there, and costs nothing."""
    first, second, corpus = tmp_path / "first", tmp_path / "second", tmp_path / "first" / "corpus"
    words = (f"{LOSSES}:summed", "--properties", "value,answers", "--dtypes", "float64")
    assert "the corpus first" not in call("plan", first, *words)[1]
    call("run", first)
    assert call("merge", first)[1].splitlines()[-1] == f"1 minimal batch added to {corpus}"
    assert "minimal" not in call("merge", first)[1].splitlines()[-1]
    (corpus / "torn.json").write_text('{"schema": ', encoding="utf-8")
    status, out, error = call("plan", second, *words, "--corpus", corpus)
    assert (status, out.endswith(f"shards planned in {second}, the corpus first (1 batch)\n")) == (0, True)
    assert error == f"xentcheck: torn.json in {corpus} cannot be read as batches of a corpus: left out\n"
    told = call("run", second, "--shard", "1/6")
    assert "1 of 6 shards done, 1 of " in told[1]
    assert "broken: value" in told[1]


def test_rounds_draw_more_and_sweep_once(tmp_path: Path, call: Call) -> None:
    """And the state tells what has been tried, on the terminal and as JSON."""
    words = (f"{LOSSES}:loss", "--properties", "answers", "--dtypes", "float64")
    planned = {}
    for rounds in (1, 3):
        folder = tmp_path / str(rounds)
        call("plan", folder, *words, "--rounds", rounds)
        call("status", folder, "--json", tmp_path / "s.json")
        (planned[rounds],) = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["targets"]
    assert planned[3]["batches"] - planned[1]["batches"] == 2 * PROFILES["quick"].examples
    assert {count for levels in planned[3]["coverage"].values() for count in levels.values()} == {0}
    call("run", tmp_path / "3", "--shard", "2/6")
    status, out, _ = call("status", tmp_path / "3", "--json", tmp_path / "s.json")
    stated = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    (after,) = stated["targets"]
    assert (status, stated["schema"]) == (0, "xentcheck-campaign-status/1")
    assert after["coverage"]["dtypes"] == {"float64": after["run"]}
    assert f"dtypes             float64: {after['run']}" in out
    assert "1,000 to 9,999" in out
    assert call("status", tmp_path / "3", "--json", tmp_path / "no" / "s.json")[0] == 2


@pytest.mark.slow
def test_a_merge_has_what_is_waived_apart(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `check --waivers` does, with the file given or of the project; one whose batch passes is stale."""
    monkeypatch.chdir(tmp_path)
    words = ("--properties", "value,answers", "--dtypes", "float64")
    call("plan", "runs", f"{LOSSES}:summed", *words)
    call("run", "runs")
    call("merge", "runs", "--json", "before.json")
    assert main(["waive", "before.json", "--reason", "a sum"]) == 0
    waivers = Path("xentcheck-waivers.toml")
    status, out, _ = call("merge", "runs", "--waivers", waivers, "--strict-waivers", "--json", "after.json")
    assert (status, "1 finding waived" in out) == (0, True)
    stated = json.loads(Path("after.json").read_text(encoding="utf-8"))
    assert stated["command"] == "xentcheck campaign merge runs --waivers xentcheck-waivers.toml"
    wanted = check_target(TargetSpecification(loss=f"{LOSSES}:summed"), **SMALL, waivers=read(waivers))
    assert without_times(stated) == without_times(wanted.as_mapping())

    Path("pyproject.toml").write_text('[tool.xentcheck]\nwaivers = "xentcheck-waivers.toml"\n', encoding="utf-8")
    assert call("merge", "runs")[0] == 0
    assert call("merge", "runs", "--waivers", "none.toml")[::2] == (
        2,
        "xentcheck: The waivers none.toml cannot be read: No such file or directory.\n",
    )

    waivers.write_text(waivers.read_text("utf-8").replace(f"{LOSSES}:summed", f"{LOSSES}:loss"), encoding="utf-8")
    call("plan", "right", f"{LOSSES}:loss", *words)
    call("run", "right")
    status, out, _ = call("merge", "right")
    assert (status, "stale: the waiver of value, float64, sparse" in out) == (0, True)
    assert call("merge", "right", "--strict-waivers")[0] == 1
