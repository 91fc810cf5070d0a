"""Constants that protect a logarithm: added, used as a clip, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from xentcheck.contract import Boundary
from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model, dot
from xentcheck.diagnosis.prediction import Prediction

EPSILONS = (*(10.0**-k for k in range(1, 21)), 5e-7, 1e-30, 1e-38, 1e-45, 1e-100, 1e-300)
MACHINE = {
    "float16's eps": 2.0**-10,
    "bfloat16's eps": 2.0**-7,
    "float32's eps": 2.0**-23,
    "float64's eps": 2.0**-52,
    "float32's smallest normal number": 2.0**-126,
    "float64's smallest normal number": 2.0**-1022,
    "float16's smallest normal number": 2.0**-14,
}
_FLOAT32 = np.finfo(np.float32)
BITS = 3.0  # some thirty constants are tried, of which most lie out of reach of one batch


def _constants(model: Model) -> Iterator[tuple[str, float]]:
    """Yield the constants worth trying: those that some probability of the batch can feel."""
    for eps in EPSILONS:
        yield f"{eps:g}", eps
    for name, eps in MACHINE.items():
        yield f"{eps:.4g} ({name})", eps


@hypothesis(Rank.GUARD, partly=True)
def fitted(model: Model) -> Iterator[Prediction]:
    """Yield the contract's guard left out, or an eps used as a clip and the other way round."""
    stated = model.contract.boundary
    if stated.exact:
        return
    if model.part == "gradient" and model.contract.gradient_of == "ideal":
        text = f"The gradient is that of the loss with its guard ({_stated(stated)}); the contract's is without it."
        yield _guarded(model, "gradient_guarded", text, stated, model.unguarded[1], 0.0)
        return
    if model.u < _FLOAT32.eps / 2 and (narrow := _in_float32(stated)) != stated:
        text = f"The constants of {_stated(stated)} are rounded to float32."
        yield _guarded(model, "constant_in_float32", text, narrow, model.unguarded[1])
    if model.part == "gradient" and model.contract.at_clipped:
        text = f"The gradient is 0 beyond {_stated(stated)}; the contract's passes through, at the clipped p."
        yield _guarded(model, "gradient_guarded", text, stated, model.unguarded[1], 0.0)
    text = f"The guard that the contract states ({_stated(stated)}) has no effect."
    yield _guarded(model, "guard_missing", text, Boundary(), model.unguarded[1], 0.0)
    if stated.add is not None:
        yield from _added_before_the_division(model, stated.add)
        yield _guarded(
            model,
            "eps_as_clip",
            f"The {_stated(stated)} of the contract is used as a clip.",
            Boundary(clip=(stated.add, 1.0)),
            model.unguarded[1],
        )
    elif stated.clip:
        if model.part == "gradient" and model.contract.gradient_wrt == "probabilities":
            text = f"The gradient is -t / clip(p) outside the limits of {_stated(stated)} too, where it is 0."
            p = np.clip(model.unguarded[1], *stated.clip)
            yield Prediction("clip", text, model.finish(np.where(model.t == 0, 0.0, -model.t / p)))
        yield from _in_another_order(model)
        yield from _adding(model, "clip_as_eps", f"The {_stated(stated)} of the contract is added.", stated.clip[0])


def _in_float32(boundary: Boundary) -> Boundary:
    """Return a boundary whose constants are numbers of float32."""
    add = None if boundary.add is None else float(np.float32(boundary.add))
    if boundary.clip is None:
        return replace(boundary, add=add)
    low, high = (float(np.float32(one)) for one in boundary.clip)
    return replace(boundary, clip=(low, high))


def _in_another_order(model: Model) -> Iterator[Prediction]:
    """Yield the division of rows by their sum before the clip where it is promised after it, and the reverse."""
    stated, given = model.contract.boundary, model.z
    divided = given / given.sum(axis=-1, keepdims=True)
    if model.contract.input != "probabilities" or model.part != "loss" or not stated.divides:
        return
    if stated.after:
        text = "Rows are divided by their sum and then clipped; the contract says that they are clipped first."
        log_p = model.guard(replace(stated, after=False), (np.log(divided), divided))
        yield Prediction("clip_after_normalising", text, model.finish(-dot(model.t, log_p)), BITS)
        text = "Rows are not divided by their sum after the clip."
        yield _guarded(model, "not_renormalised", text, replace(stated, after=False), given)
    else:
        text = "Rows are clipped and then divided by their sum; the contract says that they are divided first."
        log_p = model.guard(replace(stated, normalise=False, after=True), (np.log(given), given))
        yield Prediction("clip_before_normalising", text, model.finish(-dot(model.t, log_p)), BITS)


def _added_before_the_division(model: Model, eps: float) -> Iterator[Prediction]:
    """Yield eps added to each entry of a row, which is divided by its new sum then."""
    if model.contract.input != "probabilities" or model.part != "loss":
        return
    text = f"{eps:g} is added to each entry, and the row then divided by its sum; the contract says "
    text += f"{_stated(model.contract.boundary)}."
    raised = model.z + eps
    rows = -dot(model.t, np.log(raised / raised.sum(axis=-1, keepdims=True)))
    yield Prediction("eps_before_normalising", text, model.finish(rows), BITS)


@hypothesis(Rank.GUARD, partly=True)
def other_constants(model: Model) -> Iterator[Prediction]:
    """Yield another constant, where it is added and where it limits: first as the contract has it."""
    first, second = (_clipped, _added) if model.contract.boundary.clip else (_added, _clipped)
    yield from first(model)
    yield from second(model)


def _added(model: Model) -> Iterator[Prediction]:
    """Yield -log(p + eps), and its gradient."""
    declared, felt = model.contract.boundary.add, _smallest(model)
    for name, eps in _constants(model):
        if eps == declared or eps <= felt * model.u:
            continue
        text = f"eps = {name} is added to the probability: log(p + eps). {_advice(model)}"
        yield from _adding(model, "eps_added", text, eps)


def _adding(model: Model, mechanism: str, sentence: str, eps: float) -> Iterator[Prediction]:
    """Yield -log(p + eps) or its gradient, and that of the sum as it is rounded: near p = 1 few digits of eps stay."""
    boundary = Boundary(add=eps)
    yield _guarded(model, mechanism, sentence, boundary, model.unguarded[1])
    if model.part == "loss" and model.problem.format.dtype.type(eps) > 0:
        yield _of_logs(model, mechanism, sentence, model.rounded_guard(boundary), exact=True)


def _clipped(model: Model) -> Iterator[Prediction]:
    """Yield -log(clip(p, c, 1 - c)), -log(max(p, c)), and their gradients, with a dead zone or without."""
    p = model.unguarded[1]
    declared = model.contract.boundary.clip
    felt, top = _smallest(model), float(np.nanmax(p, initial=0.0))
    for name, c in _constants(model):
        if c >= 0.5 or (c < felt and top <= 1 - c):
            continue
        for high, how in ((1 - c, f"[{name}, 1 - {name}]"), (1.0, f"[{name}, 1]"), (math.inf, f"{name} from below")):
            same = high == 1 - c and model.problem.format.dtype.type(high) == 1  # as [c, 1], which is next
            if declared == (c, high) or (high == math.inf and top <= 1) or same:
                continue
            text = f"The probability is clipped to {how} before the logarithm."
            yield _guarded(model, "clip", f"{text} {_advice(model)}", Boundary(clip=(c, high)), p)
            if model.part == "gradient":
                held = np.clip(p, c, high)
                t = model.t
                rows = model.factor_of_p(t) * held - t
                yield Prediction("clip", f"{text} {_advice(model)}", model.finish(rows), BITS, variant=text)


def _guarded(
    model: Model, mechanism: str, sentence: str, boundary: Boundary, p: Floats, bits: float = BITS
) -> Prediction:
    """Return the guess that this boundary is applied in place of the contract's."""
    if model.part == "loss":
        return _of_logs(model, mechanism, sentence, model.guard(boundary), bits)
    rows = model.slope(model.t, p, boundary)
    if model.problem.z_loss and model.contract.gradient_wrt == "logits":
        rows = rows + model.penalty()
    return Prediction(mechanism, sentence, model.finish(rows), bits, variant=sentence)


def _of_logs(
    model: Model, mechanism: str, sentence: str, log_p: Floats, bits: float = BITS, exact: bool = False
) -> Prediction:
    """Return the guess that the loss is of these log p."""
    rows = -dot(model.t, log_p)
    if model.problem.z_loss:
        rows = rows + model.penalty()
    return Prediction(mechanism, sentence, model.finish(rows), bits, exact, variant=sentence)


def _smallest(model: Model) -> float:
    """Return the smallest probability at a target, which feels a guard first."""
    used = np.where(model.t != 0, model.unguarded[1], np.inf)
    return float(used.min(initial=1.0))


def _advice(model: Model) -> str:
    if model.contract.input == "logits":
        return "Take log_softmax of the logits, which needs no guard."
    return f"The contract says {_stated(model.contract.boundary)}."


def _stated(boundary: Boundary) -> str:
    if boundary.add is not None:
        return f"log(p + {boundary.add:g})"
    if boundary.clip is not None:
        clip = f"clip(p, {boundary.clip[0]:.15g}, {boundary.clip[1]:.15g})"
        return f"{clip} over its sum" if boundary.after else clip
    return "the logarithm of p itself"
