"""Mistakes about the soft cap of the logits, c tanh(z / c), and its derivative 1 - tanh(z / c)**2."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model, dot, log_softmax, logsumexp
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.SOFT_CAP)
def capped_otherwise(model: Model) -> Iterator[Prediction]:
    """Yield other functions in the cap's place; a gradient has their slope, the right one, or none."""
    cap = model.problem.soft_cap
    if cap is None:
        return
    z, t = model.raw, np.tanh(model.raw / cap)
    late = np.tanh((z - z.max(axis=-1, keepdims=True)) / cap)
    one = np.ones_like(z)
    for text, other, slope in (
        ("The soft cap has no effect.", z, one),
        ("The logits become tanh(z / c): the factor c is missing.", t, (1 - t**2) / cap),
        (
            "The logits become c tanh(z): the division by c is missing.",
            cap * np.tanh(z),
            cap * (1 - np.tanh(z) ** 2),
        ),
        (
            "The logits become z tanh(z / c), which bounds nothing; it is c tanh(z / c).",
            z * t,
            t + z / cap * (1 - t**2),
        ),
        ("The logits are clipped to [-c, c]; the cap is soft.", np.clip(z, -cap, cap), abs(z) <= cap),
        (
            "The soft cap is applied after the row's maximum is subtracted; cap first, it is no matter of an offset.",
            cap * late,
            1 - late**2,
        ),
        (
            "The soft cap is applied twice.",
            cap * np.tanh(model.z / cap),
            (1 - np.tanh(model.z / cap) ** 2) * (1 - t**2),
        ),
    ):
        log_p = log_softmax(other)
        rows = model.rows(logs=model.with_guard(log_p))
        if model.part == "loss":
            yield Prediction("soft_cap", text, model.finish(rows))
        else:
            for slopes in (slope, model.capping, one):
                yield Prediction("soft_cap", text, model.finish(rows, slope=np.asarray(slopes)))


@hypothesis(Rank.SOFT_CAP)
def capped_in_part(model: Model) -> Iterator[Prediction]:
    """Yield caps of which a part of the loss does without."""
    cap = model.problem.soft_cap
    if cap is None or model.part != "loss":
        return
    yield from left_out_in_part(model, "soft_cap", model.raw, "the soft cap")


def left_out_in_part(model: Model, mechanism: str, before: Floats, step: str) -> Iterator[Prediction]:
    """Yield losses of which a part is of the logits as they are before a step that belongs to all of them."""
    total, extra = model.t.sum(axis=-1), model.penalty() if model.problem.z_loss else 0.0
    lse = logsumexp(before)
    text = f"The label's logit is that before {step}; the log-sum-exp is of those after it."
    yield Prediction(mechanism, text, model.finish(total * model.lse - dot(model.t, before) + extra))
    text = f"The log-sum-exp is of the logits before {step}; the label's logit is that after it."
    yield Prediction(mechanism, text, model.finish(total * lse - dot(model.t, model.z) + extra))
    if model.problem.z_loss:
        text = f"The z-loss is that of the logits before {step}."
        penalty = model.problem.z_loss * model.problem.kept * lse**2
        yield Prediction(mechanism, text, model.finish(model.rows(z_loss=0.0) + penalty))


@hypothesis(Rank.SOFT_CAP)
def slopes(model: Model) -> Iterator[Prediction]:
    """Yield other derivatives of the right cap."""
    cap = model.problem.soft_cap
    if cap is None or model.part != "gradient":
        return
    t, s, inner = np.tanh(model.raw / cap), model.z, model.rows()
    right: Floats = 1 - t**2
    ways: list[tuple[str, object]] = [
        ("The derivative of the soft cap, 1 - tanh(z / c)**2, is missing.", 1.0),
        ("The derivative of the soft cap is 1 - tanh(z / c)**2; the square is missing.", 1 - np.abs(t)),
        ("The derivative of the soft cap is 1 - tanh(z / c)**2; the square is missing.", 1 - t),
        ("The soft cap's derivative is taken at the capped logit.", 1 - np.tanh(s / cap) ** 2),
        (
            "The soft cap's derivative is 1 - s**2 of the capped logit s; it is 1 - (s / c)**2.",
            1 - s * s,
        ),
        ("The soft cap's derivative is divided by c: the outer factor c is missing.", right / cap),
    ]
    for text, slope in ways:
        yield Prediction("soft_cap_derivative", text, model.finish(inner, slope=np.asarray(slope)))
    for other in (1.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0):
        text = f"The derivative is that of a soft cap of {other:g}, whatever the cap is."
        slope = 1 - np.tanh(model.raw / other) ** 2
        yield Prediction("soft_cap_derivative", text, model.finish(inner, slope=slope), 1.0, variant=f"{other:g}")
