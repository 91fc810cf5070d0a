"""A corpus: minimal batches on disk, judged before all others, said to be mended where they break nothing any more."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.packing import unpack
from xentcheck.batches.storage import digest, to_mapping
from xentcheck.contract import Contract
from xentcheck.engine import corpus
from xentcheck.engine.corpus import Entry, keep, read, replays
from xentcheck.engine.order import SHARD
from xentcheck.engine.plan import Cell
from xentcheck.engine.run import check_target
from xentcheck.engine.run_plan import Options, planned
from xentcheck.report.finding import Finding
from xentcheck.report.report import Report
from xentcheck.report.results import TargetSummary
from xentcheck.targets import TargetSpecification, open_host

LOSSES = Path(__file__).with_name("losses.py")
RARE = """
import numpy as np

CALLS = []


def loss(logits, labels):
    CALLS.append(len(logits))
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(logits)), labels.reshape(-1).astype(int)]
    return losses.mean() * (1 + (logits.shape == (1, 7) and logits[0, 0] == 42.0)) if len(losses) else np.nan
"""
"""Wrong on hardly any batch: nothing that is planned finds it."""
FEW = {"properties": ["answers", "value"], "dtypes": ["float64", "float32"]}


def rare_batch(dtype: Any = np.float32) -> Batch:
    """Return a batch on which RARE is wrong."""
    scores = np.zeros((1, 7), dtype)
    scores[0, 0] = 42.0
    return Batch(scores, np.ones(1, np.int64))


def finding(batch: Batch, law: str = "value", **more: Any) -> Finding:
    """Return a finding on a reduced batch."""
    stated = {"minimal": True, **more}
    return Finding(law, 1, "", batch.dtype, batch.label_form, "it is wrong", to_mapping(batch), **stated)


def report(*findings: Finding, target: str = "mine.py:loss") -> Report:
    """Return a report of findings."""
    return Report(TargetSummary(target), findings=findings)


@pytest.fixture
def rare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a target that is hardly ever wrong, and a corpus that knows where."""
    (tmp_path / "mine.py").write_text(RARE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert keep(tmp_path / "corpus", report(finding(rare_batch()))) == 1
    return tmp_path


class Told:
    """Progress that is remembered."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def start(self, total: int) -> None:
        """Remember how many batches are planned."""
        self.total = total

    def advance(self, cell_name: str, done: int) -> None:
        """Remember the cell."""
        self.said.append(f"{cell_name} {done}")

    def found(self, found: Finding) -> None:
        """Remember the law."""
        self.said.append(f"{found.property} broken in {found.dtype}")

    def stop(self) -> None:
        """Do nothing."""


def test_what_is_kept_is_read_bit_for_bit(tmp_path: Path) -> None:
    """Each batch and law once, however often it is found; odd nans and labels of any dtype too."""
    odd = Batch(np.array([[-0.0, 5e-324]]), np.zeros(1, np.uint8), family="wild")
    assert keep(tmp_path / "c", report(finding(odd), finding(rare_batch(), "answers"))) == 2
    assert keep(tmp_path / "c", report(finding(odd), finding(odd, "shift"))) == 1
    entries, said = read(tmp_path / "c")
    assert said == []
    wanted = [("answers", digest(rare_batch())), ("shift", digest(odd)), ("value", digest(odd))]
    assert [(entry.law, digest(entry.batch)) for entry in entries] == wanted
    assert {entry.target for entry in entries} == {"mine.py:loss"}


def test_beneath_a_root_cause_too_and_reduced_ones_alone(tmp_path: Path) -> None:
    """What was not reduced may be of any size, and is not kept."""
    beneath = finding(rare_batch(), "shift")
    whole = finding(rare_batch(np.float64), minimal=False)
    assert keep(tmp_path, report(replace(finding(rare_batch()), also=(beneath,)), whole)) == 2
    assert {entry.law for entry in read(tmp_path)[0]} == {"value", "shift"}


def test_the_batch_on_which_the_law_was_judged_is_kept(tmp_path: Path) -> None:
    """Of one that the law has made of it the law would make yet another one."""
    shown = finding(rare_batch(np.float64), derived_from=to_mapping(rare_batch()))
    keep(tmp_path, report(shown))
    assert [digest(entry.batch) for entry in read(tmp_path)[0]] == [digest(rare_batch())]


def test_no_corpus_is_an_empty_one(tmp_path: Path) -> None:
    assert read(tmp_path / "nowhere") == ([], [])


def test_damaged_files_are_left_out_and_said(rare: Path) -> None:
    """Torn at any byte, with another number or another digit of the digest, of another program; in one sentence."""
    folder = rare / "corpus"
    (file,) = folder.iterdir()
    text = file.read_text(encoding="utf-8")
    for end in range(0, len(text) - 2, 7):
        (folder / f"torn{end}.json").write_text(text[:end], encoding="utf-8")
    (folder / "number.json").write_text(text.replace("0x1.5000000000000p+5", "0x1.4000000000000p+5"), encoding="utf-8")
    (folder / "other.json").write_text('{"schema": "other/1"}', encoding="utf-8")
    (folder / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    (folder / "binary.json").write_bytes(b"\xff\x00")
    entries, (said,) = read(folder)
    assert len(entries) == 1
    others = len(list(folder.iterdir())) - 2
    assert said == f"binary.json and {others:,} others in {folder} cannot be read as batches of a corpus: left out"


def test_corpora_are_merged_by_copying(tmp_path: Path) -> None:
    """Equal files have equal names, others never."""
    keep(tmp_path / "a", report(finding(rare_batch())))
    keep(tmp_path / "b", report(finding(rare_batch()), finding(rare_batch(np.float64))))
    for file in (tmp_path / "a").iterdir():
        shutil.copy(file, tmp_path / "b")
    assert len(read(tmp_path / "b")[0]) == 2


def test_a_cell_takes_what_its_contract_admits() -> None:
    """In its dtype and label form, each batch once, and first what the same target has failed."""
    wrong = rare_batch().replace(labels=np.array([9]))
    other = Batch(np.ones((1, 2), np.float32), np.zeros(1, np.int64))
    given = [
        Entry("other", "value", other),
        *(Entry("mine", law, rare_batch()) for law in ("value", "shift")),
        Entry("mine", "value", rare_batch(np.float64)),
        Entry("mine", "value", wrong),
    ]
    found = replays(given, "mine", Contract(), Cell("float32", "sparse"))
    assert [digest(unpack(one["batch"])) for one in found] == [digest(rare_batch()), digest(other)]
    assert [one["laws"] for one in found] == [["value", "shift"], []]


@pytest.mark.slow
def test_it_is_judged_before_all_else_whatever_its_cell(rare: Path) -> None:
    """The first call is of the corpus, and what it breaks is told before a second batch is judged."""
    told = Told()
    made = check_target(TargetSpecification(loss="mine.py:loss"), corpus="corpus", progress=told, **FEW)
    assert told.said[:2] == ["value broken in float32", "float32 sparse 1"]
    assert made.verdict == "violates"
    assert [one.property for one in made.findings] == ["value"]
    assert (made.counts.planned, made.counts.run) == (told.total, told.total)
    assert told.said[-1].endswith(f" {told.total}")
    assert check_target(TargetSpecification(loss="mine.py:loss"), **FEW).verdict == "conforms"


@pytest.mark.parametrize("executor", [nullcontext(), ThreadPoolExecutor(1)], ids=["in turn", "spread"])
def test_failing_fast_nothing_follows(rare: Path, executor: AbstractContextManager[ThreadPoolExecutor | None]) -> None:
    with executor as given:
        few = {"corpus": "corpus", "fail_fast": True, **FEW}
        made = check_target(TargetSpecification(loss="mine.py:loss"), executor=given, **few)
    assert (made.verdict, made.counts.run) == ("violates", 1)


@pytest.mark.slow
def test_spread_it_is_the_same(rare: Path) -> None:
    """Counts, digest and findings of a run in turn; failing fast, the finding of the corpus alone."""
    given = {"corpus": "corpus", **FEW}
    whole = check_target(TargetSpecification(loss="mine.py:loss"), **given)
    for fast, counts in ((False, whole.counts), (True, replace(whole.counts, run=1, planned=1, skipped=0))):
        with ThreadPoolExecutor(1) as executor:
            spread = check_target(TargetSpecification(loss="mine.py:loss"), executor=executor, fail_fast=fast, **given)
        assert [one.digest for one in spread.findings] == [one.digest for one in whole.findings]
        assert spread.counts.run == counts.run
        assert fast or (spread.digest, spread.coverage) == (whole.digest, whole.coverage)


@pytest.mark.slow
def test_what_no_longer_breaks_is_said_to_be_mended(rare: Path) -> None:
    """Of the same target alone, and not where the law is not judged."""
    keep(rare / "corpus", report(finding(rare_batch(np.float64))))
    (rare / "mine.py").write_text(RARE.replace("42.0)", "43.0)"), encoding="utf-8")
    made = check_target(TargetSpecification(loss="mine.py:loss"), corpus="corpus", **FEW)
    said = [one for one in made.observations if "mended" in one]
    assert sorted(said) == [
        "mended: a batch of the corpus no longer breaks law 1 (value, float32 sparse)",
        "mended: a batch of the corpus no longer breaks law 1 (value, float64 sparse)",
    ]
    other = check_target(TargetSpecification(loss=f"{LOSSES}:loss"), corpus="corpus", **FEW)
    unasked = check_target(
        TargetSpecification(loss="mine.py:loss"), corpus="corpus", **{**FEW, "properties": ["answers"]}
    )
    assert not [one for one in (*other.observations, *unasked.observations) if "mended" in one]


@pytest.mark.slow
def test_of_several_batches_each_is_told_apart(rare: Path) -> None:
    """One is mended, more than any limit on further falls are not."""
    still = [rare_batch().replace(labels=np.array([label])) for label in range(1, 7)]
    more = [batch.replace(layout=layout) for batch in still for layout in ("C", "F", "reversed", "readonly")]
    mended = rare_batch().replace(scores=np.ones((1, 7), np.float32))
    keep(rare / "corpus", report(*map(finding, more), finding(mended)))
    made = check_target(TargetSpecification(loss="mine.py:loss"), corpus="corpus", **FEW)
    assert [one for one in made.observations if "mended" in one] == [
        "mended: a batch of the corpus no longer breaks law 1 (value, float32 sparse)"
    ]


def test_a_large_corpus_is_cut_like_all_else() -> None:
    """Each batch once, in shards that come before the others."""
    specification = TargetSpecification(loss=f"{LOSSES}:loss")
    batches = [Batch(np.full((1, 2), float(k)), np.zeros(1, np.int64)) for k in range(SHARD + 3)]
    options = Options(properties=("answers",), dtypes=("float64",))
    with open_host(specification) as host:
        (without,) = planned(specification, options, host).orders()
        entries = tuple(Entry("", "answers", batch) for batch in batches)
        (order,) = planned(specification, replace(options, corpus=entries), host).orders()
    assert (order.replays, order.shards, order.planned) == (2, without.shards + 2, without.planned + SHARD + 3)
    judged = [unpack(one["batch"]) for number in range(2) for one in order.shard(number).replayed]
    assert list(map(digest, judged)) == list(map(digest, batches))
    assert [order.shard(number + 2) for number in range(without.shards)] == [*map(without.shard, range(without.shards))]


@pytest.mark.slow
def test_a_resumed_run_keeps_to_the_corpus_that_it_began_with(rare: Path) -> None:
    """What was added since belongs to the next run."""
    given = {"corpus": "corpus", "resume": "runs", **FEW}
    first = check_target(TargetSpecification(loss="mine.py:loss"), **given)
    keep(rare / "corpus", report(finding(rare_batch(np.float64))))
    again = check_target(TargetSpecification(loss="mine.py:loss"), **given)
    assert (again.digest, again.counts) == (first.digest, first.counts)
    assert (
        check_target(TargetSpecification(loss="mine.py:loss"), corpus="corpus", **FEW).counts.run
        == first.counts.run + 1
    )


def test_the_schema_is_in_each_file(rare: Path) -> None:
    (file,) = (rare / "corpus").iterdir()
    stated = json.loads(file.read_text(encoding="utf-8"))
    assert (stated["schema"], file.name) == (corpus.SCHEMA, f"value-float32-sparse-{stated['digest']}.json")
