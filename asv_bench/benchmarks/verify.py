"""What a verdict costs."""

from __future__ import annotations

import time
from functools import lru_cache

import numpy as np

from . import subject
from .data import SMOKE
from .planted import PLANTED


class Verdicts:
    """Judging the reference by all laws, in one dtype."""

    params = (("float32", "float64"),)
    param_names = ("dtype",)
    unit = "seconds"
    timeout = 600

    def track_seconds_per_1000_batches(self, dtype):
        check = subject.named("xentcheck", "check")
        target = subject.named("xentcheck.reference", "loss"), subject.named("xentcheck.reference", "gradient")
        start = time.perf_counter()
        report = check(*target, profile="quick", dtypes=[dtype], properties=["value"] if SMOKE else None)
        seconds = time.perf_counter() - start
        return 1000.0 * seconds / report.counts.run


class Contracts:
    """A full verdict in quick under one contract each: the goal is 6 s for a target that has a name.

    Processor time of this process, in which truth and laws are; the target's own process is not in it.
    """

    params = (("reference", "reference.summed_guarded", "reference.averaged_clipped", "scipy.special.log_softmax"),)
    param_names = ("target",)
    unit = "seconds"
    timeout = 600

    def track_seconds(self, target):
        check = subject.named("xentcheck", "check")
        start = time.process_time()
        report = check(target, profile="quick", properties=["value"] if SMOKE else None)
        seconds = time.process_time() - start
        if report.verdict != "conforms":
            raise AssertionError(f"{target} {report.verdict}")
        return seconds


class RightSpecimens:
    """The same of right specimens of the zoo whose contracts are unusual: the goal is 10 s each."""

    params = (
        ("every_option", "every_label_form_with_options", "soft_cap_with_z_loss", "vjp_of_a_mean", "masked_logits"),
    )
    param_names = ("specimen",)
    unit = "seconds"
    timeout = 600

    def track_seconds(self, specimen):
        examine = subject.named("xentcheck.selftest.examination", "examine")
        known = {one.name: one for one in subject.named("xentcheck.zoo", "RIGHT")}
        if specimen not in known:
            raise NotImplementedError(f"the zoo of this commit has no {specimen}")
        start = time.process_time()
        found = examine(known[specimen], properties=["value"] if SMOKE else None)
        seconds = time.process_time() - start
        if found.first is not None:
            raise AssertionError(f"{specimen} was failed")
        return seconds


class Finding:
    """Seconds until the first finding against a planted mistake, reduced to its smallest batch."""

    params = (tuple(PLANTED),)
    param_names = ("mistake",)
    unit = "seconds"
    timeout = 300

    def track_seconds(self, mistake):
        check = subject.named("xentcheck", "check")
        start = time.perf_counter()
        with np.errstate(all="ignore"):
            report = check(PLANTED[mistake], profile="quick", fail_fast=True)
        seconds = time.perf_counter() - start
        if report.verdict != "violates":
            raise AssertionError(f"the planted mistake {mistake!r} was not found")
        return seconds


@lru_cache(maxsize=1)
def _question(shape):
    """Return a problem with the reference's answers to it."""
    rows, classes = map(int, shape.split("x"))
    random = np.random.default_rng(3)
    logits, labels = 3.0 * random.standard_normal((rows, classes)), random.integers(0, classes, rows)
    contract = subject.named("xentcheck.contract", "Contract")()
    problem = subject.named("xentcheck.truth.problem", "pose")(contract, logits, labels, "sparse")
    answer = {part: np.asarray(getattr(subject, part)("sparse")(logits, labels)) for part in ("loss", "gradient")}
    return problem, answer


class CertifiedVerdict:
    """Enclosing loss and gradient of a float64 batch, and holding an answer against them."""

    params = (("8x10", "64x1000", "1x32768"),)
    param_names = ("shape",)
    repeat = (3, 10, 1.0)

    def time_verdict(self, shape):
        problem, answer = _question(shape)
        enclosed = subject.named("xentcheck.truth.enclose", "enclose")(problem)
        conditions = subject.named("xentcheck.truth.conditions", "conditions")(problem)
        allowances = subject.named("xentcheck.truth.allowance", "conformance")(problem, conditions)
        hold = subject.named("xentcheck.truth.verdict", "hold")
        for part, got in answer.items():
            hold(problem, part, got, getattr(enclosed, part), getattr(allowances, part))


@lru_cache(maxsize=1)
def _worker(shape):
    """Return a host whose process has started, and a batch; the process ends when this one does."""
    rows, classes = map(int, shape.split("x"))
    random = np.random.default_rng(3)
    batch = subject.named("xentcheck.batches.batch", "Batch")(
        random.standard_normal((rows, classes)), random.integers(0, classes, rows)
    )
    specification = subject.named("xentcheck.targets", "TargetSpecification")(loss="reference")
    host = subject.named("xentcheck.targets", "open_host")(specification)
    host.evaluate(batch)
    return host, batch


class Worker:
    """One evaluation of a target in its own process: there and back."""

    params = (("8x10", "64x1000"),)
    param_names = ("shape",)
    repeat = (3, 10, 1.0)

    def time_round_trip(self, shape):
        host, batch = _worker(shape)
        host.evaluate(batch)

    def time_twelve_together(self, shape):
        host, batch = _worker(shape)
        question = subject.named("xentcheck.targets.question", "Question")(batch)
        for _ in host.evaluate_each([question] * 12):
            pass
