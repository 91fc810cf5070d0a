"""What `doctor` examines. Each examination yields lines; none raises."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from xentcheck.truth.formats import FORMATS

NEEDED = ("click", "hypothesis", "jax", "ml_dtypes", "numpy", "platformdirs", "python-flint", "rich", "scipy")
OPTIONAL = ("optax", "scikit-learn", "torch")


@dataclass(frozen=True)
class Line:
    """One thing that was examined: what it is, whether it is fit, and what to do where it is not."""

    what: str
    fit: bool = True
    advice: str = ""


def versions() -> Iterator[Line]:
    """Interpreter and packages: those that xentcheck needs, and the frameworks that it can judge here."""
    right = sys.version_info >= (3, 11)
    yield Line(f"Python {platform.python_version()}, {platform.platform()}", right, "use Python 3.11 or later")
    for name in NEEDED:
        version = _version(name)
        yield Line(f"{name} {version or 'is missing'}", bool(version), f"python -m pip install {name}")
    present = {name: _version(name) for name in OPTIONAL}
    listed = ", ".join(f"{name} {version or 'not installed'}" for name, version in present.items())
    yield Line(f"frameworks to judge, none of them needed: {listed}")


def rounding() -> Iterator[Line]:
    """float64 as IEEE 754 has it: to nearest with ties to even, both ways, and without extended precision."""
    advice = "another library has changed the rounding mode, or this processor has no IEEE 754 float64"
    one, half_ulp = np.float64(1.0), np.float64(2.0**-53)
    nearest = one + half_ulp == one and one + half_ulp * 3 == one + 2.0**-51 and -one - half_ulp == -one
    up_or_down = np.float64(1.0) / np.float64(3.0) == 6004799503160661.0 * 2.0**-54
    yield Line("float64 rounds to nearest, ties to even", bool(nearest and up_or_down), advice)
    hidden = (one + half_ulp) - one != 0.0 or (np.float64(1e16) + one) - np.float64(1e16) != 0.0
    yield Line("float64 sums carry no hidden digits", not hidden, advice)


def subnormals() -> Iterator[Line]:
    """Subnormal numbers are kept: a library that was built with unsafe optimisation flushes them to zero."""
    advice = "a library that this Python loads flushes subnormals to zero; look for one built with -ffast-math"
    for name in ("float32", "float64"):
        format_ = FORMATS[name]
        normal = np.full(8, format_.smallest_normal, format_.dtype)  # eight, so that vector instructions are tried
        halves = normal / format_.dtype.type(2)
        smallest = np.full(8, format_.smallest_subnormal, format_.dtype)
        kept = np.all(halves + halves == normal) and np.all(smallest * format_.dtype.type(3) > smallest)
        yield Line(f"{name} keeps subnormal numbers", bool(kept), advice)


def table() -> Iterator[Line]:
    """The double-double exponentials, held against ball arithmetic."""
    advice = "numpy's arithmetic is not that of IEEE 754 here; every verdict is in doubt"
    yield from _timed("double-double exponentials agree with ball arithmetic", _certify_table, advice)


def worker() -> Iterator[Line]:
    """A worker process starts and answers."""
    advice = "this machine lets no process be started, or not in ten seconds"
    yield from _timed("a worker process starts and answers", _call_worker, advice)


def cache() -> Iterator[Line]:
    """The folder of jax's compilation cache can be written; without it each run compiles anew."""
    folder = _cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".doctor-{time.time_ns()}"
        probe.write_bytes(b"")
        probe.unlink()
        yield Line(f"compilation cache {folder}")
    except OSError as error:
        advice = (
            f"{error.strerror}; make it writable, or name another in XDG_CACHE_HOME: without it each run compiles anew"
        )
        yield Line(f"compilation cache {folder}", False, advice)


EXAMINATIONS: tuple[Callable[[], Iterator[Line]], ...] = (versions, rounding, subnormals, table, worker, cache)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _timed(what: str, action: Callable[[], bool], advice: str) -> Iterator[Line]:
    """Yield the line of an action that says whether all is well, with the time that it took."""
    begun = time.perf_counter()
    try:
        fit, reason = action(), ""
    except Exception as error:
        fit, reason = False, f"{type(error).__name__}: {error}; "
    yield Line(f"{what} ({time.perf_counter() - begun:.2f} s)", fit, reason + advice)


def _certify_table() -> bool:
    """Return whether the table is made, which certifies each entry, and exp of some numbers lies within its bound."""
    from flint import arb, ctx

    from xentcheck.truth.exponential import RELATIVE_ERROR, exponential

    points = np.concatenate([-np.geomspace(1e-9, 600.0, 60), [0.0]])
    high, low = exponential(points, None)
    before, ctx.prec = ctx.prec, 160
    try:
        found = zip(points.tolist(), high.tolist(), low.tolist(), strict=True)
        return all(
            abs((arb(first) + arb(second)) / arb(point).exp() - 1) < RELATIVE_ERROR for point, first, second in found
        )
    finally:
        ctx.prec = before


def _call_worker() -> bool:
    """Return whether a worker with the reference gives ln 2 for two equal logits."""
    from xentcheck.batches.batch import Batch
    from xentcheck.targets import TargetSpecification, open_host

    with open_host(TargetSpecification(loss="reference")) as host:
        outcome = host.evaluate(Batch(np.zeros((1, 2)), np.zeros(1, np.int64)))
    return outcome.loss is not None and abs(float(outcome.loss) - 0.6931471805599453) < 1e-12


def _cache_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("xentcheck"))
