"""What an exception of a target says, in words."""

from __future__ import annotations

import pytest

from xentcheck.targets.call.trace import message_of

NATIVE = "/opt/lib/libnative.so(+0x26a87c7) [0x7f37026a87c7]"


class UnreadableError(Exception):
    """One that cannot be read."""

    def __str__(self) -> str:
        raise OSError


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bad shape {3,2}", "bad shape {3,2}"),
        (f"bad shape {{3,2}}\n\nbacktrace:\n{NATIVE}\n", "bad shape {3,2}"),
        (f"Check failed\nStack trace:\n  [bt] (0) {NATIVE}", "Check failed"),
        (f"C++ Traceback (most recent call last):\n{NATIVE}", f"C++ Traceback (most recent call last):\n{NATIVE}"),
        (
            'Traceback (most recent call last):\n  File "../src/c_api.h", line 306\nMXNetError: Check failed:\nn > 0',
            "MXNetError: Check failed:\nn > 0",
        ),
        ("Traceback (most recent call last):\n\n", "Traceback (most recent call last):\n\n"),
        ("no backtrace: none is kept", "no backtrace: none is kept"),
        ("", ""),
    ],
)
def test_frames_are_left_out(text: str, said: str) -> None:
    """They say nothing to a reader, and where a library lies; what is nothing else is said whole."""
    assert message_of(RuntimeError(text)) == said


def test_a_text_that_cannot_be_had() -> None:
    """An exception may raise when it is read."""
    assert message_of(UnreadableError()) == "its text cannot be had"
