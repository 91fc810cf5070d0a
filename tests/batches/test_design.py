"""All options together: measured on the batches of a run, every admissible pair or triple of levels occurs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.design import KINDS, design
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract
from xentcheck.contract.declaration import OPTIONS as OPTIONS_OF

Level = tuple[str, Any]
INTEGERS = tuple(f"{sign}int{size}" for sign in ("", "u") for size in (8, 16, 32, 64))
LAYOUTS = ("C", "F", "strided", "reversed", "readonly", "unaligned", "broadcast")
LOGITS = ("moderate", "confident", "wrong", "shifted", "equal")
ARGUMENTS: dict[str, Any] = {
    key: {"argument": key} for key in ("class_weights", "label_smoothing", "ignore_index", "z_loss")
}
CAPS = (30.0, 5.0, 1.0, "off")
TEMPERATURES = (2.0, 0.7, 1.0, 0.07)
OPTIONS: dict[str, tuple[Any, ...]] = {
    "weights": ("ones", "distinct", "zeros", "spread"),
    "smoothing": (0.0, 0.1, 1.0, "tiny"),
    "z_loss": (0.0, 1e-4, 0.5),
    "ignore_index": ("-100", "-1", "first", "last", "beyond"),
}
SPARSE: dict[str, tuple[Any, ...]] = {"label dtype": INTEGERS, "label shape": ("(n,)", "(n,1)")}
SHARES = ("none", "some", "all")
FULL = {"ignored": SHARES, **OPTIONS}
SOFT_ANY = ("pure", "mixed", "uniform", "sums", "a zero row")

CASES: dict[str, tuple[dict[str, Any], dict[str, tuple[Any, ...]]]] = {
    "all options as arguments": (
        {
            **ARGUMENTS,
            "soft_cap": {"argument": "cap"},
            "temperature": {"argument": "tau"},
            "labels": ["sparse", "onehot", "soft"],
            "label_shapes": ["(n,)", "(n,1)"],
            "soft_rows": "any",
            "nonfinite": ["-inf"],
            "mean_over": "weights",
            "empty_mean": "nan",
            "dtypes": ["float16", "bfloat16", "float32", "float64"],
        },
        {
            "scores": (*LOGITS, "masked"),
            "soft rows": SOFT_ANY,
            "soft_cap": CAPS,
            "temperature": TEMPERATURES,
            **SPARSE,
            **FULL,
        },
    ),
    "an empty mean left open": (
        {**ARGUMENTS, "label_shapes": ["(n,)", "(n,1)"], "mean_over": "kept", "dtypes": ["float32"]},
        {"scores": LOGITS, **SPARSE, **FULL, "ignored": SHARES[:2]},
    ),
    "constants": (
        {
            "class_weights": [0, 1, 0.5, 2, 1],
            "ignore_index": 1,
            "label_smoothing": 0.1,
            "reduction": "none",
            "labels": ["sparse", "soft"],
        },
        {
            "scores": LOGITS,
            "label dtype": INTEGERS,
            "ignored": SHARES,
            "soft rows": ("pure", "mixed", "uniform"),
        },
    ),
    "one-hot": (
        {
            "labels": ["onehot"],
            "label_smoothing": {"argument": "eps"},
            "row_weights": {"argument": "v"},
            "reduction": "sum",
        },
        {"scores": LOGITS, "smoothing": OPTIONS["smoothing"], "row weights": OPTIONS["weights"]},
    ),
    "soft": (
        {"labels": ["soft"], "soft_rows": "renormalised", "class_weights": {"argument": "weight"}},
        {"scores": LOGITS, "soft rows": SOFT_ANY[:4], "weights": OPTIONS["weights"]},
    ),
    "probabilities": (
        {
            "input": "probabilities",
            "labels": ["sparse", "onehot"],
            "boundary": {"clip": [1e-7, 1 - 1e-7], "normalise": True},
            "class_weights": {"argument": "weight"},
        },
        {
            "scores": (*LOGITS, "ends", "other sums"),
            "label dtype": INTEGERS,
            "weights": OPTIONS["weights"],
        },
    ),
}


def observed(contract: Contract, batch: Batch) -> dict[str, Any] | None:
    """Return the levels that a batch of a known kind has, as its arrays show them; None for other batches."""
    kinds = [kind for kind, names in KINDS.items() if batch.family in names]
    if not kinds or batch.n < 3:
        return None
    levels: dict[str, Any] = {"dtype": batch.dtype, "labels": batch.label_form, "layout": batch.layout}
    levels["scores"] = kinds[0]
    options, m = dict(batch.options), batch.m
    if "class_weights" in options:
        weights = options["class_weights"].astype(np.float64)
        least, most = weights.min(), weights.max()
        levels["weights"] = "ones" if least == most == 1 else "zeros" if least == 0 else "spread"
        if levels["weights"] == "spread" and most < 1e4 * least:
            levels["weights"] = "distinct"
    if "row_weights" in options:
        weights = options["row_weights"].astype(np.float64)
        apart = weights.max() >= 100 or weights[weights > 0].min() < 0.01
        levels["row weights"] = "spread" if apart else "zeros" if (weights == 0).any() else "distinct"
        if (weights == 1).all():
            levels["row weights"] = "ones"
    if "label_smoothing" in options:
        levels["smoothing"] = "tiny" if 0 < options["label_smoothing"] < 0.05 else options["label_smoothing"]
    if "soft_cap" in options:
        levels["soft_cap"] = options["soft_cap"] if options["soft_cap"] < 100 else "off"
    if "temperature" in options:
        levels["temperature"] = options["temperature"]
    if "z_loss" in options:
        levels["z_loss"] = options["z_loss"]
    index = contract.ignore_index
    if "ignore_index" in options:
        index = options["ignore_index"]
        levels["ignore_index"] = {0: "first", m - 1: "last", m: "beyond"}.get(index, str(index))
    labels = batch.labels.astype(np.float64)
    if batch.label_form == "sparse":
        levels["label dtype"] = batch.labels.dtype.name
        levels["label shape"] = "(n,)" if labels.ndim == 1 else "(n,1)"
        if index is not None:
            share = float(np.mean(labels == index))
            levels["ignored"] = "none" if share == 0 else "all" if share == 1 else "some"
    if batch.label_form == "soft":
        levels["soft rows"] = kind_of_rows(labels)
    return levels


def kind_of_rows(rows: np.ndarray) -> str:
    """Return which kind soft rows are of."""
    sums = rows.sum(axis=1)
    if (sums == 0).any():
        return "a zero row"
    if np.abs(sums - 1).max() > 0.01:
        return "sums"
    if (rows.max(axis=1) == 1).all():
        return "pure"
    return "uniform" if np.ptp(rows) == 0 else "mixed"


def wanted(contract: Contract, levels: dict[str, tuple[Any, ...]], strength: int) -> Iterator[frozenset[Level]]:
    """Yield the tuples of levels that some admitted batch can have."""
    every = {"dtype": contract.dtypes, "labels": contract.labels, "layout": LAYOUTS, **levels}
    for names in combinations(every, strength):
        for values in product(*(every[name] for name in names)):
            found = dict(zip(names, values, strict=True))
            sparse = found.keys() & {"label dtype", "label shape", "ignored"}
            forms = {found["labels"]} if "labels" in found else set(contract.labels)
            if sparse:
                forms &= {"sparse"}
            if "soft rows" in found:
                forms &= {"soft"}
            carried = found.get("ignored", "none") != "none" and found.get("ignore_index") in ("-1", "-100")
            if forms and not (carried and str(found.get("label dtype", "")).startswith("u")):
                yield frozenset(found.items())


def judged(contract: Contract, profile: str) -> list[dict[str, Any]]:
    """Return the levels of all batches of the cells of a run."""
    swept = (
        observed(contract, batch)
        for dtype in contract.dtypes
        for form in contract.labels
        for batch in sweep(contract, dtype, form, sizes=profile)
    )
    return [levels for levels in swept if levels is not None]


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "strength"), [("quick", 2), ("standard", 3)])
@pytest.mark.parametrize("case", CASES)
def test_every_admissible_combination_occurs(case: str, profile: str, strength: int) -> None:
    """Pairs in quick, triples in standard; batches in which nothing counts cover only what that belongs to."""
    keys, levels = CASES[case]
    contract = Contract.from_mapping(keys)
    hiding = {("ignored", "all"), ("scores", "masked")}
    occurring = {
        frozenset(found)
        for batch in judged(contract, profile)
        for found in combinations(batch.items(), strength)
        if hiding & batch.items() <= set(found)
    }
    missing = [sorted(map(str, found)) for found in wanted(contract, levels, strength) if found not in occurring]
    assert missing == []


def test_with_few_shapes_the_design_has_one(declare: Callable[..., Contract]) -> None:
    """A target that compiles for each shape meets pairs in batches of one shape: all that need not be compiled for."""
    contract = declare(**ARGUMENTS, reduction="sum", labels=["sparse"], dtypes=["float32"])
    swept = list(sweep(contract, "float32", "sparse", expensive_shapes=True))
    designed = [levels for batch in swept if (levels := observed(contract, batch)) and batch.scores.shape == (3, 5)]
    occurring = {frozenset(found) for levels in designed for found in combinations(levels.items(), 2)}
    pairs = wanted(contract, {"scores": LOGITS, "label dtype": INTEGERS, **FULL}, 2)
    compiled = {"label dtype", "label shape", "smoothing", "ignore_index", "z_loss"}
    missing = [{name for name, _ in pair} for pair in pairs if pair not in occurring]
    assert missing
    assert all(names <= compiled or names == {"dtype", "label dtype"} for names in missing)
    thorough = list(design(contract, ["float16", "float32"], (3, 5), 3, few_graphs=True))
    assert {(row["label dtype"], row["label_smoothing"]) for row in thorough} == set(
        product(INTEGERS, OPTIONS_OF["label_smoothing"].levels)
    )


def test_numbers_and_dense_labels_are_tried_in_each_dtype(declare: Callable[..., Contract]) -> None:
    """They enter what is calculated in that dtype; each dtype of class numbers occurs in one of them at least."""
    dtypes = ["float16", "float32", "float64"]
    contract = declare(label_smoothing={"argument": "eps"}, labels=["sparse", "soft"], dtypes=dtypes)
    rows = design(contract, dtypes, (3, 5), 2, few_graphs=True)
    whole = design(contract, dtypes, (3, 5), 2)

    def found(some: Sequence[Any], *names: str) -> set[tuple[Any, ...]]:
        return {tuple(row[name] for name in names) for row in some}

    for names in (("dtype", "label_smoothing"), ("dtype", "dense label dtype"), ("labels", "label_smoothing")):
        assert found(rows, *names) == found(whole, *names)
    assert found(rows, "label dtype") == found(whole, "label dtype")
    compiled = ("dtype", "labels", "label dtype", "dense label dtype", "label_smoothing")
    assert len(found(rows, *compiled)) < 0.6 * len(found(whole, *compiled))


def test_batches_of_the_design_are_not_degenerate() -> None:
    """Several rows with different labels, and one that counts for something, unless all are to be ignored."""
    contract = Contract.from_mapping(CASES["an empty mean left open"][0])
    for batch in sweep(contract, "float32", "sparse"):
        if observed(contract, batch) is not None and batch.scores.shape == (4, 5):
            kept = batch.labels[batch.labels != batch.options["ignore_index"]].ravel()
            assert np.unique(kept).size == kept.size >= 2
            assert batch.options["class_weights"][kept.astype(int)].any()
