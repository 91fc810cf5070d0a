"""jax in a process of its own, with the persistent compilation cache."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from xentcheck.witnesses import run_in_process
from xentcheck.witnesses.compilation_cache import VARIABLE, default_cache_directory, use_cache

BATCH = (np.array([[0.0, 0.0], [1.0, 1.0]]), np.eye(2))
LOSSES = np.full(2, np.log(2.0))


def spawned():
    """Return an executor with one fresh process."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.slow
def test_cold_warm_and_unwritable_caches(tmp_path, monkeypatch):
    """A cold cache is filled, a warm one used as it is, and a directory that cannot be made is done without."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "from variable"))
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a directory")
    with spawned() as first, spawned() as second:
        cold = first.submit(run_in_process, [BATCH])
        without = second.submit(run_in_process, [BATCH], in_the_way)
        for answer in (cold, without):
            np.testing.assert_allclose(answer.result()[0][0], LOSSES, rtol=1e-15)
    kept = {path.name for path in default_cache_directory().iterdir() if "summed" in path.name}
    assert kept
    assert in_the_way.read_text() == "not a directory"
    with spawned() as third:
        losses, gradient = third.submit(run_in_process, [BATCH]).result()[0]
    np.testing.assert_allclose(losses, LOSSES, rtol=1e-15)
    np.testing.assert_allclose(gradient, [[-0.5, 0.5], [0.5, -0.5]], rtol=1e-15)
    assert {path.name for path in default_cache_directory().iterdir() if "summed" in path.name} == kept


def test_the_default_directory(tmp_path, monkeypatch):
    """The variable decides; without it, it is the user's cache directory for xentcheck."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert default_cache_directory().parent == tmp_path
    assert default_cache_directory() == default_cache_directory()
    monkeypatch.delenv(VARIABLE)
    assert "xentcheck" in str(default_cache_directory().parent)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_an_unwritable_directory_is_no_error(tmp_path, below):
    """Where a file is in the way nothing is configured."""
    (tmp_path / "file").write_text("")
    assert not use_cache(tmp_path / "file" / below)
