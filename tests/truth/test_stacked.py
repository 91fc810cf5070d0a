"""Problems worked on as one: allowances are those that each has by itself, enclosures hold what those do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.problem import Problem, pose
from xentcheck.truth.stacked import LARGEST, allowances_of, enclosed_of, stacks

SOFT = {"labels": ["soft"], "soft_rows": "any"}
PROBABLE = {"input": "probabilities", "gradient_wrt": "probabilities"}
CONTRACTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "B+": {"accuracy": "B+", "nonfinite": ["-inf", "+inf", "nan"]},
    "C, sum": {"accuracy": "C", "reduction": "sum"},
    "A": {"accuracy": "A"},
    "mean": {"reduction": "mean", "gradient_reduction": "mean"},
    "mean over kept": {"reduction": "mean", "mean_over": "kept", "ignore_index": 1},
    "mean over weights": {"reduction": "mean", "mean_over": "weights", "class_weights": [0.5, 3.0, 1.25, 2.0]},
    "row weights": {"row_weights": {"argument": "v"}, "reduction": "mean"},
    "soft": {**SOFT, "reduction": "sum"},
    "one-hot, float16 labels": {"labels": ["onehot"], "dense_label_dtypes": ["float16"]},
    "smoothed": {"label_smoothing": 0.25, "reduction": "none"},
    "smoothed, soft": {**SOFT, "label_smoothing": 0.25, "smoothing_over": "others", "reduction": "none"},
    "smoothed, mean": {"label_smoothing": 0.25, "reduction": "mean"},
    "z-loss": {"z_loss": 0.5, "reduction": "mean"},
    "soft cap": {"soft_cap": 30.0},
    "temperature": {"temperature": 3.0, "reduction": "sum"},
    "divisor": {"divisor": 7.0, "reduction": "sum"},
    "probabilities, add": {**PROBABLE, "boundary": {"add": 1e-7}},
    "probabilities, clip": {"input": "probabilities", "boundary": {"clip": [1e-7, 0.9999999]}, "reduction": "mean"},
    "log-probabilities": {"input": "log_probabilities", "gradient_wrt": "log_probabilities", "reduction": "mean"},
    "entropy": {"output": "entropy"},
    "float16 output": {"output_dtype": "float16", "reduction": "mean"},
}


def problems_of(contract: Contract, dtype: str, upstream: bool = False) -> list[Problem]:
    """Return problems such as laws derive: other orders of the rows and the classes, some rows, none, other numbers."""
    random = np.random.default_rng(5)
    scores = random.standard_normal((5, 4)) * [[1.0], [30.0], [100.0], [3.0], [0.1]]
    labels: np.ndarray[Any, Any] = np.array([2, 0, 1, 3, 0])
    form = contract.labels[0]
    if form == "onehot":
        labels = np.eye(4)[labels]
    elif form == "soft":
        labels = random.uniform(0.0, 1.5, (5, 4)) * (random.random((5, 4)) < 0.7)
    dense = contract.promised_dense_dtypes[0]
    label_dtype = np.int64 if form == "sparse" else dtype if dense == "same" else dense
    found = []
    for rows in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2], [0, 1, 2, 3, 4] * 2, [], [3, 1]):
        for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
            chosen = scores[rows][:, order] * random.choice([1.0, 40.0, 1e-3])
            if contract.input != "logits":
                chosen = np.exp(chosen - chosen.max(axis=1, keepdims=True, initial=-1e3))
                chosen /= chosen.sum(axis=1, keepdims=True)
            if contract.input == "log_probabilities":
                chosen = np.log(np.maximum(chosen, 1e-300))
            if contract.nonfinite and len(rows) > 1:
                chosen[0, 1], chosen[1, 0] = -np.inf, random.choice([np.nan, np.inf, 2.0])
            options = {"row_weights": random.uniform(0.0, 3.0, len(rows))} if contract.arguments else {}
            given = {"upstream": random.standard_normal(len(rows))} if upstream else {}
            with np.errstate(all="ignore"):
                cast = chosen.astype(dtype)
            found.append(pose(contract, cast, labels[rows].astype(label_dtype), form, options, **given))
    return found


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("name", CONTRACTS)
def test_allowances_are_those_of_each_problem(name: str, dtype: str) -> None:
    problems = problems_of(Contract(**CONTRACTS[name]), dtype)
    seen: list[int] = []
    for places, stack in stacks(problems):
        members = [problems[place] for place in places]
        for problem, (on, found) in zip(members, allowances_of(stack, members, True), strict=True):
            own = conformance(problem, conditions(problem))
            for part in ("rows", "loss", "loss_estimate", "gradient", "gradient_estimate"):
                np.testing.assert_array_equal(getattr(found, part), getattr(own, part), err_msg=part)
            assert on.problem is problem
            for kept in ("L", "magnitude", "unjudged", "gap", "d"):
                np.testing.assert_array_equal(getattr(on, kept), getattr(conditions(problem), kept), err_msg=kept)
        seen += places
    assert len(seen) > len(problems) / 2


@pytest.mark.parametrize("name", CONTRACTS)
def test_enclosures_hold_what_those_of_each_problem_do(name: str) -> None:
    problems = problems_of(Contract(**CONTRACTS[name]), "float64")
    known = 0
    for places, stack in stacks(problems):
        members = [problems[place] for place in places]
        for problem, found in zip(members, enclosed_of(stack, members, True), strict=True):
            own, allowances = enclose(problem), conformance(problem, conditions(problem))
            for part in ("rows", "loss", "gradient"):
                one, other = getattr(found, part), getattr(own, part)
                known += int(np.isfinite(one.radius).sum())
                with np.errstate(invalid="ignore"):
                    apart = np.abs((one.hi - other.hi) + (one.lo - other.lo))
                    same = (one.hi == other.hi) | (np.isnan(one.hi) & np.isnan(other.hi)) | np.isinf(one.radius)
                    assert np.all(same | (apart <= one.radius + other.radius)), part
                    small = np.maximum(2.0**-10 * getattr(allowances, part), 4.0 * other.radius)
                    assert np.all(np.isinf(one.radius) | (one.radius <= small)), part
            assert found.unspecified == own.unspecified
    assert known > 100


def test_cotangents_are_of_their_batch() -> None:
    problems = problems_of(Contract(), "float32", upstream=True)
    for places, stack in stacks(problems):
        members = [problems[place] for place in places]
        for problem, (_, found) in zip(members, allowances_of(stack, members, True), strict=True):
            np.testing.assert_array_equal(found.gradient, conformance(problem, conditions(problem)).gradient)
        for problem, enclosed in zip(members, enclosed_of(stack, members, True), strict=True):
            own = enclose(problem).gradient
            assert own is not None
            assert enclosed.gradient is not None
            np.testing.assert_allclose(enclosed.gradient.hi, own.hi, rtol=1e-15)


DIFFERENT: dict[str, tuple[dict[str, Any], Any]] = {
    "format": ({}, FORMATS["float16"]),
    "class_weights": ({"class_weights": [2.0, 1.0, 1.0, 0.5]}, np.array([0.5, 3.0, 1.25, 2.0])),
    "row_weights": ({}, np.array([2.0, 0.5])),
    "smoothing": ({}, 0.5),
    "z_loss": ({}, 0.25),
    "soft_cap": ({}, 2.0),
    "temperature": ({}, 3.0),
    "divisor": ({"reduction": "sum"}, 5.0),
    "label_roundoff": (SOFT, 2.0**-11),
    "gradient_as_scores": ({"output_dtype": "float64", "compute": "float64", "dtypes": ["float32"]}, True),
    "upstream": ({}, np.array([3.0, -0.5])),
}


@pytest.mark.parametrize("field", DIFFERENT)
def test_what_differs_in_more_than_its_rows_does_not_take_part_in_what_is_done_once(field: str) -> None:
    """The allowances of a problem beside another one that differs in one field are its own, whichever comes first."""
    keys, value = DIFFERENT[field]
    contract = Contract(**{"dtypes": ["float64"], "reduction": "none", **keys})
    scores, form = np.array([[0.3, -1.2, 2.0, 0.1], [5.0, 4.0, 1.0, 0.0]]), contract.labels[0]
    labels = np.array([2, 0]) if form == "sparse" else np.array([[0.5, 0.25, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0]])
    one = pose(contract, scores.astype(contract.dtypes[0]), labels, form)
    other = replace(one, **{field: value})
    apart = [conformance(problem, conditions(problem)) for problem in (one, other)]
    assert any((getattr(apart[0], part) != getattr(apart[1], part)).any() for part in ("loss", "gradient"))
    for pair, own in (([one, other], apart), ([other, one], apart[::-1])):
        for places, stack in stacks(pair):
            members = [pair[place] for place in places]
            found, losses = (allowances_of(stack, members, gradient) for gradient in (True, False))
            for (_, allowances), (_, lone), alone in zip(found, losses, own, strict=True):
                np.testing.assert_array_equal(allowances.loss, alone.loss)
                np.testing.assert_array_equal(lone.loss, alone.loss)
                np.testing.assert_array_equal(allowances.gradient, alone.gradient)


def test_large_and_odd_problems_are_not_stacked() -> None:
    z, y = np.zeros((2, 3)), np.array([0, 1])
    alike = [pose(Contract(), z, y, "sparse") for _ in range(2)]
    other = pose(Contract(), z[:, :2], y, "sparse")
    large = [pose(Contract(), np.zeros((LARGEST, 3)), np.zeros(LARGEST, int), "sparse") for _ in range(2)]
    assert [places for places, _ in stacks([*alike, other, *large])] == [[0, 1]]


@pytest.mark.parametrize(
    ("keys", "further"),
    [
        ({}, {"vector": np.ones((2, 3))}),
        ({}, {"tangent": np.ones((2, 3))}),
        ({"soft_cap": 5.0}, {"upstream": np.ones(2)}),
        ({"class_weights": [1.0, 2.0, 0.5], "label_smoothing": 0.25}, {}),
    ],
)
def test_what_is_calculated_of_more_than_a_row_is_not_stacked(keys: dict[str, Any], further: dict[str, Any]) -> None:
    z, y = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0]]), np.array([0, 1])
    problem = pose(Contract(reduction="none", **keys), z, y, "sparse", **further)
    assert not list(stacks([problem, problem]))


def test_a_stack_has_a_limit() -> None:
    """As many as stay in the cache, and the rest of them together; what is left over alone is not stacked."""
    problems = [pose(Contract(), np.zeros((LARGEST // 4, 4)), np.zeros(LARGEST // 4, int), "sparse") for _ in range(11)]
    assert [places for places, _ in stacks(problems)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    assert [places for places, _ in stacks(problems[:9])] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_sums_that_leave_the_range_are_those_of_one_batch() -> None:
    """The sum over all classes and rows, before it is multiplied by what smoothing gives each class."""
    contract = Contract(label_smoothing=0.25, reduction="mean", dtypes=["float32"])
    rows = np.array([[8e37, 0.0, 0.0]] * 5, np.float32)
    problems = [pose(contract, rows[:n], np.zeros(n, int), "sparse") for n in (1, 5, 0, 1)]
    ((places, stack),) = stacks(problems)
    bounded = [bool(np.isfinite(found.loss)) for _, found in allowances_of(stack, problems, True)]
    assert places == [0, 1, 2, 3]
    assert bounded[:2] == [True, False]
    assert bounded[3]
    assert bounded == [bool(np.isfinite(conformance(one, conditions(one)).loss)) for one in problems]
