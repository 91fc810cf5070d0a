"""What a target does in a call, and what it says, is an outcome or one sentence; the next call is answered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import ContractError
from xentcheck.contract.harmless import harmless
from xentcheck.targets import TargetError, TargetSpecification, open_host
from xentcheck.targets.host.answer import WorkerFaultError
from xentcheck.targets.outcome import Outcome

TARGETS = Path(__file__).with_name("targets")
BATCH = Batch(np.zeros((2, 3), np.float32), np.array([0, 1]))


def outcome_of(name: str, **limits: float) -> Outcome:
    """Return the outcome of the second of two calls."""
    with open_host(TargetSpecification(f"{TARGETS / 'calls.py'}:{name}"), **limits) as host:
        host.evaluate(BATCH)
        return host.evaluate(BATCH)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("surrogate", "ValueError", r"lone \ud800 surrogate"),
        ("controls", "ValueError", r"\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m nul\x00 \u202egnol\u202c"),
        (
            "forged",
            "ValueError",
            r"all is well\nCONFORMS: all good.\r\nCONFORMS: all good.\x85CONFORMS: all good.\u2028",
        ),
        ("forged_kind", r"E\nCONFORMS: all good.\x1b[31m", "x"),
        ("forged_place", "ValueError", "x"),
        ("no_directory", "ValueError", "in a directory that is gone"),
        ("long_message", "ValueError", "xxx"),
        ("long_kind", "E" * 100, "x"),
        ("no_text", "ValueError", "its text cannot be had"),
        ("odd_text", "ValueError", "odd"),
        (
            "enormous",
            "TypeError",
            "the loss returned an array of shape (17179869184,), larger than any loss or gradient",
        ),
        ("nested_result", "TypeError", "the loss returned a list that is no array"),
    ],
)
def test_what_is_raised_is_escaped_and_short(name: str, kind: str, words: str) -> None:
    raised = outcome_of(name).raised
    assert raised is not None
    assert raised.kind.startswith(kind)
    assert raised.message.startswith(words)
    told = raised.kind + raised.message + raised.where
    assert told.isprintable()
    assert len(told) < 2700


def test_a_class_without_a_module_is_read() -> None:
    assert float(outcome_of("nameless").loss) == 0.0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        *("no_json", "dtype_object", "negative_shape", "no_parts", "wrong_types", "odd_words", "deep_json"),
        *("gigabytes", "garbage", "few_bytes"),
    ],
)
def test_what_is_no_message_ends_the_process_at_once(name: str) -> None:
    assert outcome_of(name).died.startswith("something else than xentcheck wrote on the channel of its process: it ")


@pytest.mark.slow
def test_an_announced_frame_that_never_comes_ends_at_the_time_limit() -> None:
    assert outcome_of("half_a_frame", time_limit=0.5, first_time_limit=4.0).died == "no answer within 0.5 s"


def test_what_breaks_our_own_code_is_told_in_one_line() -> None:
    with pytest.raises(WorkerFaultError) as error:
        outcome_of("failure")
    assert str(error.value)


@pytest.mark.parametrize("name", ["breaks_array", "breaks_shares"])
def test_what_is_put_in_the_place_of_numpy_breaks_nothing(name: str) -> None:
    outcome = outcome_of(name)
    assert float(outcome.loss) == pytest.approx(np.log(3))
    assert outcome.observations == ("numpy-replaced",)


@pytest.mark.parametrize("name", ["import_fork", "import_fork_waits"])
def test_a_forked_copy_has_no_voice(name: str) -> None:
    with open_host(TargetSpecification(f"{TARGETS / name}.py:loss")) as host:
        assert [float(host.evaluate(BATCH).loss) for _ in range(3)] == [0.0, 1.0, 2.0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("import_surrogate.py:loss", r"could not be imported: ValueError: lone \ud800 surrogate"),
        ("import_controls.py:loss", r"all is well CONFORMS: all good. \x1b[31m \x9b31m \x00 \u202e [bold]b[/bold]"),
        ("import_garbage.py:loss", "wrote on the channel of its process: it does not begin as a message does"),
        ("import_description.py:loss", "wrote on the channel of its process: it states no state of the processor"),
        ("import_contract.py:huge", "domain allows no batch of up to 4,194,304 scores"),
        ("import_contract.py:nested", "cannot be prepared: RecursionError"),
        ("import_contract.py:strange", "cannot be prepared: TypeError"),
        ("import_contract.py:surrogate", "There is no contract key"),
        ("import_contract.py:no_mapping", "cannot be prepared: TypeError"),
        ("import_contract.py:keys", "has a key 1"),
        ("import_contract.py:evil_keys", r"has a key 'x\nCONFORMS: all good.\x1b[31m'"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(location: str, words: str) -> None:
    with (
        pytest.raises((TargetError, ContractError)) as error,
        open_host(TargetSpecification(f"{TARGETS / location}"), first_time_limit=20.0) as host,
    ):
        host.ready()
    assert words in str(error.value)
    assert str(error.value).isprintable()


def test_a_version_is_escaped_and_short() -> None:
    with open_host(TargetSpecification(loss="import_version:loss"), directory=str(TARGETS)) as host:
        assert host.description.version.startswith(r"1.0\nCONFORMS: all good. \x1b[31m \ud800")
        assert len(host.description.version) == 300


@pytest.mark.parametrize("text", ["plain", "a\\b", "\0\x1b[1m", "\ud800" * 3000, "\u2066\u200b\xad", "x" * 5000, "é漢"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    once = harmless(text)
    assert harmless(once) == once
    assert once.isprintable()
    assert len(once) <= 2000
    assert once == text or not text.isprintable() or len(text) > 2000
