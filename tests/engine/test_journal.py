"""A journal outlives whatever ends the judge: kills in the midst of a batch or a record, a full disk, two runs."""

from __future__ import annotations

import json
import random
import re
import resource
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from xentcheck.engine.inputs import last_inputs
from xentcheck.engine.journal import Journal, encoded, records_in
from xentcheck.engine.run import check_target
from xentcheck.engine.run_directory import folder_of, opened, stated_plan
from xentcheck.engine.run_plan import Options, planned
from xentcheck.targets import TargetError, TargetSpecification, open_host
from xentcheck.targets.find.interpreter import Interpreter

LOSSES = Path(__file__).with_name("losses.py")
JOURNALS = re.compile("not whole|an earlier process was ended")
WORDS = ["--properties", "value,answers", "--dtypes", "float64", "--no-probe"]
SMALL = {"properties": ["value", "answers"], "dtypes": ["float64"]}
ENDED = """
import itertools, os, signal, sys
from xentcheck.cli import main
from xentcheck.engine import journal
from xentcheck.engine.witnessing import Witnessing
from xentcheck.report.progress import Progress

Witnessing.begin = lambda self: None
Witnessing.add = lambda self, problems: None
os.environ["JUDGE"] = str(os.getpid())
where, number, share = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
count = itertools.count(1)

def ended(*given):
    os.kill(os.getpid(), signal.SIGKILL)

def in_record(self, record, add=journal.Journal._add):
    if next(count) == number:
        line = journal.encoded(record)
        os.write(self._file, line[: round(share * len(line))])
        ended()
    add(self, record)

def at_batch(self, name, done, advance=Progress.advance):
    if next(count) == number:
        ended()
    advance(self, name, done)

if where == "record":
    journal.Journal._add = in_record
if where == "batch":
    Progress.advance = at_batch
sys.exit(main(sys.argv[4:]))
"""
"""A command line that is killed at a batch, or when a share of a record has been written."""


def run(folder: Path, name: str, where: str = "", number: int = 0, share: float = 0.0) -> dict[str, object] | None:
    """Return the report of a run on a directory, without its times; None where it was killed."""
    file = folder.with_suffix(".json")
    words = ["check", f"{LOSSES}:{name}", *WORDS, "--resume", str(folder), "--json", str(file)]
    command = [sys.executable, "-c", ENDED, where, str(number), str(share), *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    if ran.returncode == -9:
        assert not file.exists()
        return None
    assert ran.returncode in (0, 1), ran.stderr
    return without_times(json.loads(file.read_text(encoding="utf-8")))


def without_times(stated: dict[str, object]) -> dict[str, object]:
    """Return a report without what differs from run to run, and without what is said of the journal itself."""
    stated = json.loads(json.dumps(stated))
    for result in [stated, *stated["properties"]]:  # type: ignore[misc]
        result.pop("seconds")
    stated.pop("command")
    stated["observations"] = [said for said in stated["observations"] if not JOURNALS.search(said)]  # type: ignore[union-attr]
    return stated


@cache
def unbroken(name: str) -> dict[str, object]:
    """Return the report of a run that nothing ended."""
    return without_times(check_target(TargetSpecification(loss=f"{LOSSES}:{name}"), **SMALL).as_mapping())


def killed_until_done(folder: Path, name: str, chance: random.Random) -> tuple[int, dict[str, object]]:
    """Kill a run at random points until it is done; return how often, and its report."""
    for kills in range(1000):
        where, number = chance.choice([("batch", chance.randint(1, 120)), ("record", chance.randint(2, 5))])
        report = run(folder, name, where, number, chance.random())
        if report is not None:
            return kills, report
    raise AssertionError("it is never done")


@pytest.mark.slow
def test_a_run_that_is_killed_in_a_batch_and_in_a_record_goes_on(tmp_path: Path) -> None:
    """What the unbroken run reports is reported: verdict, counts, digest, findings, grades, witnesses."""
    folder = tmp_path / "run"
    assert run(folder, "loss", "batch", 60) is None
    assert run(folder, "loss", "record", 2, 0.5) is None
    assert run(folder, "loss") == unbroken("loss")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_kills_at_random_lose_nothing(tmp_path: Path, seed: int) -> None:
    """Five or more of each seed."""
    chance, kills, name = random.Random(seed), 0, ("summed", "loss")[seed % 2]
    wanted, attempt = unbroken(name), 0
    while kills < 5:
        attempt += 1
        more, report = killed_until_done(tmp_path / str(attempt), name, chance)
        assert report == wanted
        kills += more


def a_journal(folder: Path) -> Path:
    """Write a small journal and return its file."""
    folder.mkdir()
    journal = Journal(folder, "r")
    for number in range(3):
        journal.keep(f"0/{number}", {"run": number})
    journal.close()
    (file,) = folder.glob("*.journal")
    return file


def test_a_record_torn_at_any_byte_is_dropped_and_said(tmp_path: Path) -> None:
    """And those before it are there."""
    file = a_journal(tmp_path / "j")
    whole = file.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for end in range(last + 1, len(whole)):
        file.write_bytes(whole[:end])
        journal = Journal(file.parent, "r")
        assert set(journal.records) == {"0/0", "0/1"}
        assert [said[:16] for said in journal.remarks] == ["a record was not"]
    file.write_bytes(whole[:last])
    assert (set(Journal(file.parent, "r").records), Journal(file.parent, "r").remarks) == ({"0/0", "0/1"}, [])


def test_a_byte_changed_anywhere_is_noticed(tmp_path: Path) -> None:
    """No record is read otherwise than it was written."""
    file = a_journal(tmp_path / "j")
    whole = file.read_bytes()
    for place in range(len(whole)):
        changed = bytes([whole[place] ^ 1])
        file.write_bytes(whole[:place] + changed + whole[place + 1 :])
        found = Journal(file.parent, "r").records
        assert len(found) < 3
        assert all(found[name] == {"run": int(name[2:])} for name in found)


def test_records_of_another_run_are_left_out(tmp_path: Path) -> None:
    """Whatever lies about in the directory."""
    file = a_journal(tmp_path / "j")
    assert Journal(file.parent, "other").records == {}


@pytest.mark.slow
@pytest.mark.parametrize("limit", [10, 20_000])
def test_a_full_disk_costs_no_finding(tmp_path: Path, limit: int) -> None:
    """The run goes on and says so; what was written is whole or dropped, and a run with room goes on from it."""
    specification = TargetSpecification(loss=f"{LOSSES}:loss")
    with open_host(specification) as host:
        options = Options(properties=tuple(SMALL["properties"]), dtypes=tuple(SMALL["dtypes"]))
        plan = planned(specification, options, host)
        opened(folder_of(tmp_path, specification), plan, host.description)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        full = check_target(specification, **SMALL, resume=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    again = check_target(specification, **SMALL, resume=tmp_path)
    assert any("is not whole (File too large)" in said for said in full.observations)
    assert without_times(full.as_mapping()) == without_times(again.as_mapping()) == unbroken("loss")


def test_a_journal_that_could_not_be_written_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """What a full disk tore is one line, which ends where the next record begins."""
    tmp_path.joinpath("j").mkdir()
    journal = Journal(tmp_path / "j", "r")
    journal.keep("0/0", {"run": 0})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    (file,) = tmp_path.joinpath("j").glob("*.journal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 10, hard))
    try:
        journal.keep("0/1", {"run": 1})
        journal.keep("0/1 again", {"run": 1})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.keep("0/2", {"run": 2})
    journal.close()
    (said,) = journal.remarks
    assert "is not whole (File too large)" in said
    assert [record is None for record in records_in(file)] == [False, False, True, False]
    assert set(Journal(tmp_path / "j", "r").records) == {"0/0", "0/2"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, "its seed is 0, and not 1"),
        ({"profile": "standard"}, "its profile is 'quick', and not 'standard'"),
        ({"dtypes": ["float32"]}, "its cells"),
        ({"properties": ["value"]}, "its laws"),
    ],
)
def test_a_directory_of_another_run_is_refused(made: Path, changes: dict[str, object], words: str) -> None:
    """In one sentence, that says what differs first."""
    specification = TargetSpecification(loss=f"{LOSSES}:loss")
    with pytest.raises(TargetError, match=f"holds another run: {words}") as caught:
        check_target(specification, **{**SMALL, **changes}, resume=made)
    assert "\n" not in str(caught.value)


def test_another_interpreter_is_part_of_the_plan(tmp_path: Path) -> None:
    """With its version, since what it answers may hang on that; a target in this one names none."""
    specification = TargetSpecification(loss=f"{LOSSES}:loss")
    with open_host(specification) as host:
        plan, description = planned(specification, Options(dtypes=("float64",)), host), host.description
    elsewhere = replace(description, elsewhere=Interpreter("/usr/bin/python3.8", "3.8.1", {"numpy": "1.24"}))
    assert stated_plan(plan, description)["elsewhere"] is None
    assert stated_plan(plan, elsewhere)["elsewhere"]["python"] == "3.8.1"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of a run that is done."""
    folder = tmp_path_factory.mktemp("made")
    check_target(TargetSpecification(loss=f"{LOSSES}:loss"), **SMALL, resume=folder)
    return folder


def test_a_target_that_was_edited_is_another_run(tmp_path: Path) -> None:
    """The file that is named is part of the plan."""
    file = tmp_path / "mine.py"
    file.write_text(LOSSES.read_text(encoding="utf-8"), encoding="utf-8")
    check_target(TargetSpecification(loss=f"{file}:loss"), **SMALL, fail_fast=True, resume=tmp_path / "run")
    file.write_text(f"{LOSSES.read_text(encoding='utf-8')}# changed\n", encoding="utf-8")
    with pytest.raises(TargetError, match=r"its files .*mine\.py is"):
        check_target(TargetSpecification(loss=f"{file}:loss"), **SMALL, fail_fast=True, resume=tmp_path / "run")


def test_a_callable_cannot_be_resumed(tmp_path: Path) -> None:
    """Another process could not find it."""
    with pytest.raises(TargetError, match="needs a target's name"):
        check_target(TargetSpecification(loss=lambda z, y: 0.0), **SMALL, resume=tmp_path)


def test_a_run_that_is_done_asks_the_target_nothing(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is in the journal: no batch is judged again."""
    wanted = unbroken("loss")
    monkeypatch.setattr("xentcheck.engine.working.judge_shard", None)
    monkeypatch.setattr("xentcheck.engine.working.conclude", None)
    report = check_target(TargetSpecification(loss=f"{LOSSES}:loss"), **SMALL, resume=made)
    assert without_times(report.as_mapping()) == wanted


@pytest.mark.slow
def test_two_runs_at_once_do_not_harm_each_other(tmp_path: Path) -> None:
    """Both report the same, and so does a third that finds what they have written; the witnesses are asked, too."""
    folder = tmp_path / "run"
    words = ["check", f"{LOSSES}:summed", *WORDS, "--resume", str(folder), "--json"]
    command = [sys.executable, "-m", "xentcheck", *words]
    running = [subprocess.Popen([*command, str(tmp_path / f"{name}.json")], stdout=-3, stderr=-3) for name in "ab"]
    assert [one.wait(500) for one in running] == [1, 1]
    reports = [json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8")) for name in "ab"]
    assert without_times(reports[0]) == without_times(reports[1])
    assert all(witness["compared"] for witness in reports[0]["witnesses"])
    assert len(list(folder.rglob("*.journal"))) == 2
    assert run(folder, "summed") == without_times(reports[0])
    alone = check_target(TargetSpecification(loss=f"{LOSSES}:summed"), **SMALL).as_mapping()
    assert without_times({**alone, "witnesses": reports[0]["witnesses"]}) == without_times(reports[0])


@pytest.mark.slow
def test_what_was_found_before_a_kill_is_kept_even_if_it_does_not_happen_again(tmp_path: Path) -> None:
    """A target that fails now and then: its failure is on the disk before anything else is tried."""
    file = tmp_path / "mine.py"
    flag = tmp_path / "flag"
    file.write_text(
        f"{LOSSES.read_text(encoding='utf-8')}\n\n"
        "def once(logits, labels):\n"
        f"    return loss(logits, labels) + (not os.path.exists({str(flag)!r}))\n",
        encoding="utf-8",
    )
    words = ["check", f"{file}:once", *WORDS, "--resume", str(tmp_path / "run")]
    command = [sys.executable, "-c", ENDED, "batch", "2", "0", *words]
    assert subprocess.run(command, capture_output=True, check=False, timeout=500).returncode == -9
    flag.touch()
    report = check_target(TargetSpecification(loss=f"{file}:once"), **SMALL, resume=tmp_path / "run")
    assert report.verdict == "violates"
    assert any("was broken when the run was begun, and not when" in said for said in report.observations)


def test_a_line_says_its_length_and_checksum() -> None:
    """So that other programs can read it."""
    assert encoded({"a": 1}) == b'00000007 561bacaf {"a":1}\n'


@pytest.mark.slow
def test_the_input_of_the_call_that_ended_all_is_known(tmp_path: Path) -> None:
    """A target that takes its judge with it: the next run says by which input."""
    file = tmp_path / "mine.py"
    flag = tmp_path / "flag"
    file.write_text(
        f"{LOSSES.read_text(encoding='utf-8')}\n\n"
        "def deadly(logits, labels):\n"
        f"    if logits.shape == (3, 5) and not os.path.exists({str(flag)!r}):\n"
        "        os.kill(int(os.environ['JUDGE']), signal.SIGKILL)\n"
        "    return loss(logits, labels)\n",
        encoding="utf-8",
    )
    words = ["check", f"{file}:deadly", *WORDS, "--resume", str(tmp_path / "run")]
    command = [sys.executable, "-c", ENDED, "", "0", "0", *words]
    assert subprocess.run(command, capture_output=True, check=False, timeout=500).returncode == -9
    flag.touch()
    report = check_target(TargetSpecification(loss=f"{file}:deadly"), **SMALL, resume=tmp_path / "run")
    (said,) = [said for said in report.observations if "an earlier process was ended" in said]
    assert "given 3 x 5 scores in float64" in said
    (path,) = tmp_path.rglob("*.inputs")
    ((_, batch),) = last_inputs(path.parent)
    assert batch.scores.shape == (3, 5)
    assert path.name in said


def test_registered_targets_write_no_inputs(tmp_path: Path) -> None:
    """They are trusted; of others each order names the folder."""
    for name, folder in (("reference", ""), (f"{LOSSES}:loss", str(tmp_path))):
        specification = TargetSpecification(loss=name)
        with open_host(specification) as host:
            made = planned(specification, Options(dtypes=("float64",)), host)
        assert {order.inputs for order in made.orders(str(tmp_path))} == {folder}
