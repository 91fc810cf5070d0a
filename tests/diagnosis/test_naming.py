"""The mechanism of a finding: events by themselves, kept state by asking again, numbers by several batches."""

from __future__ import annotations

import dataclasses
import sys
from types import ModuleType
from typing import Any
from zlib import crc32

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract
from xentcheck.diagnosis import Diagnosis, Observation
from xentcheck.diagnosis.events import event
from xentcheck.diagnosis.evidence import _observation
from xentcheck.diagnosis.mechanism import common_cause
from xentcheck.diagnosis.nearby_batches import variations
from xentcheck.engine.order import capabilities_of
from xentcheck.properties.case import Case
from xentcheck.properties.law import Violation
from xentcheck.properties.registry import choose
from xentcheck.report.finding import Finding
from xentcheck.targets import TargetSpecification, open_host
from xentcheck.truth.problem import pose
from xentcheck.zoo.parts import mean_gradient, mean_loss, row_losses

BATCH = Batch(np.array([[0.5, -1.0, 2.0]]), np.array([2]))


def first_finding(loss: Any, **contract: Any) -> Finding:
    contract.setdefault("dtypes", ["float64"])
    contract.setdefault("labels", ["sparse"])
    report = xentcheck.check(loss, contract=contract, fail_fast=True)
    return report.findings[0]


def bounds_in_the_dtype_of_labels(z: Any, y: Any) -> Any:
    """A gather that holds labels against the number of classes in their own dtype, in which 257 is 1 for uint8."""
    inside = y < np.asarray(z.shape[1]).astype(y.dtype)
    return np.where(inside, row_losses(z, y), np.inf)


def test_a_dtype_of_labels_that_does_not_hold_the_number_of_classes_is_the_cause() -> None:
    """The class that the minimal batch happens to have is not; the same labels in int64 are answered rightly."""
    contract = {"reduction": "none", "dtypes": ["float64"], "label_dtypes": ["int64", "uint8"]}
    report = xentcheck.check(bounds_in_the_dtype_of_labels, contract=contract, properties=["label-forms"])
    assert {one.mechanism for one in report.findings} == {"label_dtype"}
    assert "int64" in report.findings[0].cause
    assert "cannot hold" in report.findings[0].cause


def test_labels_that_are_taken_for_a_mask_are_not_said_to_overflow() -> None:
    """As torch takes an index of uint8: of two rows and three classes the dtype holds all there is to count."""

    def loss(z: Any, y: Any) -> Any:
        return row_losses(z, np.where(y != 0, 1, 0) if y.dtype == np.uint8 and z.shape[1] > 1 else y)

    contract = {"reduction": "none", "dtypes": ["float64"], "label_dtypes": ["int64", "uint8"]}
    report = xentcheck.check(loss, contract=contract, properties=["label-forms"])
    assert [one.mechanism for one in report.findings] == ["label_dtype"]
    assert "a mask" in report.findings[0].cause
    assert "cannot hold" not in report.findings[0].cause


@pytest.mark.parametrize("of", ["hessian_vector", "upstream"])
def test_what_is_derived_by_such_labels_has_the_cause_that_its_loss_has(of: str) -> None:
    """And no mistake of a second derivative, such as that it is not divided: the loss is wrong by them, too."""

    def loss(z: Any, y: Any) -> Any:  # -100 is 156 in uint8, and 2 rows are counted as 1
        return row_losses(z, y).sum() / np.count_nonzero(y != np.array(-100).astype(y.dtype))

    labels = np.array([0, 156], np.uint8)
    batch = Batch(np.zeros((2, 157)), labels)
    contract = Contract(ignore_index=-100, mean_over="kept", label_dtypes=("int64", "uint8"))
    with open_host(TargetSpecification(loss=loss, contract=contract)) as host:
        diagnosis = Diagnosis(contract, lambda one: Case(contract, capabilities_of(host), host, one))
        part = "hessian_vector" if of == "hessian_vector" else "gradient"
        upstream = np.array(2.0) if of == "upstream" else None
        violation = Violation("twice", batch, f"{part}[0, 0]", upstream=upstream)
        (law,) = choose(["second-order"])
        assert diagnosis._right_by_plain_labels(law, violation, part)
        right = Batch(np.zeros((2, 157)), np.array([0, 15], np.uint8))
        assert not diagnosis._right_by_plain_labels(law, dataclasses.replace(violation, batch=right), part)


def test_what_is_derived_by_rows_of_labels_in_their_own_dtype_has_that_cause() -> None:
    """A Hessian-vector product, too: -t wraps round in uint8, and the loss of the same batch is wrong by it."""

    def loss(z: Any, t: Any) -> Any:
        d = z - z.max(axis=1, keepdims=True)
        return (-t * (d - np.log(np.exp(d).sum(axis=1, keepdims=True)))).sum(axis=1).mean()

    batch = Batch(np.array([[1.0, 0.0]]), np.array([[1, 0]], np.uint8), "onehot")
    contract = Contract(labels=("onehot",))
    with open_host(TargetSpecification(loss=loss, contract=contract)) as host:
        diagnosis = Diagnosis(contract, lambda one: Case(contract, capabilities_of(host), host, one))
        violation = Violation("by a direction", batch, "hessian_vector[0, 1]")
        (law,) = choose(["second-order"])
        assert diagnosis._right_by_plain_labels(law, violation, "hessian_vector")
        plain = batch.replace(labels=batch.labels.astype(np.float64))
        assert not diagnosis._right_by_plain_labels(law, dataclasses.replace(violation, batch=plain), "hessian_vector")


@pytest.mark.parametrize(
    ("law", "title", "got", "mechanism"),
    [
        ("purity", "the scores that were passed in were overwritten", "scores-changed", "scores-changed"),
        ("answers", "the process running the target ended: exit status 3", "exit status 3", "crash"),
        ("answers", "the process running the target ended: no answer within 10 s", "no answer within 10 s", "hang"),
        ("bad-input", "a label of -1 is not refused: the target returns 0.5", "returns 0.5", "bad_input_accepted"),
        ("layout", "the loss has shape (1,), but must have ()", None, "wrong_shape"),
        ("precision", "the loss is of integer dtype int64", "int64", "output_dtype"),
    ],
)
def test_events_name_themselves(law: str, title: str, got: Any, mechanism: str) -> None:
    """What is no wrong number has a mechanism and a sentence too."""
    cause = event(law, Violation(title, BATCH, got=got))
    assert cause is not None
    assert cause.mechanism == mechanism
    assert len(cause.sentence) > 20


def test_a_dtype_that_is_no_real_number_is_named() -> None:
    """The title says which; the sentence does, too."""
    title = "the loss has dtype complex64, but must be a real floating-point number"
    cause = event("layout", Violation(title, BATCH, "loss"))
    assert cause is not None
    assert "converted to complex64" in cause.sentence


@pytest.mark.parametrize(
    "said",
    [
        "RuntimeError: unsupported operation: more than one element of the written-to tensor refers to a single memory "
        "location. Please clone() the tensor before performing the operation.",
        "ValueError: output array is read-only",
        "ValueError: assignment destination is read-only",
    ],
)
def test_a_refusal_to_write_into_the_scores_is_the_operation_in_place(said: str) -> None:
    """Where they lie so that nothing may be written; the same words of an ordinary array are not about them."""
    title = f"the target raised from its loss: {said}"
    cause = event("answers", Violation(title, BATCH.replace(layout="broadcast"), got=said))
    assert cause is not None
    assert cause.mechanism == "scores-changed"
    assert event("answers", Violation(title, BATCH, got=said)) is None


def test_numbers_are_no_event() -> None:
    """A wrong value has to be looked at."""
    assert event("value", Violation("the loss is outside its allowance", BATCH, "loss", got=1.0)) is None


def test_a_finding_has_key_and_sentence() -> None:
    """The report of a run says what the self-test says."""
    found = first_finding(lambda z, y: row_losses(z, y).sum())
    assert found.mechanism == "sum_for_mean"
    assert "sum where the contract says mean" in found.cause


def test_several_batches_tell_what_one_cannot() -> None:
    """On two classes a division by m halves; what halves on three as well is not a division by m."""
    assert first_finding(lambda z, y: mean_loss(z, y) / 2).mechanism == "halved"
    assert first_finding(lambda z, y: mean_loss(z, y) / z.shape[1]).mechanism == "divided_by_m"


def test_a_factor_is_fitted() -> None:
    """A factor that no list holds is found where it is the same on all batches."""
    found = first_finding(lambda z, y: mean_loss(z, y) * 1.2345)
    assert found.mechanism == "scaled"
    assert "1.2345" in found.cause


class Remembers:
    """Adds a little of the loss before."""

    def __init__(self) -> None:
        self.before = 0.0

    def loss(self, z: Any, y: Any) -> Any:
        """Return the mean loss and a part of the one before."""
        value, self.before = mean_loss(z, y) + self.before / 8, float(mean_loss(z, y))
        return value


class Draws:
    """Adds noise."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)

    def loss(self, z: Any, y: Any) -> Any:
        """Return the mean loss, a little off."""
        return mean_loss(z, y) * (1 + 1e-9 * self.random.standard_normal())


@pytest.mark.parametrize("imported", ["nothing", "jax"])
def test_state_and_chance_are_told_apart(imported: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fresh instance answers rightly is kept state; what is other each time is chance.

    Where a framework has been imported, a trial call finds out whether the target is of it: that leaves no state.
    """
    for framework in ("jax", "torch"):
        monkeypatch.delitem(sys.modules, framework, raising=False)
    monkeypatch.setitem(sys.modules, imported, ModuleType(imported))
    assert first_finding(Remembers).mechanism == "state_kept"
    assert first_finding(Draws).mechanism == "nondeterministic"


def test_memory_order_is_named() -> None:
    """An array read in its memory order is right in C order."""
    found = first_finding(lambda z, y: mean_loss(z.ravel(order="K").reshape(z.shape), y))
    assert found.mechanism == "memory_order"


def wrong_by_chance(z: Any, y: Any) -> Any:
    """Off for one batch in three, by its numbers and strides, whatever their order is."""
    return mean_loss(z, y) * (1 + 1e-9 * (crc32(z.tobytes() + repr(z.strides).encode()) % 3 == 0))


def test_what_is_as_by_chance_is_no_wrong_order() -> None:
    """The same numbers in C order happen to be answered rightly, and those near them are not all."""
    contract = {"dtypes": ["float64"], "labels": ["sparse"]}
    found = xentcheck.check(wrong_by_chance, contract=contract, properties=["layout"]).findings
    assert found
    assert not any(one.mechanism for one in found)


def exponentiates_as_it_is(z: Any, y: Any) -> Any:
    """The gradient of the mean, by exponentials of the logits as they are: nan in rows in which one overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        g = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    g[np.arange(len(g)), np.ravel(y)] -= 1
    return g / max(len(g), 1)


def test_rows_of_nan_beside_right_ones_tell_the_cause() -> None:
    """No finite number is wrong in float64, but a mistake foretells which rows are nan."""
    contract = {"dtypes": ["float64"], "labels": ["sparse"], "label_dtypes": ["int64"]}
    report = xentcheck.check(mean_loss, exponentiates_as_it_is, contract, properties=["gradient", "finite", "shift"])
    assert [one.mechanism for one in report.findings] == ["no_maximum"]


def test_a_rounding_error_that_depends_on_memory_is_no_wrong_order() -> None:
    """Off by 100 roundings where memory is not in C order: no array read wrongly is so near the right number."""
    found = first_finding(lambda z, y: mean_loss(z, y) * (1 if z.flags.c_contiguous else 1 + 100 * 2.0**-53))
    assert found.times is not None
    assert 1 < found.times < 10
    assert found.mechanism == "sum_in_memory_order"


def test_right_answers_refute() -> None:
    """Of two mechanisms that explain a wrong answer, the one that a right answer speaks against comes second."""

    def seen(z: Any, y: Any, got: float) -> Observation:
        return Observation(pose(xentcheck.Contract(), np.array(z), np.array(y), "sparse", {}), "loss", got)

    # With two classes a division by m and one by 2 are the same.
    wrong = seen([[0.5, -1.0]], [0], float(mean_loss(np.array([[0.5, -1.0]]), np.array([0]))) / 2)
    z, y = np.array([[0.5, -1.0, 0.25]]), np.array([0])
    alone, beside = common_cause([wrong]), common_cause([wrong], [seen(z, y, float(mean_loss(z, y)) / 2)])
    assert alone is not None
    assert beside is not None
    assert (alone.mechanism, beside.mechanism) == ("divided_by_m", "halved")


def test_a_finding_survives_a_fault_in_naming_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It then has no cause, and the report says why."""

    def fails(*given: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Diagnosis, "cause", fails)
    contract = {"labels": ["sparse"], "dtypes": ["float64"]}
    report = xentcheck.check(lambda z, y: 2 * mean_loss(z, y), contract=contract, fail_fast=True)
    assert (report.findings[0].mechanism, report.findings[0].cause) == ("", "")
    assert "a fault of xentcheck in naming the cause of a finding: ZeroDivisionError()" in report.observations


def test_variations_of_narrow_labels() -> None:
    """Labels in int8 of 257 classes are varied only as far as int8 goes; nothing wraps."""
    batch = Batch(np.zeros((2, 257)), np.array([127, 0], np.int8))
    for changed in variations(xentcheck.Contract(), batch, False):
        assert changed.labels.dtype == np.int8
        assert (changed.labels >= 0).all()
    few = list(variations(xentcheck.Contract(), Batch(np.zeros((2, 5)), np.array([4, 0], np.int8)), False))
    assert any(np.array_equal(changed.labels, [0, 4]) for changed in few)
    assert any(np.array_equal(changed.labels, [0, 1]) for changed in few)


def test_nothing_is_named_of_what_is_right() -> None:
    """No wrong answer, no cause."""
    z, y = np.array([[0.5, -1.0, 0.25]]), np.array([0])
    problem = pose(xentcheck.Contract(), z, y, "sparse", {})
    assert common_cause([Observation(problem, "loss", mean_loss(z, y))]) is None
    assert common_cause([Observation(problem, "gradient", mean_gradient(z, y))]) is None


@pytest.mark.parametrize(
    ("contract", "scores", "labels", "form"),
    [
        ({}, [[0.5, 0.25, 3.0], [-1.0, 2.0, 0.0]], [2, 0], "sparse"),
        ({"input": "probabilities"}, [[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]], [2, 0], "sparse"),
        ({"input": "log_probabilities"}, [np.log([0.5, 0.25, 0.25]), np.log([0.125, 0.125, 0.75])], [2, 0], "sparse"),
        ({"labels": ["soft"]}, [[0.5, 0.25, 3.0]], [[0.5, 0.5, 0.0]], "soft"),
        ({"domain": {"magnitude": 3.0}}, [[3.0, -3.0, 3.0], [3.0, 2.5, -3.0]], [2, 0], "sparse"),
    ],
)
def test_variations_are_valid_and_several(contract: dict[str, Any], scores: Any, labels: Any, form: str) -> None:
    """What a contract does not admit is left out, and no more than that."""
    declared = xentcheck.Contract.from_mapping(contract)
    batch = Batch(np.array(scores), np.array(labels), form)
    found = list(variations(declared, batch, False))
    # Three with other scores, unless these are log-probabilities, and two with other places, in the domain.
    assert len(found) == (2 if declared.input == "log_probabilities" or declared.domain else 5)
    assert not any(objection(InputSpace(declared, "float64", form), changed) for changed in found)
    assert all(changed.scores.shape == batch.scores.shape for changed in found)


def test_variations_leave_ignored_rows_ignored() -> None:
    """The ignored label stays where it is, be it a class or none; other labels change."""
    for ignored, given in ((-100, 2), (1, 2), (7, 0)):
        batch = Batch(np.zeros((3, 3)), np.array([given, ignored, 0]))
        found = list(variations(xentcheck.Contract(ignore_index=ignored), batch, False))
        assert all(changed.labels[1] == ignored for changed in found)
        assert any(changed.labels[0] != given for changed in found)


def test_two_classes_have_variations_of_their_own() -> None:
    """Reversed, and with the other label; one class has none but other scores."""
    two = list(variations(xentcheck.Contract(), Batch(np.array([[3.0, 0.0]]), np.array([0])), False))
    assert any(np.array_equal(changed.scores, [[0.0, 3.0]]) for changed in two)
    assert any(np.array_equal(changed.labels, [1]) for changed in two)
    one = list(variations(xentcheck.Contract(), Batch(np.array([[3.0]]), np.array([0])), False))
    assert {int(changed.labels[0]) for changed in one} == {0}


def test_a_batch_that_poses_no_problem_is_no_evidence() -> None:
    """Labels that are no numbers name no cause, and end no run."""
    assert _observation(xentcheck.Contract(), Batch(np.zeros((1, 2)), np.array(["a"])), "loss", 0.5) is None
    assert _observation(xentcheck.Contract(), Batch(np.zeros((1, 2)), np.array([0])), "loss", 0.5) is not None


@pytest.mark.slow
def test_another_cotangent_tells_a_mean_from_zeros_where_the_sum_is_zero() -> None:
    """[-1, 1] has the mean 0; that all others are answered rightly is no mean of them."""

    def vjp(scores: Any, labels: Any, upstream: Any) -> Any:
        gradient = mean_gradient(scores, labels) * len(scores)
        return gradient * upstream[:, None] * (upstream.sum() != 0)

    def averaged(scores: Any, labels: Any, upstream: Any) -> Any:
        return mean_gradient(scores, labels) * len(scores) * (upstream.mean() if len(upstream) else 0.0)

    told = []
    for wrong in (vjp, averaged):
        target = {"loss": row_losses, "vjp": wrong, "contract": {"reduction": "none", "dtypes": ["float64"]}}
        report = xentcheck.check(**target, properties=["vjp-linearity"], fail_fast=True)
        told.append(report.findings[0].mechanism)
    assert told[0] != "upstream_mean"
    assert told[1] == "upstream_mean"
