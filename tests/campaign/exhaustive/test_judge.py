"""The fast judge says of every pair what `truth` says of it, and finds and counts what is planted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.campaign.exhaustive.conftest import Opening, exactly
from xentcheck.campaign.exhaustive import run
from xentcheck.campaign.exhaustive.exact import Pairs, judge
from xentcheck.campaign.exhaustive.judge import Row
from xentcheck.campaign.exhaustive.pairs import PATTERNS, position_of
from xentcheck.campaign.exhaustive.subject import Subject
from xentcheck.campaign.exhaustive.tally import SIDE, Tally
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.values import gradient, value
from xentcheck.targets.outcome import Outcome
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions

SCATTERED = """
def noise(logits):
    mixed = bits(logits) @ np.array([40503, 30011]) % 65537
    return (mixed / 32768.0 - 1.0) * SPREAD


def loss(logits, labels):
    exact = softplus(logits, labels)
    with np.errstate(all="ignore"):
        return (exact * (1.0 + noise(logits)) + 2.0**-14 * noise(logits)).astype(np.float32)


def gradient(logits, labels):
    rest = -np.expm1(-softplus(logits, labels)) * (1.0 + noise(logits))
    labels, rows = sparse(labels), np.arange(len(rest))
    found = np.empty((len(rest), 2), np.float32)
    found[rows, 1 - labels] = rest
    found[rows, labels] = -rest * (1.0 + noise(logits) * 0.25)
    return found
"""
REFERENCE = """
def loss(logits, labels):
    found = reference.loss(logits, labels, reduction="none").astype(np.float32)
    EXTRA
    return found
"""
ROWS = {"float16": (1024, 9000, 32767, 45000, 64511), "bfloat16": (128, 5000, 32768, 49000, 49200)}


class Here:
    """A host that asks the target in this process."""

    def __init__(self, chosen: Subject) -> None:
        self.chosen = chosen

    def evaluate(self, batch: Any, want: Any, *_: Any, **__: Any) -> Outcome:
        return self.chosen.ask(batch)


class Recording(Tally):
    """Keeps where the violations are."""

    def __init__(self, chosen: Subject) -> None:
        super().__init__(chosen)
        self.where: set[tuple[int, int]] = set()

    def violated(self, pairs: Pairs, share: np.ndarray) -> None:
        super().violated(pairs, share)
        self.where |= {(int(j), pairs.label) for j in pairs.second}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("part", ["loss", "gradient"])
@pytest.mark.parametrize(
    "stated",
    [
        {},
        pytest.param({"compute": "same"}, marks=pytest.mark.slow),
        pytest.param({"accuracy": "A"}, marks=pytest.mark.slow),
        pytest.param({"accuracy": "B+", "labels": ["onehot"]}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_every_verdict_is_that_of_truth(opening: Opening, dtype: str, part: str, stated: dict[str, Any]) -> None:
    """Answers scattered around the limits of what is allowed, at some thousands of pairs; no violation is left out."""
    spread = {"float16": 2.0**-10, "bfloat16": 2.0**-7}[dtype] * (16.0 if "compute" in stated else 1.0)
    _, chosen = opening(SCATTERED.replace("SPREAD", str(spread)), dtype, part, **stated)
    wrong = fast = 0
    for i in ROWS[dtype]:
        tally = Recording(chosen)
        Row(chosen, i, tally).judge()
        fast += sum(tally.counts["judged"])
        tally.settle()
        fast -= sum(tally.counts["exactly"])
        assert len(tally.where) == sum(tally.counts["violations"])
        for label in (0, 1):
            columns, truth = exactly(chosen, i, label, slice(label, None, 67))
            assert [(int(j), label) in tally.where for j in columns] == truth.failed.tolist()
            assert truth.undecided == 0
            wrong += int(truth.failed.sum())
    assert 500 < wrong < 9000
    assert fast > 300000


def test_every_pair_of_a_row_is_counted(opening: Opening) -> None:
    """Judged, not declared, or, from some difference on, without a bound: as `truth` has it."""
    _, chosen = opening(SCATTERED.replace("SPREAD", "0.0"), "float16", nonfinite=["-inf"])
    tally = Tally(chosen)
    Row(chosen, 1024, tally).judge()
    tally.settle()
    for label in (0, 1):
        _, truth = exactly(chosen, 1024, label)
        counts = {name: values[label] for name, values in tally.counts.items()}
        assert counts["judged"] == truth.bounded.sum()
        assert (
            counts["unbounded"] == (~truth.bounded).sum() == (52224 if label == 0 else 0)
        )  # d(1 + u) > 65504: z1 > -32
        assert counts["undeclared"] == PATTERNS - 63489
        assert counts["violations"] == truth.failed.sum()


@pytest.mark.parametrize("part", ["loss", "gradient"])
def test_truth_is_that_of_the_laws(opening: Opening, part: str) -> None:
    """What is proved of a pair is what law 1 or 2 of `xentcheck check` says of that row alone."""
    _, chosen = opening(SCATTERED.replace("SPREAD", str(2.0**-10)), "float16", part)
    columns, truth = exactly(chosen, 40000, 1, slice(None, None, 811))
    capabilities = Capabilities(loss=part == "loss", gradient=part == "gradient", vjp=False, hessian_vector=False)
    law = {"loss": value, "gradient": gradient}[part]
    for k in range(len(columns)):
        batch = chosen.batch(chosen.numbers.rows(40000, columns[[k]]), 1)
        case = Case(chosen.contract, capabilities, Here(chosen), batch)
        assert bool(list(law.judge(case))) == truth.failed[k]


def test_one_wrong_pair_is_found(opening: Opening) -> None:
    """Off by 1.5 allowances at one pair with one label: 1 violation, described exactly."""
    i, j, label = 40007, 22222, 1
    _, right = opening(REFERENCE.replace("EXTRA", ""))
    pair = Pairs(np.array([i]), np.array([j]), label, np.zeros(1, np.float32))
    allowed = right.curve.problem(right.numbers.values[[[i, j]]], label)
    allowance = float(conformance(allowed, conditions(allowed)).loss[0])
    exact = float(np.logaddexp(0.0, right.numbers.values[i] - right.numbers.values[j]))
    assert judge(right, pair).failed.all()
    z = [int(right.numbers.patterns[k]) for k in (i, j)]
    for times, count in ((0.99, 0), (1.5, 1)):
        off = exact + times * allowance
        extra = f"found[(bits(logits) == {z}).all(axis=1) & (labels == {label})] = {off!r}"
        target, _ = opening(REFERENCE.replace("EXTRA", extra) + f"# {times}\n")
        target["loss"] = target["loss"].replace("mine.py", f"mine{count}.py")
        path = target["loss"].partition(":loss")[0]
        with open(path, "w", encoding="utf-8") as stream, open(path.replace(f"{count}.py", ".py")) as code:
            stream.write(code.read())
        found = run(target, {"format": "float16", "part": "loss"}, {"first": i - 1, "rows": 3})
        assert found["counts"]["violations"] == [0, count]
        assert [example["positions"] for example in found["examples"]] == [[i, j]] * count
        if count:
            (example,) = found["examples"]
            assert example["label"] == label
            assert example["got"] == pytest.approx(off, rel=1e-7)
            assert float(example["share"]) == pytest.approx(1.5, rel=1e-3)
            low, high = example["certified"]
            assert low <= exact * (1 + 1e-14)
            assert high >= exact * (1 - 1e-14)
            assert found["worst"]["share"] == example
            assert found["shares"][j // SIDE] == pytest.approx(1.5, rel=0.02)
        else:
            assert 0.97 < float(found["worst"]["share"]["share"]) <= 1.0


def test_nan_and_a_wrong_block_are_counted_exactly(opening: Opening) -> None:
    """A nan for one z1, the sign for a range of z1, an infinity for a third: each pair once."""
    extra = """z1 = bits(logits)[:, 1]
    found[z1 == 0x3C00] = np.nan
    found[(z1 >= 0x4000) & (z1 < 0x4100)] *= -1.0
    found[(z1 == 0x3800) & (labels == 0)] = np.inf"""
    target, _ = opening(REFERENCE.replace("EXTRA", extra))
    i = position_of(0x3555)
    found = run(target, {"format": "float16", "part": "loss"}, {"first": i, "rows": 1})
    assert found["counts"]["violations"] == [1 + 256 + 1, 1 + 256]
    assert found["counts"]["judged"][1] == 63488 - found["counts"]["unbounded"][1]
    assert [example["bits"][1] for example in found["examples"]] == ["0x3800", "0x3c00", "0x3c00", "0x4000", "0x4000"]
    assert found["examples"][0]["got"] == "inf"
    assert found["examples"][1]["got"] == "nan"
    assert found["worst"]["share"]["share"] == "inf"


def test_declared_infinities_are_judged(opening: Opening) -> None:
    """Nan and infinities of the reference are right, all 65,536 columns."""
    declared = {"nonfinite": ["-inf", "+inf", "nan"], "output_dtype": "any"}
    rows = [{"first": position_of(pattern), "rows": 1} for pattern in (0xFC00, 0x7C00, 0x7E01, 0x3C00)]
    target, _ = opening(REFERENCE.replace("EXTRA", ""), **declared)
    for unit in rows:
        counts = run(target, {"format": "float16", "part": "loss"}, unit)["counts"]
        assert counts["violations"] == counts["undeclared"] == [0, 0]
        assert [sum(pair) for pair in zip(counts["judged"], counts["unbounded"], strict=True)] == [PATTERNS, PATTERNS]


def test_undefined_losses_that_are_numbers(opening: Opening) -> None:
    """0 where nan is exact: each of the 2,047 columns with a nan or +inf, and -inf beside -inf."""
    target, _ = opening(REFERENCE.replace("EXTRA", "found[np.isnan(found)] = 0.0"), nonfinite=["-inf", "+inf", "nan"])
    for pattern, wrong in ((0x3C00, 2047), (0xFC00, 2048), (0x7E01, 65536)):
        unit = {"first": position_of(pattern), "rows": 1}
        counts = run(target, {"format": "float16", "part": "loss"}, unit)["counts"]
        assert counts["violations"] == [wrong, wrong]


def test_undeclared_rows_are_not_asked(opening: Opening) -> None:
    """Nothing is promised: the target is not called, and the pairs are counted."""
    target, _ = opening("def loss(logits, labels):\n    raise RuntimeError('asked')\n")
    unit = {"first": position_of(0x7E01), "rows": 1}
    found = run(target, {"format": "float16", "part": "loss"}, unit)
    assert found["counts"]["undeclared"] == [PATTERNS, PATTERNS]
    assert found["trouble"] is None
    assert set(found["shares"]) == {None}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('no')", "RuntimeError: no"),
        ("return 0.5", "the loss has shape (), but must have (63488,)"),
    ],
)
def test_no_answer_is_counted(opening: Opening, code: str, said: str) -> None:
    """An exception, or something of a wrong shape: no pair is judged, and all that were asked are counted."""
    target, _ = opening(f"def loss(logits, labels):\n    {code}\n")
    found = run(target, {"format": "float16", "part": "loss"}, {"first": position_of(0x3C00), "rows": 1})
    assert found["counts"]["unanswered"] == [63488, 63488]
    assert found["counts"]["judged"] == [0, 0]
    assert found["trouble"] == {"said": said, "first": 1.0, "label": 0}
