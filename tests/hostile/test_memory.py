"""A limit of memory: what reaches it is told apart from what crashes or raises for another reason."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.cli import main
from xentcheck.targets import TargetError, TargetSpecification, open_host
from xentcheck.targets.host.memory import memory_limit
from xentcheck.targets.outcome import Outcome

TARGETS = Path(__file__).with_name("targets")
BATCH = Batch(np.zeros((2, 3), np.float32), np.array([0, 1]))
REACHED = "the limit of memory, --memory 400MB, was reached"
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux keeps a process to a limit")


def outcome_of(name: str, memory: str | None = "400MB") -> Outcome:
    with open_host(TargetSpecification(f"{TARGETS / 'memory.py'}:{name}"), memory=memory) as host:
        return host.evaluate(BATCH)


@linux
@pytest.mark.parametrize(
    ("name", "message"), [("at_once", f"{REACHED}: Unable to allocate 2.00 GiB"), ("by_and_by", REACHED)]
)
def test_what_raises_says_that_the_limit_was_reached(name: str, message: str) -> None:
    raised = outcome_of(name).raised
    assert raised is not None
    assert raised.kind in ("MemoryError", "_ArrayMemoryError")
    assert raised.message.startswith(message)


@linux
@pytest.mark.parametrize(
    ("name", "how"), [("crashes", "killed by signal 11 (SIGSEGV)"), ("aborts", "killed by signal 6 (SIGABRT)")]
)
def test_what_dies_of_the_limit_is_told_from_what_dies(name: str, how: str) -> None:
    """By how much memory it had, or by its last words; the same death without a limit is a crash."""
    assert outcome_of(name).died == f"{REACHED} ({how})"


def test_a_crash_is_a_crash_and_what_fits_is_answered() -> None:
    memory = "400MB" if sys.platform.startswith("linux") else None
    assert outcome_of("crashes_otherwise", memory).died == "killed by signal 11 (SIGSEGV)"
    assert outcome_of("enough", memory).loss == 0.0
    assert outcome_of("aborts", None).died == "killed by signal 6 (SIGABRT)"


@linux
def test_an_import_that_needs_more_says_so() -> None:
    specification = TargetSpecification(f"{TARGETS / 'import_memory.py'}:loss")
    with (
        pytest.raises(TargetError, match=f"In other words, {REACHED}[.]$"),
        open_host(specification, memory="400MB") as host,
    ):
        host.ready()


@linux
@pytest.mark.parametrize(
    ("given", "size"),
    [
        *((250_000_000, 250_000_000), ("250000000", 250_000_000), ("4GB", 4 * 10**9), ("4 gb", 4 * 10**9)),
        *(("512MiB", 2**29), ("1.5TiB", 3 * 2**39), ("300000KB", 3 * 10**8), ("250000000b", 250_000_000)),
    ],
)
def test_sizes(given: int | str, size: int) -> None:
    limit = memory_limit(given)
    assert limit is not None
    assert limit.size == size


@pytest.mark.parametrize("given", ["12 bananas", "1e3GB", "-4GB", "", "GB", "4G B", "\x1b[31m", "9" * 99, "٤GB"])
def test_what_is_no_size_is_one_sentence(capsys: pytest.CaptureFixture[str], given: str) -> None:
    assert main(["check", "reference", "--memory", given]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert line.endswith("but must be a size such as 4GB or 512MiB.")


def test_too_little_for_any_target_is_one_sentence() -> None:
    with pytest.raises(TargetError, match="is '12', 12 bytes, but must be at least 200MB"):
        memory_limit(12)


def test_elsewhere_than_on_linux_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(TargetError, match="--memory needs Linux: darwin keeps no process"):
        memory_limit("4GB")


@linux
def test_a_callable_is_kept_to_no_limit() -> None:
    """It runs in the user's own process."""
    with pytest.raises(TargetError, match="give the target by name"):
        xentcheck.check(lambda logits, labels: 0.0, memory="4GB")
