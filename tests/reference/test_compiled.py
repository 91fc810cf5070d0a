"""Rows compiled by numba: the exponential, what they are used for, and what is said where there is no numba."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest

from xentcheck import reference
from xentcheck.reference import batch, compiled
from xentcheck.reference.compiled import kept

needs_numba = pytest.mark.needs("numba")


@needs_numba
@pytest.mark.parametrize("name", ["SINGLE", "DOUBLE"])
def test_the_exponential_is_within_its_bound(name):
    """Over the whole range, against mpmath: 2.3 u, and one unit more where the result is subnormal; 0 for -inf."""
    from xentcheck.reference.compiled import exponential, passes

    form = getattr(exponential, name)
    finfo, rng = np.finfo(form.real), np.random.default_rng(3)
    u, unit = float(finfo.eps) / 2, float(finfo.smallest_subnormal)
    d = np.concatenate(
        [-np.linspace(0, 1.02 * -form.least, 3000), -np.logspace(-12, 0, 500), -rng.uniform(0, 90, 3000)]
    )
    halves = (np.arange(0, 40) + 0.5) * -np.log(2.0)
    d = np.concatenate([d, halves, np.nextafter(halves.astype(form.real), form.real(0)), [-np.inf]]).astype(form.real)
    e = d.copy()
    passes.exponentials(form)[1](e, 0, len(e))
    assert e[-1] == 0.0
    with mpmath.workprec(200):
        for x, got in zip(d[:-1], e[:-1], strict=True):
            exact = mpmath.exp(mpmath.mpf(float(x)))
            bound = 2.3 * u * exact + (unit if exact < float(finfo.tiny) else 0)
            assert abs(mpmath.mpf(float(got)) - exact) <= bound, x


@needs_numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(50, 10), (3, 70_001), (1, 300_000)])
def test_layouts_change_no_bit(shape, dtype, given):
    """Strided, transposed, read-only, unaligned and reversed logits; strided labels; outputs likewise."""
    z, y = given("sparse", *shape, dtype)
    n, m = shape
    expected = reference.sparse_loss_and_gradient(z, y, "none", compiled=True)
    readonly = z.copy()
    readonly.flags.writeable = False
    unaligned = np.frombuffer(b"." + z.tobytes(), np.uint8)[1:].view(dtype).reshape(shape)
    assert not unaligned.flags.aligned
    strided = np.repeat(z, 2, axis=1)[:, ::2]
    for logits in (readonly, unaligned, strided, np.asfortranarray(z), z[::-1].copy()[::-1]):
        for labels in (
            y,
            np.repeat(y, 2)[::2],
            np.frombuffer(b"." + y.tobytes(), np.uint8)[1:].view(y.dtype),
            y.astype(np.int8) if m < 100 else y,
            y.reshape(-1, 1),
        ):
            loss, gradient = reference.sparse_loss_and_gradient(logits, labels, "none", compiled=True)
            assert (loss.tobytes(), gradient.tobytes()) == (expected[0].tobytes(), expected[1].tobytes())
        assert reference.sparse_loss(logits, y, "none", compiled=True).tobytes() == expected[0].tobytes()
    for out in (np.empty((m, n), dtype).T, np.empty((n, 2 * m), dtype)[:, ::2]):
        reference.sparse_gradient(z, y, "none", out=out, compiled=True)
        np.testing.assert_array_equal(out, expected[1])


@needs_numba
def test_it_is_used_for_float32_and_float64_in_native_order():
    """Their last bits change; everything else is as by numpy, to the bit."""
    rng = np.random.default_rng(2)
    z, y = rng.normal(0, 3, (40, 500)), rng.integers(0, 500, 40)
    soft = rng.dirichlet(np.ones(500), 40)
    for dtype, labels, same in [
        (np.float32, y, False),
        (np.float64, y, False),
        (np.float64, np.eye(500)[y], False),
        (np.float64, soft, True),
        (np.float16, y, True),
        (">f8", y, True),
    ]:
        by_numpy = reference.gradient(z.astype(dtype), labels)
        by_numba = reference.gradient(z.astype(dtype), labels, compiled=True)
        assert (by_numpy.tobytes() == by_numba.tobytes()) is same, dtype


@needs_numba
def test_rows_without_a_class_or_with_two_are_not_one_hot():
    """Nor are those with a negative label, or with one that is -0.0 and a class that is masked."""
    z, t = np.zeros((6, 300), np.float32), np.eye(300, dtype=np.float32)[:6]
    for entries, loss in (([0, 0], 0.0), ([1, 1], 2 * np.log(300.0)), ([0.5, 0.5], np.log(300.0))):
        t[4] = 0
        t[4, 7:9] = entries
        assert reference.loss(z, t, "none", compiled=True)[4] == np.float32(loss)
    z[4, 9], t[4], t[4, 9] = -np.inf, 0, -0.0
    assert reference.loss(z, t, "none", compiled=True)[4] == 0
    t[4, 7] = -1
    with pytest.raises(ValueError, match=r"labels\[4, 7\] is -1.0, but must be finite and not negative"):
        reference.loss(z, t, compiled=True)


def test_without_numba_it_is_said_what_to_install(monkeypatch):
    """Also where there is nothing to do."""
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.setattr(batch, "kernel", compiled.kernel.__wrapped__)  # what it has kept stays for the other tests
    for rows in (0, 3):
        with pytest.raises(
            ModuleNotFoundError, match=r"compiled=True needs numba: .*pip install 'xentcheck\[compiled\]'"
        ):
            reference.loss(np.zeros((rows, 4)), np.zeros(rows, int), compiled=True)
    assert reference.loss(np.zeros((3, 4)), np.zeros(3, int)) == np.log(4.0)


def test_numba_is_imported_only_when_it_is_asked_for():
    """It takes half a second."""
    code = "import sys, xentcheck.reference as r; r.loss([[0.0, 1.0]], [1]); assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


_IN_ANOTHER_PROCESS = """
import numpy as np
from xentcheck import reference
from xentcheck.reference.compiled import finder, kernel

z, y = np.random.default_rng(4).normal(0, 3, (40, 50)).astype(np.float32), np.arange(40)
loss, gradient = reference.loss_and_gradient(z, np.eye(50, dtype=np.float32)[y], "none", compiled=True)
hits = [getattr(one.stats, "cache_hits") for one in (kernel(np.dtype(np.float32)), finder(np.dtype(np.int32)))]
print([sum(one.values()) for one in hits], loss.tobytes().hex(), gradient.tobytes().hex())
"""


def _said(directory):
    """Return the cache's hits and the results of a process that has a directory for machine code, or none ("")."""
    environment = {**os.environ, kept.VARIABLE: str(directory)}
    run = subprocess.run(
        [sys.executable, "-c", _IN_ANOTHER_PROCESS], env=environment, check=True, capture_output=True, text=True
    )
    hits, _, results = run.stdout.partition("] ")
    return f"{hits}]", results


@needs_numba
@pytest.mark.slow
def test_machine_code_is_kept_where_a_directory_is_named(tmp_path):
    """The second process has it from the first, to the same bits; a directory that cannot be made costs nothing."""
    hits, results = _said("")
    assert hits == "[0, 0]"
    assert _said(tmp_path / "own") == ("[0, 0]", results)
    assert _said(tmp_path / "own") == ("[1, 1]", results)
    (tmp_path / "file").write_text("")
    for _ in range(2):  # nor is it kept elsewhere, as numba does by itself
        assert _said(tmp_path / "file") == ("[0, 0]", results)


def test_kept_machine_code_is_of_these_sources(tmp_path, monkeypatch):
    """Whatever the time of a file: another digest with another version of numba, or one source that differs."""
    first = kept._digest("1.0")
    assert kept._digest("1.1") != first
    for path in Path(kept.__file__).parent.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(kept, "__file__", str(tmp_path / "kept.py"))
    assert kept._digest("1.0") == first
    with (tmp_path / "exponential.py").open("a") as file:
        file.write("# another")
    assert kept._digest("1.0") != first
