"""A target that is imported before its contract is known is the one that is judged, and nothing of it is called."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from xentcheck import reference
from xentcheck.batches.batch import Batch
from xentcheck.probing import probed
from xentcheck.targets import TargetError, TargetSpecification, import_ahead, open_host
from xentcheck.targets.specification import build_plan

BATCH = Batch(np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0]]), np.array([2, 1]))
SOURCE = """
import os
import numpy as np

def note(word):
    with open({notes!r}, "a") as file:
        print(word, os.getpid(), file=file)

note("imported")

class Loss:
    def __init__(self):
        note("made")

    def __call__(self, y, z):
        note("called")
        d = z - z.max(axis=1, keepdims=True)
        return (np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(y)), y]).mean()

def other(z, y):
    return 0.0
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with a loss that notes what becomes of it."""
    path = tmp_path / "mine.py"
    path.write_text(SOURCE.format(notes=str(tmp_path / "notes")), encoding="utf-8")
    return path


def noted(file: Path, count: int = 0) -> list[list[str]]:
    """Return what is noted, once there are so many lines."""
    notes, until = file.with_name("notes"), time.monotonic() + 30.0
    while True:
        lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
        if len(lines) >= count or time.monotonic() > until:
            return [line.split() for line in lines]
        time.sleep(0.02)


def test_it_is_imported_once_and_called_by_the_contract_that_comes(file: Path) -> None:
    """In one process, of which nothing but the import was asked before."""
    bare = TargetSpecification(loss=f"{file}:Loss")
    ahead = import_ahead(bare)
    assert ahead is not None
    assert [word for word, _ in noted(file, 1)] == ["imported"]
    told = TargetSpecification(loss=f"{file}:Loss", changes={"argument_order": "labels_first"})
    with open_host(told, ahead=ahead) as host:
        outcome = host.evaluate(BATCH)
    np.testing.assert_allclose(outcome.loss, reference.loss(BATCH.scores, BATCH.labels))
    lines = noted(file)
    assert [word for word, _ in lines] == ["imported", "made", "called"]
    assert len({process for _, process in lines}) == 1
    assert host.restarts == 0


def test_after_a_death_the_contract_is_that_which_came(file: Path) -> None:
    """The next process is an ordinary one."""
    file.write_text(file.read_text(encoding="utf-8").replace("d = z -", "z[0, 0] < 9 or os.abort()\n        d = z -"))
    ahead = import_ahead(TargetSpecification(loss=f"{file}:Loss"))
    told = TargetSpecification(loss=f"{file}:Loss", changes={"argument_order": "labels_first"})
    with open_host(told, ahead=ahead) as host:
        assert host.evaluate(BATCH.replace(scores=BATCH.scores + 9)).died
        np.testing.assert_allclose(host.evaluate(BATCH).loss, reference.loss(BATCH.scores, BATCH.labels))
    assert [word for word, _ in noted(file)].count("imported") == 2


def test_another_target_does_not_get_it(file: Path) -> None:
    """Nor does a second host of the same one; what nobody took is ended by `close`."""
    specification = TargetSpecification(loss=f"{file}:other")
    ahead = import_ahead(TargetSpecification(loss=f"{file}:Loss"))
    assert ahead is not None
    with open_host(specification, ahead=ahead) as host:
        assert host.evaluate(BATCH).loss == 0.0
    ahead.close()
    ahead.close()
    taken = import_ahead(specification)
    with open_host(specification, ahead=taken) as first, open_host(specification, ahead=taken) as second:
        assert first.evaluate(BATCH).loss == second.evaluate(BATCH).loss == 0.0
    assert len({process for word, process in noted(file) if word == "imported"}) >= 3


@pytest.mark.parametrize(
    "line", ["raise ImportError('no such thing')", "import os; os._exit(3)", "raise SystemExit(3)"]
)
def test_an_import_that_fails_is_told_as_ever(file: Path, line: str) -> None:
    """In the words for a target that is imported when it is judged."""
    file.write_text(line, encoding="utf-8")
    specification = TargetSpecification(loss=f"{file}:Loss")
    said = []
    for ahead in (None, import_ahead(specification)):
        with pytest.raises(TargetError) as caught, open_host(specification, ahead=ahead) as host:
            host.ready()
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_what_needs_no_probe_is_not_imported_ahead() -> None:
    """A callable is here already, and of some targets the contract is known."""
    assert import_ahead(TargetSpecification(loss=lambda z, y: 0.0)) is None
    assert import_ahead(TargetSpecification("reference")) is None
    assert import_ahead(TargetSpecification("reference", changes={"reduction": "sum"})) is None


ALONE = """
import fcntl

lock = open(__file__ + ".lock", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    note("refused")
    raise
note("alone")
"""
"""What only one process can import at a time, as what takes a port or a device."""


def test_what_one_process_alone_can_import_is_imported_again(file: Path) -> None:
    """Another process had what it needs when it was imported ahead, and has ended since."""
    file.write_text(file.read_text(encoding="utf-8") + ALONE, encoding="utf-8")
    specification = TargetSpecification(loss=f"{file}:other")
    with open_host(specification) as first:
        first.ready()
        ahead = import_ahead(specification)
        assert noted(file, 4)[-1][0] == "refused"
    with open_host(specification, ahead=ahead) as host:
        assert host.evaluate(BATCH).loss == 0.0


def test_what_one_process_alone_can_import_is_probed_alone(file: Path) -> None:
    """The process that imports it ahead is ended, and another one imports it when it is judged."""
    file.write_text(file.read_text(encoding="utf-8") + ALONE, encoding="utf-8")
    specification = TargetSpecification(loss=f"{file}:Loss")
    ahead = import_ahead(specification)
    assert ahead is not None
    assert [word for word, _ in noted(file, 2)] == ["imported", "alone"]
    told, about = probed(specification, ahead=ahead)
    assert (about["contract_source"], told.changes["argument_order"]) == ("inferred", "labels_first")
    assert "refused" in {word for word, _ in noted(file)}
    assert ahead.taken(build_plan(told)) is None
