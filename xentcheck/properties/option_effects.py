"""Laws on the options of a call: 9 deletion, 8 divisor, 17 smoothing, 18 weights, 19 auxiliary terms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Argument, Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Applies, Capabilities, Found, law
from xentcheck.truth.formats import FORMATS


def _takes(option: str) -> Applies:
    """Return the condition that an option is an argument of the target's call, so that it can be varied."""

    def applies(contract: Contract, capabilities: Capabilities) -> str:
        return "" if option in contract.arguments else f"{option} is no argument of the target"

    return applies


def with_option(batch: Batch, option: str, value: Any) -> Batch:
    """Return the batch with one option changed."""
    return batch.replace(options={**batch.options, option: value})


def _ignores(contract: Contract, capabilities: Capabilities) -> str:
    if contract.ignore_index is None:
        return "the contract ignores no label"
    return "" if "sparse" in contract.labels else "rows are ignored by integer labels only"


@law(
    9,
    "deletion",
    "An ignored row is as good as removed from loss and gradient, whatever its scores are.",
    formula="loss(Z with ignored rows) = loss(Z without them), and g = 0 in these rows",
    sources="pytorch 64572, 73205, 11551; Paddle 48663; burn 5568; chainer 2715; keras 21908; Liger-Kernel 1338",
    needs="any",
    labels=("sparse",),
    applies=_ignores,
)
def deletion(case: Case) -> Iterator[Found]:
    """One more row with the ignored label: its scores huge, or not finite where the contract declares that.

    Probabilities are certain of one class: a loss may refuse what is none.

    As many again as there are where each shape is compiled: the law of reductions asks for twice as many rows, too.
    """
    batch = case.batch
    ignored = case.contract.value_in("ignore_index", batch.options)
    if ignored is None or batch.n == 0 or not _holds(batch.labels, ignored) or not case.may_compile:
        return
    random = case.random("deletion")
    wild = [1.0, 1e4, *(float(kind) for kind in case.contract.nonfinite_kinds)]
    count = batch.n if case.capabilities.expensive_shapes else 1
    row = np.full((1, batch.m), wild[int(random.integers(len(wild)))])
    if case.contract.input == "probabilities":
        row = np.eye(batch.m)[[int(random.integers(batch.m))]]
    row = row.astype(batch.scores.dtype)
    label = np.full_like(batch.labels[:1], ignored)
    place = int(random.integers(batch.n + 1))
    options = dict(batch.options)
    if "row_weights" in options:
        options["row_weights"] = np.insert(options["row_weights"], [place] * count, 1)
    longer = batch.replace(
        scores=np.insert(batch.scores, [place] * count, row, axis=0),
        labels=np.insert(batch.labels, [place] * count, label, axis=0),
        options=options,
    )
    rows = "an ignored row" if count == 1 else f"{count} ignored rows"
    more = ", ..." if case.contract.input == "probabilities" else ""
    yield case.check(longer, f"with {rows} of {float(row[0, 0]):g}{more} put in at {place}")


def _holds(labels: np.ndarray, value: int) -> bool:
    """Return whether the labels' dtype holds a value."""
    limits = np.iinfo(labels.dtype) if labels.dtype.kind in "iu" else None
    return limits is not None and limits.min <= value <= limits.max


@law(
    17,
    "smoothing",
    "The loss is affine in the label smoothing: (1 - eps) cross-entropy + eps uniform, in the gradient too.",
    formula="L_ε = (1 − ε) L(z, y) + ε L(z, uniform)",
    sources="Megatron-LM 737, 7464; Liger-Kernel 243; aprender 2199; mlx 166; pytorch 148884",
    needs="any",
    applies=_takes("label_smoothing"),
)
def smoothing(case: Case) -> Iterator[Found]:
    """The same batch under another smoothing, 0 and 1 among them; where each is compiled, one that others have."""
    values = (0.0, 0.1) if case.capabilities.expensive_shapes else (0.0, 1.0, 0.5, 0.1)
    value = case.contract.drawn["label_smoothing"].inside(values[int(case.random("smoothing").integers(len(values)))])
    if case.contract.smoothing_over == "others" and case.batch.m < 2:
        return
    yield case.check(with_option(case.batch, "label_smoothing", value), f"with a label smoothing of {value:g}")


@law(
    18,
    "weights",
    "Class weights multiply the true class's loss; scaling them all scales a sum and leaves a weighted mean.",
    formula="L_w = w_y L(z, y)",
    sources="pytorch 107680, 31295; iree 24228; scikit-learn 10055",
    needs="any",
    applies=_takes("class_weights"),
)
def weights(case: Case) -> Iterator[Found]:
    """Uniform weights, weights doubled, and a single class with another weight."""
    batch = case.batch
    given = batch.options.get("class_weights")
    dtype = batch.scores.dtype if given is None else np.asarray(given).dtype
    random = case.random("weights")
    single = np.ones(batch.m)
    single[int(random.integers(max(batch.m, 1)))] = 4.0
    ways = [(np.ones(batch.m), "with uniform class weights"), (single, "with one class of weight 4, the rest 1")]
    if given is not None:
        ways.append((2.0 * np.asarray(given, np.float64), "with the class weights doubled"))
    values, said = ways[int(random.integers(len(ways)))]
    yield case.check(with_option(batch, "class_weights", values.astype(dtype)), said)


@law(
    18,
    "row-weights",
    "Each row's loss is multiplied by its weight: a row of weight 0 adds nothing, whatever its scores are.",
    formula="L_v = v L(z, y), and L_0 = 0",
    sources="keras 13329, 2546, 7917; keras-core 802",
    needs="any",
    applies=_takes("row_weights"),
)
def row_weights(case: Case) -> Iterator[Found]:
    """Uniform weights, one row with another weight, weights doubled, and one more row of weight 0 with huge scores."""
    batch, random = case.batch, case.random("row weights")
    if batch.n == 0 or "row_weights" not in batch.options:
        return
    given = np.asarray(batch.options["row_weights"])
    numbers = case.contract.row_weights_as == "numbers"
    place = int(random.integers(batch.n))
    single = np.ones(batch.n)
    single[place] = 4.0 if numbers else 0.0
    others = [
        (np.ones(batch.n), "with uniform row weights"),
        (single, f"with the weight {single[place]:g} of row {place}, the rest 1"),
    ]
    if numbers:
        others.append((2.0 * given.astype(np.float64), "with the row weights doubled"))
    ways = [(with_option(batch, "row_weights", values.astype(given.dtype)), said) for values, said in others]
    if case.may_compile:
        ways.append(_with_a_row_without_weight(case, place))
    yield case.check(*ways[int(random.integers(len(ways)))])


def _with_a_row_without_weight(case: Case, place: int) -> tuple[Batch, str]:
    """Return the batch with one row repeated at the weight 0; logits are huge, or what `nonfinite` lists."""
    batch, contract = case.batch, case.contract
    longer = batch.rows(np.insert(np.arange(batch.n), place, place))
    scores, weights = longer.scores.copy(), np.asarray(longer.options["row_weights"]).copy()
    weights[place] = 0
    if contract.input == "logits":
        wild = [1e4, *(float(kind) for kind in contract.nonfinite_kinds)]
        scores[place] = wild[int(case.random("wild").integers(len(wild)))]
    longer = with_option(longer.replace(scores=scores), "row_weights", weights)
    return longer, f"with a row of weight 0 and the scores {scores[place, 0]:g}, ... put in at {place}"


@law(
    8,
    "divisor",
    "A sum is divided by the number that the caller gives, whatever the rows are.",
    formula="loss(Z, d) = sum(Z) / d",
    sources="transformers 34191, 35438; NeMo Automodel 3796",
    needs="any",
    applies=_takes("divisor"),
)
def divisor(case: Case) -> Iterator[Found]:
    """The same batch over another count: few items, or far more than it has rows."""
    counts = (1.0, 5.0, 1000.0, 2.0**14)
    count = case.contract.drawn["divisor"].inside(counts[int(case.random("divisor").integers(len(counts)))])
    yield case.check(with_option(case.batch, "divisor", count), f"with the divisor {count:g}")


@law(
    19,
    "z-loss",
    "A z-loss adds lambda times the square of the log-sum-exp to each row, and nothing where lambda is 0.",
    formula="L_λ = L + λ (log Σ_j exp(z_j))^2",
    sources="Megatron-LM 7452; Liger-Kernel 1298",
    needs="any",
    applies=_takes("z_loss"),
)
def z_loss(case: Case) -> Iterator[Found]:
    """The same batch under another lambda, 0 among them; where each is compiled, one that others have."""
    values = (0.0, 1e-4) if case.capabilities.expensive_shapes else (0.0, 2.0**-10, 1.0)
    value = case.contract.drawn["z_loss"].inside(values[int(case.random("z-loss").integers(len(values)))])
    yield case.check(with_option(case.batch, "z_loss", value), f"with a z-loss of {value:g}")


def _capped(contract: Contract, capabilities: Capabilities) -> str:
    return "" if contract.soft_cap is not None else "the contract has no soft cap"


@law(
    19,
    "soft-cap",
    "A soft cap bounds the logits: far above them it is nearly off, and far below them their gradient is nearly 0.",
    formula="L_c(z) = L(c tanh(z / c)), and ∂/∂z_j has the factor 1 − tanh(z_j / c)^2",
    sources="unsloth-zoo 593; ml-cross-entropy 48; flash-attention 1033; keras-hub 1712; tokenspeed 183",
    needs="any",
    applies=_capped,
)
def soft_cap(case: Case) -> Iterator[Found]:
    """The batch with a cap far above, near or far below its logits: another cap, or logits of another size."""
    batch, format_ = case.batch, FORMATS[case.batch.dtype]
    scores = batch.scores.astype(np.float64)
    size = float(np.abs(scores[np.isfinite(scores)]).max(initial=0.0))
    if size == 0.0:
        return
    ways = (
        (10, "far above the logits, where it is nearly off"),
        (0, "about as large as the largest logit"),
        (-5, "far below the largest logit, whose gradient is nearly 0"),
    )
    power, said = ways[int(case.random("soft cap").integers(len(ways)))]
    declared = case.contract.soft_cap
    if isinstance(declared, float):
        largest = declared * 2.0**-power
        if largest < format_.largest / 8:
            spread = (scores / size * largest).astype(format_.dtype)
            yield case.check(batch.replace(scores=spread), f"with the soft cap {said}")
        return
    exponent = int(np.frexp(size)[1]) + power
    if abs(exponent) < -format_.normal_exponent - 2:
        cap = case.contract.drawn["soft_cap"].inside(2.0**exponent)
        said = said if cap == 2.0**exponent else "an end of its range"
        yield case.check(with_option(batch, "soft_cap", cap), f"with a soft cap of {cap:g}, {said}")


def _tempered(contract: Contract, capabilities: Capabilities) -> str:
    return "" if contract.temperature is not None else "the contract has no temperature"


@law(
    19,
    "temperature",
    "The loss of k z at the temperature k T is that of z at T, and its gradient 1/k of that.",
    formula="L(kz; kT) = L(z; T) and g(kz; kT) = g(z; T) / k",
    sources="Fast-LLM 228; dml_cross_entropy 1; miles 68",
    needs="any",
    applies=_tempered,
)
def temperature(case: Case) -> Iterator[Found]:
    """Logits and temperature times a power of two; under a constant one, logits about as large as it is."""
    batch, format_ = case.batch, FORMATS[case.batch.dtype]
    scores = batch.scores.astype(np.float64)
    size = float(np.abs(scores[np.isfinite(scores)]).max(initial=0.0))
    declared, random = case.contract.temperature, case.random("temperature")
    if isinstance(declared, Argument) and "temperature" not in batch.options:
        return
    powers = [power for power in (0.25, 0.5, 2.0, 4.0, 16.0) if _within(case, power)]
    if not powers:
        return
    power = powers[int(random.integers(len(powers)))]
    if isinstance(declared, float):
        power = declared * power / size if size > 0.0 else 1.0
    if not size * power < format_.largest / 8:
        return
    scaled = batch.replace(scores=(scores * power).astype(format_.dtype))
    if isinstance(declared, float):
        yield case.check(scaled, f"with logits of up to {size * power:.3g} under the temperature {declared:g}")
        return
    now = float(batch.options["temperature"]) * power
    yield case.check(with_option(scaled, "temperature", now), f"with logits and temperature times {power:g}")


def _within(case: Case, power: float) -> bool:
    """Return whether the temperature may be so many times as large."""
    declared, now = case.contract.temperature, float(case.batch.options.get("temperature", 0.0))
    return not isinstance(declared, Argument) or declared.inside(now * power) == now * power
