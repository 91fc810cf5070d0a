"""Signals that end a run: SIGTERM and SIGHUP do what Ctrl-C does, and what has been found is kept.

Python raises KeyboardInterrupt wherever the run happens to be. In a finaliser, or in a callback of the garbage
collector, it is swallowed there. So that it was asked for is remembered, and said again at the next batch.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_came: list[int] = []


def asked() -> bool:
    """Return whether a signal has come that ends the run."""
    return bool(_came)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let each of the signals raise KeyboardInterrupt; without effect in a thread, which may not handle signals."""
    _came.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {signal.SIGINT: signal.default_int_handler}
    usual |= {getattr(signal, name): signal.SIG_DFL for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)}
    # Under nohup a hang-up is ignored, and stays so.
    before = {one: handler for one, handler in usual.items() if signal.getsignal(one) == handler}
    for one in before:
        signal.signal(one, _interrupt)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _interrupt(number: int, frame: object) -> None:
    _came.append(number)
    raise KeyboardInterrupt
