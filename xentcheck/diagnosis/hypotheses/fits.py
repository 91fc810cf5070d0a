"""Mistakes with a constant that nobody can guess: fitted to one number returned, it has to explain the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from xentcheck.diagnosis.hypotheses.register import fit
from xentcheck.diagnosis.loss_model import Floats, Model
from xentcheck.diagnosis.observation import Group, Observation
from xentcheck.diagnosis.prediction import Prediction

TRIES = 2  # batches to whose values a constant is fitted
LARGEST = 2**12  # entries of a batch to which a constant is fitted by search
STEPS = 25  # of the grid on which a change of sign is looked for
BISECTIONS = 50

Value = Callable[[Model, float], Floats]


@fit
def affine(wrong: Sequence[Observation]) -> Iterator[Group]:
    """Yield another label smoothing, and another coefficient of the z-loss: loss and gradient are affine in both."""
    smoothed = [seen for seen in wrong if seen.model.problem.smoothing]

    def smoothing(model: Model, eps: float) -> Floats:
        if not model.problem.smoothing:
            return model.right
        return model.finish(model.rows(model.coefficients(smoothing=eps)))

    text = "The label smoothing acts as one of {constant:.6g}."
    yield from _direct(
        smoothed, "smoothing_distorted", text, _between(lambda m: smoothing(m, 0.0), smoothing), smoothing
    )

    def z_loss(model: Model, amount: float) -> Floats:
        return model.finish(model.rows(z_loss=amount)) if model.problem.z_loss else model.right

    with_z = [seen for seen in wrong if seen.model.problem.z_loss]
    plain = [seen for seen in wrong if seen.model.contract.input == "logits" and not seen.model.problem.z_loss]

    def unasked(model: Model, amount: float) -> Floats:
        return model.finish(model.rows(z_loss=amount))

    text = "A z-loss with a coefficient of {constant:.6g} is added, which is not asked for."
    yield from _direct(plain, "z_loss_not_asked_for", text, _between(lambda m: m.right, unasked), unasked)
    text = "The z-loss acts as one with a coefficient of {constant:.6g}."
    yield from _direct(with_z, "z_loss_distorted", text, _between(lambda m: z_loss(m, 0.0), z_loss), z_loss)


@fit
def constants_of_the_softmax(wrong: Sequence[Observation]) -> Iterator[Group]:
    """Yield what is added to the sum of exponentials or to the probability, and limits, of any size."""
    of_logits = [seen for seen in wrong if seen.model.contract.input == "logits"]
    text = "{constant:.4g} is added to the sum of the exponentials exp(z - max), as a guard of the division."
    yield from _searched(of_logits, "eps_in_denominator", text, (-320, 4), _denominator)
    text = "A class too many takes part, or padding does, with exp(logit) = {constant:.4g} in all; set it to -inf."
    yield from _searched(of_logits, "phantom_class", text, (-300, 300), _phantom)
    text = "The logits are multiplied by {constant:.10g} before the softmax (a temperature)."
    yield from _searched(of_logits, "temperature", text, (-2.5, 2.5), _temperature)
    losses = [seen for seen in of_logits if seen.model.part == "loss"]
    text = "The exponentials of the sum are exp({constant:.10g} x) in the place of exp(x), as by a short constant."
    yield from _searched(losses, "exponentials_approximate", text, (-0.4, 0.4), _exponent)
    text = "The logits are clipped to at most {constant:.6g} in size; subtract each row's maximum instead."
    yield from _searched(of_logits, "logits_clipped", text, (-2, 5), _clipped)
    text = "The logits are kept within {constant:.6g} of the row's maximum; leave them as they are."
    yield from _searched(of_logits, "logits_clipped", text, (-2, 5), _kept_near)
    text = "The logit of the label is lowered by {constant:.6g} (a margin)."
    yield from _searched(of_logits, "label_margin", text, (-4, 4), lambda model, c: _margin(model, -c))
    text = "The logit of the label is raised by {constant:.6g}."
    yield from _searched(of_logits, "label_margin", text, (-4, 4), _margin)
    text = "eps = {constant:.4g} is added to the probability: log(p + eps)."
    yield from _searched(wrong, "eps_added", text, (-320, 1), _eps)
    text = "Probabilities below {constant:.4g} count as that in the gradient."
    by_p = [seen for seen in wrong if seen.model.part == "gradient"]
    yield from _searched(by_p, "probability_raised", text, (-30, 0), _raised)
    text = "Losses of a row above {constant:.6g} are cut off: log p is limited."
    losses = [seen for seen in wrong if seen.model.part == "loss"]
    yield from _searched(losses, "log_limited", text, (-2, 5), _limited)


def _plus(model: Model, c: float) -> Floats:
    return np.asarray(model.right + c)


def _per_row(seen: Observation) -> Floats:
    model = seen.model
    rows = 1.0 if model.reduction == "none" else model.problem.kept.sum() / model.divisor
    return np.asarray((seen.got - model.right) / rows)


@fit
def scaled(wrong: Sequence[Observation]) -> Iterator[Group]:
    """Yield one factor for every number."""
    text = "The {part} equals the certified one times {constant:.10g} everywhere: a factor is wrong."
    yield from _direct(
        wrong, "scaled", text, lambda seen: seen.got / seen.model.right, lambda model, c: c * model.right
    )


def _between(zero: Callable[[Model], Floats], value: Value) -> Callable[[Observation], Floats]:
    """Return what finds the constant of a value that is affine in it."""

    def fit(seen: Observation) -> Floats:
        start = zero(seen.model)
        return np.asarray((seen.got - start) / (value(seen.model, 1.0) - start))

    return fit


@fit
def offset(wrong: Sequence[Observation]) -> Iterator[Group]:
    """Yield one number added to the loss, or to each row's."""

    def moved(model: Model, c: float) -> Floats:
        return model.finish(model.rows() + c * model.problem.kept)

    losses = [seen for seen in wrong if seen.model.part == "loss"]
    text = "{constant:.10g} is added to the loss."
    yield from _direct(losses, "added_to_loss", text, lambda seen: seen.got - seen.model.right, _plus)
    text = "{constant:.10g} is added to the loss of each row."
    yield from _direct(losses, "added_to_loss", text, _per_row, moved)


def _by(model: Model, d: Floats, s: Floats) -> Floats:
    """Return the part of a softmax whose exponents are d and whose denominator is s."""
    log_p = d - np.log(s)
    return model.finish(model.rows(logs=model.with_guard(log_p)))


def _exponents(z: Floats) -> tuple[Floats, Floats]:
    d = z - z.max(axis=-1, keepdims=True)
    return d, np.exp(d).sum(axis=-1, keepdims=True)


def _denominator(model: Model, c: float) -> Floats:
    d, s = _exponents(model.z)
    return _by(model, d, s + c)


def _phantom(model: Model, c: float) -> Floats:
    d, s = _exponents(model.z)
    return _by(model, d, s + np.exp(np.log(c) - model.z.max(axis=-1, keepdims=True)))


def _temperature(model: Model, c: float) -> Floats:
    value = _by(model, *_exponents(c * model.z))
    return value * c if model.part == "gradient" else value


def _exponent(model: Model, c: float) -> Floats:
    d, _ = _exponents(model.z)
    return _by(model, d, np.exp(c * d).sum(axis=-1, keepdims=True))


def _clipped(model: Model, c: float) -> Floats:
    return _by(model, *_exponents(np.clip(model.z, -c, c)))


def _kept_near(model: Model, c: float) -> Floats:
    d = np.maximum(model.z - model.z.max(axis=-1, keepdims=True), -c)
    return _by(model, *_exponents(d))


def _margin(model: Model, c: float) -> Floats:
    return _by(model, *_exponents(model.z + c * model.targets))


def _eps(model: Model, c: float) -> Floats:
    log_p, p = model.unguarded
    if model.part == "loss":
        return model.finish(model.rows(logs=(np.where(p > c, log_p + np.log1p(c / p), np.log(p + c)), p)))
    by_p = -model.t / (p + c)
    inner = np.where(by_p == 0, 0.0, p * by_p).sum(axis=-1, keepdims=True)
    return model.finish(p * (by_p - inner) if model.contract.gradient_wrt == "logits" else by_p)


def _limited(model: Model, c: float) -> Floats:
    log_p, p = model.logs
    return model.finish(model.rows(logs=(np.maximum(log_p, -c), p)))


def _raised(model: Model, c: float) -> Floats:
    log_p, p = model.logs
    if model.contract.gradient_wrt == "logits":
        return model.right
    return model.finish(model.rows(logs=(log_p, np.maximum(p, c))))


def _direct(
    wrong: Sequence[Observation], mechanism: str, text: str, fit: Callable[[Observation], Floats], value: Value
) -> Iterator[Group]:
    """Yield a group for each constant that the heaviest numbers of the first batches give by a formula."""
    yield from _groups(_different(map(fit, wrong[:TRIES]), wrong), mechanism, text, value)


def _searched(
    wrong: Sequence[Observation], mechanism: str, text: str, decades: tuple[float, float], value: Value
) -> Iterator[Group]:
    """Yield a group for each constant between powers of ten that search gives."""
    small = [seen for seen in wrong if seen.model.z.size <= LARGEST][:TRIES]
    found = (np.asarray(root) for seen in small for root in _roots(seen, value, decades))
    yield from _groups(_different(found, None), mechanism, text, value)


def _groups(constants: Iterator[float], mechanism: str, text: str, value: Value) -> Iterator[Group]:
    for constant in constants:

        def group(model: Model, c: float = constant) -> Iterator[Prediction]:
            said = text.format(constant=c, part=model.part)
            yield Prediction(mechanism, said, np.asarray(value(model, c)), variant=f"{text} {c:.6g}", free=1)

        yield group


def _different(found: Iterator[Floats], wrong: Sequence[Observation] | None) -> Iterator[float]:
    """Yield the constant of the number that is furthest from right in each batch, no two alike."""
    given: list[float] = []
    for place, values in enumerate(found):
        flat = np.ravel(values)
        weight = np.ones(flat.size) if wrong is None else np.ravel(wrong[place].error)
        weight = np.where(np.isfinite(flat), weight, -1.0)
        if not weight.size or weight.max() <= 0:
            continue
        value = float(flat[weight.argmax()])
        if not any(abs(value - other) <= 1e-7 * abs(other) for other in given):
            given.append(value)
            yield value


def _roots(seen: Observation, value: Value, decades: tuple[float, float]) -> Iterator[float]:
    """Yield the smallest and the largest constant that give the number that is furthest from right, by bisection."""
    place = int(np.where(np.isfinite(seen.error), seen.error, -1.0).argmax())
    wanted = float(seen.got.ravel()[place])
    if not np.isfinite(wanted):
        return

    def off(power: float) -> float:
        return float(value(seen.model, float(10.0**power)).ravel()[place]) - wanted

    grid = np.linspace(*decades, STEPS)
    values = np.array([off(float(power)) for power in grid])
    changes = np.flatnonzero(np.isfinite(values[:-1] + values[1:]) & (np.sign(values[:-1]) * np.sign(values[1:]) < 0))
    for change in dict.fromkeys((*changes[:1], *changes[-1:])):
        low, high = grid[change], grid[change + 1]
        rising = values[change] < 0
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            if (off(middle) < 0) == rising:
                low = middle
            else:
                high = middle
        yield float(10.0**low)
