"""Samples in turn; nothing here depends on how long anything takes."""

from __future__ import annotations

import gc

from xentcheck.bench.interleave import LEAST_ROUNDS, interleaved


def test_every_call_has_as_many_samples() -> None:
    """Neighbours exist for each sample, and at least the fewest rounds are made in no time at all."""
    taken = interleaved([lambda: None, lambda: sum(range(100)), lambda: None], seconds=0.0)
    lengths = {len(one) for samples in taken for one in (samples.wall, samples.processor)}
    assert lengths == {LEAST_ROUNDS}
    assert all(value >= 0 for samples in taken for value in (*samples.wall, *samples.processor))


def test_calls_take_turns(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """No call is sampled twice before all others were sampled once, and each comes first at times.

    Before each sample, of one call here, the call is made once untimed.
    """
    monkeypatch.setattr("xentcheck.bench.interleave._number", lambda call: 1)
    order: list[str] = []
    interleaved([lambda name=name: order.append(name) for name in "abc"], seconds=0.0)  # type: ignore[misc]
    assert order[::2] == order[1::2]
    rounds = [order[start : start + 6 : 2] for start in range(0, len(order), 6)]
    assert len(rounds) == LEAST_ROUNDS
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert {one[0] for one in rounds} == {"a", "b", "c"}


def test_collecting_garbage_is_left_as_it_was() -> None:
    """It is off while samples are taken, and on afterwards; off afterwards where it was off before."""
    seen: list[bool] = []
    interleaved([lambda: seen.append(gc.isenabled())], seconds=0.0)
    assert not seen[-1]
    assert gc.isenabled()
    gc.disable()
    try:
        interleaved([lambda: None], seconds=0.0)
        assert not gc.isenabled()
    finally:
        gc.enable()
