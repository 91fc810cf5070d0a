"""Real signals to a real run: what was found is shown and written, and the target's process ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LOSSES = Path(__file__).parents[1] / "engine" / "losses.py"
# Where the tests themselves run under nohup, a hang-up would be ignored, as it is to be.
MAIN = (
    "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
    "from xentcheck.cli import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "number", "told", "status", "verdict"),
    [
        ("summed", signal.SIGTERM, "broken:", 1, "violates"),
        ("loss", signal.SIGHUP, "batches done", 130, "interrupted"),
    ],
)
def test_a_signal_keeps_the_report(
    tmp_path: Path, name: str, number: signal.Signals, told: str, status: int, verdict: str
) -> None:
    """SIGTERM and SIGHUP do what Ctrl-C does."""
    words = ["check", f"{LOSSES}:{name}", "--profile", "thorough", "--properties", "value", "--dtypes", "float64"]
    command = [sys.executable, "-c", MAIN, *words, "--json", str(tmp_path / "r.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert any(told in line for line in running.stderr)
        running.send_signal(number)
        out, _ = running.communicate(timeout=60)
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert running.returncode == status
    assert (report["verdict"], report["interrupted"]) == (verdict, True)
    assert out.splitlines()[-1].startswith(verdict.upper())
    assert report["counts"]["skipped"] > 0


@pytest.mark.slow
def test_a_signal_that_was_swallowed_ends_the_run_at_the_next_batch(tmp_path: Path) -> None:
    """As one that comes while a finaliser runs is: what is raised there is told on standard error, and lost."""
    swallowed = (
        "import os, signal, sys\n"
        "from xentcheck.cli import main\n"
        "from xentcheck.report import progress\n"
        "class Finalised:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        sum(range(10**5))\n"
        "first = progress.Progress.start\n"
        "def start(self, total):\n"
        "    first(self, total)\n"
        "    Finalised()\n"
        "progress.Progress.start = start\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    words = ["check", f"{LOSSES}:loss", "--profile", "thorough", "--properties", "value", "--dtypes", "float64"]
    command = [sys.executable, "-c", swallowed, *words, "--json", str(tmp_path / "r.json")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 130
    assert "Exception ignored in: <function Finalised.__del__" in ran.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["verdict"] == "interrupted"
    assert report["counts"]["run"] == 1
