"""Batches are stored and read bit for bit; what is no batch is refused in one sentence; digests are stable."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import BatchError
from xentcheck.batches.storage import digest, from_mapping, same_content, to_mapping
from xentcheck.contract import Contract

DTYPES = ("float16", "bfloat16", "float32", "float64")


def _dtype(name: str) -> np.dtype[Any]:
    return np.dtype(getattr(ml_dtypes, name, name))


def _round_trip(batch: Batch) -> Batch:
    return from_mapping(json.loads(json.dumps(to_mapping(batch), allow_nan=False)))


def _assert_identical(first: Batch, second: Batch) -> None:
    for name in ("scores", "labels"):
        one, other = getattr(first, name), getattr(second, name)
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    assert first.options.keys() == second.options.keys()
    for key, value in first.options.items():
        other = second.options[key]
        if isinstance(value, np.ndarray):
            assert (value.dtype, value.tobytes()) == (other.dtype, other.tobytes())
        else:
            assert (type(value), value) == (type(other), other)
    for name in ("label_form", "layout", "family", "origin"):
        assert getattr(first, name) == getattr(second, name)
    assert digest(first) == digest(second)


@pytest.mark.parametrize("label_form", ["sparse", "onehot", "soft"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_drawn_batches_come_back_bit_for_bit(
    dtype: str, label_form: str, everything: Contract, draw: Callable[..., list[Batch]]
) -> None:
    """Scores, labels, options, layout and family survive JSON, for batches of every kind."""
    for batch in draw(everything, dtype, label_form, examples=40):
        _assert_identical(batch, _round_trip(batch))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_kind_of_float_comes_back_bit_for_bit(dtype: str) -> None:
    """All 65536 patterns of the 16-bit formats; signed zeros, subnormals, infinities and nans with payloads of all."""
    kind = _dtype(dtype)
    unsigned = f"u{kind.itemsize}"
    patterns = np.arange(65536, dtype=np.uint64) << np.uint64(8 * kind.itemsize - 16)
    scores = np.concatenate([patterns, np.arange(64, dtype=np.uint64), patterns + np.uint64(1)]).astype(unsigned)
    batch = Batch(scores.view(kind)[:, None], np.zeros(scores.size, np.int64))
    _assert_identical(batch, _round_trip(batch))


def test_a_batch_keeps_the_origin_of_what_is_drawn_for_it() -> None:
    """Another batch than the one without; no word of it where it has none."""
    batch = Batch(np.zeros((1, 2)), np.array([0]))
    assert "origin" not in to_mapping(batch)
    reduced = batch.replace(origin="0123456789abcdef")
    _assert_identical(reduced, _round_trip(reduced))
    assert len({digest(one) for one in (batch, reduced)} | {same_content(one) for one in (batch, reduced)}) == 4


def test_floats_are_hex_strings_and_labels_numbers() -> None:
    """A person can read the form: dtype, shape, layout, hex floats."""
    batch = Batch(np.array([[0.1, -0.0, -np.inf]], np.float32), np.array([2], np.uint8), layout="F")
    assert to_mapping(batch)["scores"] == {
        "dtype": "float32",
        "shape": [1, 3],
        "layout": "F",
        "values": ["0x1.99999a0000000p-4", "-0x0.0p+0", "-inf"],
    }
    assert to_mapping(batch)["labels"]["values"] == [2]


def test_plain_json_numbers_are_read_where_they_are_exact() -> None:
    """A batch written by hand may hold 0.5 and leave out what has a default; 0.1 in float32 is refused."""
    scores = {"dtype": "float32", "shape": [1, 2], "values": [0.5, -1]}
    labels = {"dtype": "int64", "shape": [1], "values": [1]}
    batch = from_mapping({"scores": scores, "labels": labels})
    np.testing.assert_array_equal(batch.scores, [[0.5, -1]])
    assert (batch.label_form, batch.layout, batch.family) == ("sparse", "C", "given")
    with pytest.raises(BatchError, match=r"0\.1, which float32 does not hold exactly"):
        from_mapping({"scores": {**scores, "values": [0.1, 0]}, "labels": labels})


GOOD = to_mapping(
    Batch(
        np.array([[0.5, 1.0]]),
        np.array([1]),
        options={"class_weights": np.ones(2), "label_smoothing": 0.1, "ignore_index": -100},
    )
)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ((), [1], "stored as a mapping, but got list"),
        (("extra",), 1, "no key 'extra'"),
        (("scores",), None, "scores must be a mapping"),
        (("scores", "dtype"), "float8", "no dtype 'float8'"),
        (("scores", "dtype"), 4, "must be a name"),
        (("scores", "dtype"), "int64", "0x1.0000000000000p-1', which is no integer"),
        (("scores", "shape"), [2], "must be floats of shape"),
        (("scores", "shape"), [1, 3], "needs 3 values"),
        (("scores", "shape"), [-1, -2], "must be a list of sizes"),
        (("scores", "shape"), "12", "must be a list of sizes"),
        (("scores", "values"), ["0x1", "one"], "'one', which is no hex float"),
        (("scores", "values"), ["0x1", None], "None, which is no hex float"),
        (("scores", "values"), ["0x1", "0x1p5000"], "'0x1p5000', which is no hex float"),
        (("scores", "values"), ["0x1", "nan:0x1"], "'nan:0x1', which float64 does not hold"),
        (("scores", "values"), ["0x1", "nan:0x1fff80000000000000"], "which float64 does not hold"),
        (("labels", "values"), [0.5], "0.5, which is no integer"),
        (("labels", "values"), [2**70], "a value that int64 does not hold"),
        (("labels", "shape"), [1, 1, 1], r"cannot have shape \(1, 1, 1\)"),
        (("label_form",), "dense", "label_form is 'dense'"),
        (("layout",), "diagonal", "layout is 'diagonal'"),
        (("origin",), "0123", "origin is '0123', but must be a digest"),
        (("origin",), 1, "origin is 1, but must be a digest"),
        (("options",), [], "options must be a mapping"),
        (("options", "gamma"), 2, "no option 'gamma'"),
        (("options", "ignore_index"), 1.5, "must be an integer"),
        (("options", "label_smoothing"), "nan", "must be a finite number"),
        (("options", "soft_cap"), 0, "must be positive"),
        (("options", "class_weights", "shape"), [1, 2], r"must have shape \(2,\)"),
    ],
)
def test_bad_data_gives_one_sentence(path: tuple[str, ...], value: Any, sentence: str) -> None:
    """Whatever is wrong, the error says what, and is a BatchError."""
    given = json.loads(json.dumps(GOOD))
    if not path:
        given = value
    else:
        place = given
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
    with pytest.raises(BatchError, match=sentence) as raised:
        from_mapping(given)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


def test_missing_keys_are_named() -> None:
    """A batch without labels or without scores is refused by the name of what is missing."""
    for key in ("scores", "labels"):
        with pytest.raises(BatchError, match=f"has no '{key}'"):
            from_mapping({name: value for name, value in GOOD.items() if name != key})


def test_digests_are_pinned() -> None:
    """Stored digests stay valid: these are those of version 0.1."""
    batch = Batch(np.array([[0.5, -1, 2], [1, 0, -0.5]], np.float32), np.array([0, 2]))
    assert digest(batch) == "f9a5702e9458e256"
    assert digest(from_mapping(GOOD)) == "09431b38dbd36587"


def test_the_digest_is_of_the_content_alone() -> None:
    """It differs with each part of the content, and neither with the family nor with how the arrays lie in memory."""
    scores, labels = np.array([[0.5, -1, 2], [1, 0, -0.5]], np.float32), np.array([0, 2])
    batch = Batch(scores, labels, options={"z_loss": 0.5})
    others = [
        batch.replace(scores=np.where(scores == 0, np.float32(-0.0), scores)),
        batch.replace(scores=scores.astype(np.float64)),
        batch.replace(scores=scores.reshape(3, 2), labels=np.array([0, 1, 1])),
        batch.replace(labels=labels.astype(np.int32)),
        batch.replace(labels=labels[:, None]),
        batch.replace(labels=labels[::-1]),
        batch.replace(layout="F"),
        batch.replace(label_form="soft"),
        batch.replace(options={"z_loss": 0.25}),
        batch.replace(options={}),
    ]
    assert len({digest(one) for one in [batch, *others]}) == len(others) + 1
    same = [batch.replace(family="other"), batch.replace(scores=np.asfortranarray(scores))]
    assert {digest(one) for one in same} == {digest(batch)}


def test_batches_of_the_same_content_share_a_key() -> None:
    """As their digests do: dtype, shape, bytes, options, label form and layout count, and nothing else."""
    options = {"class_weights": np.array([1.0, 2.0, 0.5]), "z_loss": 0.25}
    batch = Batch(np.array([[0.5, -1, 2], [1, 0, -0.5]]), np.array([0, 2]), options=options)
    others = [
        batch.replace(scores=batch.scores + 1),
        batch.replace(scores=batch.scores.astype(np.float32)),
        batch.replace(labels=batch.labels[::-1]),
        batch.replace(layout="F"),
        batch.replace(options={**options, "z_loss": 0.5}),
        batch.replace(options={**options, "class_weights": np.array([1.0, 2.0, 1.0])}),
        batch.rows([0]),
    ]
    assert same_content(batch) == same_content(batch.replace(scores=batch.scores.copy(), family="another"))
    assert len({same_content(one) for one in (batch, *others)}) == len({digest(one) for one in (batch, *others)}) == 8
