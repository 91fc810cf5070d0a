"""Options that exclude each other: no batch has them together, and each has all that it may be beside."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.design import LEFT_OUT, design
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.reduce import reduce
from xentcheck.batches.sweep import sweep
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract

KEYS = ("class_weights", "label_smoothing", "ignore_index", "z_loss")
APART = [["class_weights", "label_smoothing"], ["soft", "ignore_index"]]
FORMS = ("sparse", "soft")


def declared(**more: Any) -> Contract:
    """Return a contract with four options, of which two pairs exclude each other."""
    keys: dict[str, Any] = {key: {"argument": key} for key in KEYS}
    keys |= {"labels": list(FORMS), "dtypes": ["float32"], "reduction": "sum", "exclusive": APART}
    return Contract.from_mapping({**keys, **more})


@pytest.mark.parametrize("form", FORMS)
def test_none_together_each_alone(form: str, draw: Callable[..., list[Batch]]) -> None:
    """Swept or drawn, a batch has one of two; an ignored label stands beside class numbers only."""
    contract = declared()
    for batches in (list(sweep(contract, "float32", form)), draw(contract, "float32", form, examples=200)):
        found = {frozenset(batch.options) for batch in batches}
        assert all(not {"class_weights", "label_smoothing"} <= options for options in found)
        assert any("class_weights" in options for options in found)
        assert any("label_smoothing" in options for options in found)
        assert any("ignore_index" in options for options in found) == (form == "sparse")
        assert all("z_loss" in options for options in found)


def test_the_plainest_batches_have_options() -> None:
    """Of two that exclude each other one is there, also in the first batches, and rows are ignored as planned."""
    contract = declared()
    first = list(sweep(contract, "float32", "sparse"))[:12]
    assert all({"class_weights", "label_smoothing"} & batch.options.keys() for batch in first)
    everything = declared(exclusive=[["class_weights", "ignore_index"]])
    ignoring = [batch for batch in sweep(everything, "float32", "sparse") if batch.family == "some_ignored"]
    assert ignoring
    for batch in ignoring:
        assert (batch.labels == batch.options["ignore_index"]).any()


@pytest.mark.slow
@pytest.mark.parametrize("strength", [2, 3])
def test_the_design_has_all_that_is_admitted(strength: int) -> None:
    """Each level of an option is in a row without what excludes it, and beside each level of what does not."""
    contract = declared()
    rows = design(contract, ["float32"], (4, 5), strength)
    seen = {frozenset(found) for row in rows for found in combinations(row.items(), strength)}
    levels = {name: {row[name] for row in rows} for name in (*KEYS, "labels", "ignored rows")}
    assert all(LEFT_OUT in levels[name] for name in KEYS[:3])
    assert LEFT_OUT not in levels["z_loss"]

    def refused(found: dict[str, Any]) -> bool:
        given = {name for name, level in found.items() if name in KEYS and level != LEFT_OUT}
        unignored = found.get("ignore_index") == LEFT_OUT and found.get("ignored rows") in ("some", "all")
        soft = found.get("labels") == "soft"
        sparse_only = found.get("ignored rows", "unused") != "unused"
        other = found.get("labels") == "sparse" and found.get("ignored rows") == "unused"
        carried = found.get("ignored rows") == "unused" and "ignore_index" in given
        apart = {"class_weights", "label_smoothing"} <= given or (soft and ("ignore_index" in given or sparse_only))
        return apart or unignored or other or carried

    for names in combinations(levels, strength):
        if strength == 3 and "ignored rows" in names:
            continue  # where all rows are ignored nothing else shows
        for values in np.ndindex(*(len(levels[name]) for name in names)):
            found = {name: sorted(levels[name], key=str)[place] for name, place in zip(names, values, strict=True)}
            hidden = found.get("ignored rows") == "all"
            occurs = frozenset(found.items()) in seen
            assert occurs or hidden or refused(found), found
            assert not (occurs and refused(found)), found


def test_what_is_no_valid_batch() -> None:
    """Options together, one missing that nothing excludes, one that is not declared."""
    contract = declared()
    space = InputSpace(contract, "float32", "soft")
    batch = next(sweep(contract, "float32", "soft"))
    assert objection(space, batch) == ""
    both = {**batch.options, "class_weights": np.ones(batch.m, np.float32), "label_smoothing": 0.5}
    assert objection(space, batch.replace(options=both)) == "class_weights and label_smoothing exclude each other"
    ignoring = {**batch.options, "ignore_index": -100}
    assert objection(space, batch.replace(options=ignoring)) == "soft and ignore_index exclude each other"
    assert objection(space, batch.replace(options={"z_loss": 0.0})) == ""
    assert objection(space, batch.replace(options={})) == "the options are not those declared"
    assert (
        objection(space, batch.replace(options={"z_loss": 0.0, "divisor": 1.0})) == "the options are not those declared"
    )


def test_the_reducer_leaves_out_what_need_not_be_there() -> None:
    """A batch that fails whatever its options are ends with those alone that each call has."""
    contract = declared()
    batches = [batch for batch in sweep(contract, "float32", "sparse") if batch.n > 1]
    smallest = reduce(batches[-1], lambda batch: batch.n > 0, contract=contract)
    assert set(smallest.options) == {"z_loss"}
    kept = reduce(batches[3], lambda batch: "class_weights" in batch.options, contract=contract)
    assert "class_weights" in kept.options or "class_weights" not in batches[3].options
