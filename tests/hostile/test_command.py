"""``xentcheck check`` on hostile targets, as one calls it: nothing ends it, and nothing that was found is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TARGETS = Path(__file__).with_name("targets")
PACKAGES = Path(__file__).parents[2]
FEW = ("--properties", "answers,value", "--dtypes", "float64", "--contract", 'domain={"rows":[1,2],"classes":[2,3]}')


SMALL_FILES = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400)); "


def called(*words: str, before: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Return what a call of the command line did, in the folder of the targets, after some code of `before`."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "COLUMNS": "200"}
    code = f"{before}import sys; from xentcheck.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "check", *words]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(command, text=True, cwd=TARGETS, env=environment, check=False, timeout=300, **options)


@pytest.mark.slow
def test_a_fault_is_one_target_s_and_what_it_broke_before_is_kept(tmp_path: Path) -> None:
    """The next targets are judged; every report, every error and every script is there."""
    names = ["calls.py:wrong_and_breaks", "import_surrogate.py:loss", "calls.py:surrogate_now_and_then"]
    written = ["--json", str(tmp_path / "r.json"), "--reproducers", str(tmp_path / "scripts")]
    ran = called(*names, *FEW, *written)
    assert ran.returncode == 2
    told = [line for line in ran.stderr.splitlines() if line.startswith("xentcheck: ")]
    assert [line.partition(": ")[2].partition(" ")[0] for line in told] == [names[0], names[1].partition(":")[0]]
    assert "Traceback" not in ran.stderr
    stated = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert list(stated["errors"]) == names[:2]
    assert [(report["target"]["name"], report["verdict"]) for report in stated["reports"]] == [
        (names[0], "violates"),
        (names[2], "violates"),
    ]
    verdicts = [line.partition(": calls")[0] for line in ran.stdout.splitlines() if line[:1].isalpha()]
    assert [word for word in verdicts if word in ("VIOLATES", "CONFORMS")] == ["VIOLATES"] * 2
    everything = ran.stdout + ran.stderr + (tmp_path / "r.json").read_text(encoding="utf-8")
    scripts = list((tmp_path / "scripts").iterdir())
    assert len(scripts) == sum(len(report["findings"]) for report in stated["reports"])
    for script in scripts:
        compile(script.read_text(encoding="utf-8"), str(script), "exec")
        everything += script.read_text(encoding="utf-8")
    assert all(line.isprintable() for line in everything.splitlines())


@pytest.mark.slow
def test_a_full_disk_costs_nothing_on_the_terminal_and_leaves_no_half_file(tmp_path: Path) -> None:
    written = ["--json", str(tmp_path / "r.json"), "--reproducers", str(tmp_path), "--corpus", str(tmp_path)]
    ran = called("calls.py:controls_now_and_then", *FEW, *written, before=SMALL_FILES)
    assert ran.returncode == 2
    assert ran.stdout.splitlines()[-1].startswith("VIOLATES: calls.py:controls_now_and_then: ")
    told = [line for line in ran.stderr.splitlines() if line.startswith("xentcheck: ")]
    assert told == [
        f"xentcheck: --json {tmp_path / 'r.json'} cannot be written: File too large.",
        f"xentcheck: --reproducers {tmp_path} cannot be written: File too large.",
        f"xentcheck: --corpus {tmp_path} cannot be written: File too large.",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_where_the_terminal_is_full_the_files_are_written(tmp_path: Path) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        ran = called("calls.py:quotes", *FEW, "--json", str(tmp_path / "r.json"), stdout=full)
    assert ran.returncode == 2
    assert "No space left on device" in ran.stderr.splitlines()[-1]
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["verdict"] == "nothing-judged"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        ("surrogate forged forged_kind forged_place quotes long_kind", "nothing-judged"),
        ("controls long_message no_directory no_text odd_text", "nothing-judged"),
        ("nameless enormous enormous_gradient nested_result breaks_json", "violates"),
        ("no_json dtype_object negative_shape no_parts wrong_types odd_words", "violates"),
        ("deep_json gigabytes garbage few_bytes half_a_frame breaks_array breaks_shares", "violates"),
    ],
)
def test_the_next_target_is_judged(tmp_path: Path, names: str, verdict: str) -> None:
    """After each of them: another that is hostile, and at last one that is right."""
    limits = ["--time-limit", "2", "--first-time-limit", "5", "--json", str(tmp_path / "r.json")]
    hostile = [f"calls.py:{name}" for name in names.split()]
    ran = called(*hostile, "reference", *FEW, *limits)
    text = (tmp_path / "r.json").read_text(encoding="utf-8")
    assert ran.returncode == {"violates": 1, "nothing-judged": 3}[verdict]
    judged = [(report["target"]["name"], report["verdict"]) for report in json.loads(text)["reports"]]
    assert judged == [*((name, verdict) for name in hostile), ("reference", "conforms")]
    assert all(line.isprintable() for line in (ran.stdout + ran.stderr + text).splitlines())
    assert sum(line.startswith("CONFORMS") for line in (ran.stdout + ran.stderr).splitlines()) == 1
    assert len(ran.stdout) < 20_000 * len(hostile)


@pytest.mark.slow
def test_the_next_target_is_judged_after_one_that_cannot_be_used(tmp_path: Path) -> None:
    ran = called("calls.py:failure", "reference", *FEW, "--json", str(tmp_path / "r.json"))
    assert ran.returncode == 2
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["reports"][-1]["verdict"] == "conforms"
