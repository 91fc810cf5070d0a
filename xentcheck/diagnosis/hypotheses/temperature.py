"""Mistakes about the temperature T, by which the logits are divided, and its factor 1 / T of the gradient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hessian_model import PART, HessianModel
from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.hypotheses.soft_cap import left_out_in_part
from xentcheck.diagnosis.loss_model import Floats, Model, log_softmax
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.TEMPERATURE)
def divided_otherwise(model: Model) -> Iterator[Prediction]:
    """Yield other logits in the place of z / T; a gradient has their slope, or the right one."""
    T, cap, z = model.problem.temperature, model.problem.soft_cap, model.capped
    if T is None:
        return
    slope = np.asarray(model.capping) * T
    ways: list[tuple[str, Floats, object]] = [
        ("The temperature has no effect.", z, slope),
        ("The logits are multiplied by the temperature; they are divided by it.", z * T, slope * T),
        ("The logits are divided by the temperature twice.", z / T**2, slope / T**2),
        ("The logits are divided by the square root of the temperature.", z / np.sqrt(T), slope / np.sqrt(T)),
    ]
    if cap is not None:
        first = np.tanh(model.raw / T / cap)
        text = "The logits are divided by the temperature before the soft cap; the cap comes first."
        ways.append((text, cap * first, (1 - first**2) / T))
    for text, other, own in ways:
        log_p = log_softmax(other)
        rows = model.rows(logs=model.with_guard(log_p))
        for one in (own, model.capping) if model.part == "gradient" else (own,):
            yield Prediction("temperature", text, model.finish(rows, slope=np.asarray(one)))


@hypothesis(Rank.TEMPERATURE)
def divided_in_part(model: Model) -> Iterator[Prediction]:
    """Yield losses of which a part is not divided, or that are multiplied by a power of T."""
    T = model.problem.temperature
    if T is None or model.part != "loss":
        return
    yield from left_out_in_part(model, "temperature", model.capped, "the division by the temperature")
    for factor, said in ((T, "T"), (T * T, "T^2, as distillation does")):
        text = f"The loss is multiplied by {said}."
        yield Prediction("temperature", text, factor * model.right)
    yield Prediction("temperature", "The loss is divided by T, and not its logits alone.", model.right / T)


@hypothesis(Rank.TEMPERATURE)
def factors_of_the_temperature(model: Model) -> Iterator[Prediction]:
    """Yield other factors of the right gradient."""
    T = model.problem.temperature
    if T is None or model.part != "gradient" or model.contract.gradient_wrt != "logits":
        return
    for factor, text in (
        (T, "The factor 1 / T of the gradient is missing."),
        (1 / T, "The gradient is divided by T twice."),
        (T * T, "The gradient is multiplied by T where it is to be divided."),
    ):
        yield Prediction("temperature_derivative", text, factor * model.right)
    text = "The factor 1 / T is at the softmax alone; the target is to be divided too."
    yield Prediction("temperature_derivative", text, model.right - model.finish(model.t * (T - 1)))
    text = "The factor 1 / T is at the target alone; the softmax is to be divided too."
    yield Prediction("temperature_derivative", text, T * model.right + model.finish(model.t * (T - 1)))


@hypothesis(Rank.TEMPERATURE, part=PART)
def products_under_a_temperature(model: Model) -> Iterator[Prediction]:
    """Yield second derivatives with another power of T."""
    T = model.problem.temperature
    if T is None:
        return
    assert isinstance(model, HessianModel)
    for factor, said in ((T, "One of the two factors 1 / T"), (T * T, "The factor 1 / T^2")):
        text = f"{said} of the second derivative is missing."
        yield Prediction("hessian_temperature", text, factor * model.right)
