"""A run from specification to report."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import xentcheck
from xentcheck.contract import ContractError
from xentcheck.engine.cell_result import CellResult, Tally
from xentcheck.engine.plan import Cell
from xentcheck.engine.reporting import _status
from xentcheck.engine.run import Silent, check_target
from xentcheck.properties.registry import LAWS, UnknownPropertyError
from xentcheck.targets import TargetError, TargetSpecification
from xentcheck.zoo.parts import mean_loss

LOSSES = Path(__file__).with_name("losses.py")
FAST = {"dtypes": ["float64"], "properties": ["answers", "value"]}


def target(name, **options):
    """Return the specification of a function of losses.py, by its path, so that it runs in a worker."""
    return TargetSpecification(loss=f"{LOSSES}:{name}", **options)


def without_times(report):
    """Return a report as JSON types without what differs from run to run."""
    stated = report.as_mapping()
    stated.pop("seconds")
    for result in stated["properties"]:
        result.pop("seconds")
    return stated


def test_conforming_target_is_counted():
    """Every planned batch is run and none is filtered; the value is judged wherever something is promised about it."""
    report = check_target(target("loss"), **FAST)
    counts = report.counts
    assert report.verdict == "conforms"
    assert counts.planned == counts.run + counts.skipped > 100
    assert counts.filtered == counts.findings == 0
    answers, value = (result.examples for result in report.properties)
    assert answers == counts.run
    # Nothing is promised where a difference of two scores leaves the range.
    assert counts.run - 5 < value < counts.run


@pytest.mark.slow
def test_same_seed_same_report():
    """Two runs with one seed are equal to the last digit, batches, findings and grades included."""
    one, other = (check_target(target("summed"), **FAST, seed=7) for _ in range(2))
    assert without_times(one) == without_times(other)


@pytest.mark.slow
def test_jobs_do_not_change_the_verdict():
    """Cells spread over two processes find what one process finds."""
    options = {"properties": ["value"], "seed": 3}
    one, two = (check_target(target("summed"), jobs=jobs, **options) for jobs in (1, 2))
    assert one.verdict == two.verdict == "violates"
    assert [(f.property, f.dtype) for f in one.findings] == [(f.property, f.dtype) for f in two.findings]
    assert one.counts == two.counts


@pytest.mark.slow
def test_finding_has_its_evidence():
    """A finding carries the minimal batch, what came back, the certified interval, and how to run it again."""
    found = check_target(target("summed"), **FAST).findings[0]
    low, high = found.certified
    assert found.minimal
    assert found.batch["scores"]["shape"] == [2, 1] or found.batch["scores"]["shape"] == [2, 2]
    assert low <= high
    assert abs(found.got - low) > found.allowance > 0
    assert found.times > 1
    assert "sum" in found.cause
    assert "losses.py" in found.reproducer


def test_reproducer_runs(capsys):
    """The script of a finding runs on its own and shows the same number."""
    found = check_target(target("summed"), **FAST).findings[0]
    with pytest.raises(SystemExit) as ended:
        exec(compile(found.reproducer, "reproducer", "exec"), {"__name__": "__main__"})
    assert ended.value.code == 1
    assert repr(found.got) in capsys.readouterr().out


def test_fail_fast_stops_at_the_first_finding():
    """With fail_fast one law is found broken, and its batch is reduced all the same."""
    report = check_target(target("summed"), fail_fast=True)
    assert len(report.findings) == 1
    assert report.findings[0].minimal
    assert report.counts.run < 20
    unreached = {law.name: law.why for law in report.properties if law.status == "skipped"}
    assert unreached  # and none of them is said to have had no example among all batches
    assert set(unreached.values()) == {"judging ended before an example of it came"}


@pytest.mark.slow
def test_crash_is_a_finding_with_its_input():
    """A segmentation fault is reported with the batch on which it happens, and the run goes on to its end."""
    report = check_target(target("crashing"), properties=["answers"], dtypes=["float64"])
    assert [found.property for found in report.findings] == ["answers"]
    assert "SIGSEGV" in report.findings[0].title
    assert report.findings[0].batch["scores"]["shape"][0] == 3


@pytest.mark.slow
def test_hang_is_a_finding_with_its_input():
    """A call that does not end is killed at the time limit and reported."""
    limits = {"time_limit": 1.0, "first_time_limit": 2.0}
    report = check_target(target("hanging"), properties=["answers"], dtypes=["float64"], **limits)
    assert "no answer within 1 s" in report.findings[0].title
    assert report.findings[0].batch["scores"]["shape"][0] == 3


def test_nothing_returned_is_a_finding():
    """A target that forgets to return is told so in a sentence."""
    report = check_target(target("nothing"), properties=["answers"], dtypes=["float64"])
    assert "None" in report.findings[0].title


def test_another_signature_cannot_be_used():
    """A callable with another signature is refused before anything is judged."""
    with pytest.raises(TargetError, match=r"cannot be called as loss\(scores, labels\)"):
        check_target(target("one_argument"))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"profile": "fast"}, TargetError, "quick, standard, thorough"),
        ({"properties": ["valeu"]}, UnknownPropertyError, "did you mean 'value'"),
        ({"dtypes": ["float16"]}, ContractError, "is not promised by the contract"),
        ({"dtypes": ["float8"]}, ContractError, "does not exist"),
    ],
)
def test_bad_options_are_one_sentence(options, error, words):
    """Options that do not exist are refused with the ones that do."""
    with pytest.raises(error, match=words):
        check_target(target("loss"), **options)


def test_interrupting_keeps_what_was_found():
    """Ctrl-C during the run gives a report with what had been judged, marked as interrupted."""

    class Impatient(Silent):
        def advance(self, cell_name, done):
            if done == 60:
                raise KeyboardInterrupt

    report = check_target(target("summed"), properties=["value"], progress=Impatient())
    assert report.interrupted
    assert [found.property for found in report.findings] == ["value"]
    assert report.counts.run >= 60


def test_a_broken_law_is_told_once_in_each_cell():
    """While the search goes on, by however many batches it is broken."""
    told = []

    class Telling(Silent):
        def found(self, finding):
            told.append((finding.property, finding.dtype))

    specification = TargetSpecification(loss=lambda z, y: mean_loss(z, y) * len(z))
    report = check_target(specification, properties=["value"], dtypes=["float64", "float32"], progress=Telling())
    assert sorted(told) == [("value", "float32"), ("value", "float64")]
    assert report.verdict == "violates"


def test_after_ctrl_c_the_target_is_asked_nothing():
    """Neither to reduce what was found nor to name its cause."""
    calls = []

    class Impatient(Silent):
        def advance(self, cell_name, done):
            if done == 60:
                calls.clear()
                raise KeyboardInterrupt

    def summed(z, y):
        calls.append(z.shape)
        return mean_loss(z, y) * len(z)

    report = check_target(TargetSpecification(loss=summed), properties=["value"], progress=Impatient())
    assert report.interrupted
    assert [found.property for found in report.findings] == ["value"]
    assert calls == []


def test_interrupted_before_any_finding_is_no_verdict():
    """One batch of many is no proof of anything: the verdict is neither conforms nor nothing-judged."""

    class Impatient(Silent):
        def advance(self, cell_name, done):
            if done == 1:
                raise KeyboardInterrupt

    report = check_target(target("loss"), properties=["value"], progress=Impatient())
    assert (report.verdict, report.conforms, report.counts.run) == ("interrupted", False, 1)
    with pytest.raises(xentcheck.FindingsError, match="INTERRUPTED"):
        report.raise_for_findings()


@pytest.mark.slow
def test_inapplicable_laws_say_why():
    """A law that says nothing about the target is listed with the reason, and not as passed."""
    report = check_target(target("loss"), properties=["gradient"], dtypes=["float64"])
    assert {(result.status, result.why) for result in report.properties} == {
        ("not-applicable", "the target offers no gradient")
    }
    assert {(result.examples, result.seconds) for result in report.properties} == {(0, 0.0)}
    assert report.verdict == "nothing-judged"


@pytest.mark.slow
def test_contract_file_keys_reach_the_target():
    """A contract changes what is judged: the sum is right where a sum is promised."""
    report = check_target(target("summed", changes={"reduction": "sum"}), **FAST)
    assert report.verdict == "conforms"


@pytest.mark.slow
def test_all_laws_are_reported():
    """Without a choice of properties every law appears in the report, judged or with a reason."""
    report = check_target(target("loss"), dtypes=["float64"])
    assert {result.name for result in report.properties} == {law.name for law in LAWS}


def test_callable_in_this_process():
    """The Python door judges a closure, and refuses to send one to other processes."""
    import numpy as np

    scale = 2.0
    report = xentcheck.check(
        lambda logits, labels: np.float64(scale), properties=["value"], dtypes=["float64"], fail_fast=True
    )
    assert report.verdict == "violates"
    with pytest.raises(xentcheck.FindingsError, match="law 1"):
        report.raise_for_findings()
    with pytest.raises(TargetError, match="jobs=1"):
        xentcheck.check(lambda logits, labels: 0.0, jobs=2)


@pytest.mark.slow
def test_report_round_trip():
    """What is written as JSON is read back equal."""
    report = check_target(target("summed"), **FAST)
    again = type(report).from_json(report.to_json())
    assert dataclasses.asdict(again)["findings"] == dataclasses.asdict(report)["findings"]


@pytest.mark.slow
def test_the_progress_is_told_about_how_many_batches_come():
    """Before the first one, near enough for a bar, with two label forms whose sweeps differ."""
    totals = []

    class Told(Silent):
        def start(self, total):
            totals.append(total)

    both = target("loss", changes={"labels": ["sparse", "onehot"]})
    report = check_target(both, dtypes=["float64"], properties=["precision"], progress=Told())
    assert totals == [pytest.approx(report.counts.planned, rel=0.1)]


@pytest.mark.parametrize(("result", "early"), [({"run": 2, "skipped": 1}, False), ({"run": 2, "left": True}, True)])
def test_a_batch_outside_the_domain_does_not_end_the_judging(result, early):
    """A law without an example is said to be idle where all was tried, batches that were left out included."""
    cell = CellResult(Cell("float64", "sparse"), planned=3, answered=2, **result)
    assert _status(Tally(LAWS[0]), cell) == (
        "skipped",
        "judging ended before an example of it came" if early else LAWS[0].idle,
    )


def test_a_dtype_kept_of_the_first_call_is_found():
    """The first call is in the narrowest dtype, so that the others are calculated in it."""
    kept = []

    def loss(scores, labels):
        kept.append(scores.dtype)
        d = (scores - scores.max(axis=1, keepdims=True)).astype(kept[0])
        return (np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(d)), labels]).mean().astype(scores.dtype)

    report = check_target(TargetSpecification(loss=loss), properties=("value",), fail_fast=True)
    assert [(found.property, found.dtype) for found in report.findings] == [("value", "float64")]
