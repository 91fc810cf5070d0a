"""One case: every path on the same numbers, in turn."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Mapping, Sequence

from xentcheck.bench import inputs
from xentcheck.bench.figures import REFERENCE, Case, Figure, Result, Spread
from xentcheck.bench.interleave import Samples, interleaved
from xentcheck.bench.paths import Path
from xentcheck.targets.errors import TargetError

Key = tuple[str, str]


def measure(paths: Mapping[Key, Path], case: Case, seconds: float) -> Result:
    """Return the figures of one case.

    Parameters
    ----------
    paths : mapping
        (name of the target, form of the labels) to path.
    case : Case
    seconds : float
        See `interleave.interleaved`.

    Raises
    ------
    TargetError
        If a target raises.
    """
    offered = {key: path for key, path in paths.items() if path.offers(case.part)}
    lacking = "loss" if case.part == "loss" else "gradient" if case.part == "gradient" else "loss with a gradient"
    absent = {name: f"has no {lacking}" for name, form in paths if (name, form) not in offered}
    if not any(name != REFERENCE for name, _ in offered) and absent:
        raise TargetError(f"{' and '.join(absent)} {'has' if len(absent) == 1 else 'have'} no {lacking} to time.")
    calls: dict[Key, Callable[[], object]] = {}
    notes: dict[Key, str] = {}
    peaks: dict[Key, float | None] = {}
    for key, path in offered.items():
        batch = inputs.batch(path.target.contract, case.rows, case.classes, case.dtype, path.form)
        call, overwritten = path.prepare(batch, case.part)
        try:
            call()
            peaks[key] = _peak(call) / batch.scores.nbytes if path.countable and batch.scores.nbytes else None
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise TargetError(
                f"{key[0]} cannot be timed: with {path.form} labels at {case.shape} in {case.dtype} it raised "
                f"{type(error).__name__}: {said}."
            ) from None
        changed = overwritten()
        notes[key] = f"overwrites its {' and '.join(changed)}; timed on what it left there" if changed else ""
        calls[key] = call
    taken = dict(zip(calls, interleaved(list(calls.values()), seconds), strict=True)) if calls else {}
    figures = tuple(
        Figure(
            target=name,
            labels=form,
            seconds=Spread.of(samples.wall),
            least=min(samples.wall),
            cores=sum(samples.processor) / max(sum(samples.wall), 1e-12),
            to_reference=_ratio(samples, taken.get((REFERENCE, form))) if name != REFERENCE else None,
            to_other=_ratio(samples, taken.get((name, _OTHER[form]))),
            peak=peaks[name, form],
            note=notes[name, form],
        )
        for (name, form), samples in taken.items()
    )
    return Result(case, figures, absent)


_OTHER = {"sparse": "onehot", "onehot": "sparse"}


def _ratio(samples: Samples, other: Samples | None) -> Spread | None:
    """Return the ratios of neighbouring samples."""
    if other is None:
        return None
    return Spread.of([mine / max(theirs, 1e-12) for mine, theirs in zip(samples.wall, other.wall, strict=True)])


def _peak(call: Callable[[], object]) -> int:
    """Return the most bytes that a call has allocated at a time, by tracemalloc."""
    tracemalloc.start()
    try:
        result = call()
        peak = tracemalloc.get_traced_memory()[1]
        del result
    finally:
        tracemalloc.stop()
    return peak


def common_part(paths: Sequence[Path]) -> str:
    """Return what all of some targets offer: both where they can, else the loss, else the gradient."""
    for part in ("both", "loss", "gradient"):
        if all(path.offers(part) for path in paths):
            return part
    raise TargetError("The targets have neither the loss nor the gradient in common; bench them one by one.")
