"""A disk that fills up in the midst of a run: a real one, a tmpfs of a few pages in a mount namespace (Linux).

Where namespaces are not to be had this is skipped (XENTCHECK_REQUIRE=tmpfs makes it fail). The same is held with limits
on the size of files in test_command.py and in tests/engine/test_journal.py, which need nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TARGETS = Path(__file__).with_name("targets")
SUMMED = Path(__file__).parents[1] / "engine" / "losses.py"
NAMESPACES = (["unshare", "--user", "--map-root-user", "--mount"], ["unshare", "--mount"])
DRIVER = """
import json, os, subprocess, sys

told, disk, size, other, *command = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", disk], check=True)
with open(os.path.join(disk, "other"), "wb") as stream:
    stream.write(b"x" * int(other))

def call():
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
    files = {os.path.relpath(os.path.join(at, name), disk): os.path.getsize(os.path.join(at, name))
             for at, _, names in os.walk(disk) for name in names}
    return {"status": ran.returncode, "out": ran.stdout, "err": ran.stderr, "files": files}

full = call()
room = os.statvfs(disk).f_bavail
subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
found = {"full": full, "room": room, "again": call()}
for name in ("r.json", "corpus"):
    path = os.path.join(disk, name)
    found[name] = os.listdir(path) if os.path.isdir(path) else open(path, encoding="utf-8").read()
with open(told, "w", encoding="utf-8") as stream:
    json.dump(found, stream)
"""
"""Calls a command on a disk that is too small for what it writes, and once more when there is room."""


@pytest.fixture
def namespace(tmp_path: Path) -> list[str]:
    """The words before a command that may mount what it likes."""
    for words in NAMESPACES:
        try:
            tried = subprocess.run(
                [*words, "mount", "-t", "tmpfs", "none", str(tmp_path)], capture_output=True, check=False
            )
        except FileNotFoundError:
            break
        if tried.returncode == 0:
            return words
    if "tmpfs" in os.environ.get("XENTCHECK_REQUIRE", "").split(","):
        pytest.fail("XENTCHECK_REQUIRE lists tmpfs, but none can be mounted in a namespace.", pytrace=False)
    pytest.skip("no tmpfs can be mounted in a namespace")


def called(namespace: list[str], tmp_path: Path, size: str, other: int = 0) -> dict[str, Any]:
    """Return what came of a check that keeps all that can be kept on a disk of a size, with other bytes on it."""
    disk, told = tmp_path / "disk", tmp_path / "told.json"
    disk.mkdir()
    code = "import sys; from xentcheck.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["check", f"{SUMMED}:summed", "--properties", "answers,value", "--dtypes", "float64"]
    for option, name in (("json", "r.json"), ("reproducers", "scripts"), ("corpus", "corpus"), ("resume", "runs")):
        words += [f"--{option}", str(disk / name)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "COLUMNS": "200"}
    driver = [*namespace, sys.executable, "-c", DRIVER, str(told), str(disk), size, str(other)]
    subprocess.run([*driver, sys.executable, "-c", code, *words], env=environment, cwd=TARGETS, check=True, timeout=600)
    assert list(disk.iterdir()) == []  # what was mounted was so in the namespace alone
    found: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return found


@pytest.mark.slow
def test_a_disk_that_fills_up_costs_nothing_that_was_found(tmp_path: Path, namespace: list[str]) -> None:
    """The report is on the terminal, each file that cannot be written is one sentence, and none is half there.

    With room, the same call goes on from what the journal has, and writes the rest.
    """
    found = called(namespace, tmp_path, "24k")
    full, again = found["full"], found["again"]
    assert (full["status"], found["room"]) == (2, 0)
    verdict = "VIOLATES: "
    assert full["out"].splitlines()[-1].startswith(verdict)
    assert "law 1, value" in full["out"]
    told_in_lines = " ".join(full["out"].split())
    assert "is not whole (No space left on device): a resumed run has to judge more again" in told_in_lines
    told = [line.partition(" ")[2] for line in full["err"].splitlines() if line.startswith("xentcheck: ")]
    disk = tmp_path / "disk"
    assert told == [
        f"--{option} {disk / name} cannot be written: No space left on device."
        for option, name in (("json", "r.json"), ("reproducers", "scripts"), ("corpus", "corpus"))
    ]
    assert "Traceback" not in full["err"]
    assert {Path(name).suffix for name in full["files"]} == {".json", ".journal", ""}
    assert {Path(name).name for name in full["files"] if name.endswith(".json")} == {"plan.json"}
    assert again["status"] == 1
    assert again["out"].splitlines()[-1].startswith(verdict)
    assert "not whole in" in " ".join(again["out"].split())
    assert json.loads(found["r.json"])["verdict"] == "violates"
    assert len(found["corpus"]) == 1
    assert [Path(name).suffix for name in again["files"] if name.startswith("scripts")] == [".py"]


@pytest.mark.slow
def test_on_a_disk_that_is_full_from_the_start_nothing_is_judged(tmp_path: Path, namespace: list[str]) -> None:
    """The directory of the run cannot be made, which is one sentence."""
    found = called(namespace, tmp_path, "4k", other=4096)
    full = found["full"]
    assert (full["status"], full["out"]) == (2, "")
    assert full["err"].count("\n") == 1
    assert "cannot be used as the directory of a run: No space left on device." in full["err"]
    assert [size for name, size in full["files"].items() if name.endswith("plan.json")] == []
    assert found["again"]["status"] == 1
