"""The keys of what is promised of the gradient, at the rim, of accuracy, and of how it is tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xentcheck.contract import values
from xentcheck.contract.key import key
from xentcheck.contract.keys_loss import REDUCTIONS
from xentcheck.contract.values import DTYPES, ContractError, ListOf, OneOf

OFF_LABEL = "-inf off the label"
P_MINUS_T = "p - t"
AT_CLIPPED = "ideal at clip(p)"
EXCLUSIVE_OPTIONS = "exclusive_options"
GRADES = ("B", "A*", "A", "B+", "C")
INVALID_KINDS = (
    "label_out_of_range",
    "label_negative",
    "label_fractional",
    "length_mismatch",
    "shape_mismatch",
    "labels_not_binary",
    "probabilities_not_stochastic",
    EXCLUSIVE_OPTIONS,
)


def _gradient_reduction(name: str, value: Any) -> str | None:
    return None if value is None else str(values.one_of(name, value, REDUCTIONS))


def _invalid(name: str, value: Any) -> str | tuple[str, ...] | float:
    if isinstance(value, float):
        return value
    if isinstance(value, Mapping):
        if set(value) != {"returns"}:
            raise ContractError(f'{name} is {dict(value)!r}, but the sentinel is given as {{"returns": NUMBER}}.')
        return float(value["returns"])
    if value in ("unspecified", "raise"):
        return str(value)
    return values.list_of(name, value, INVALID_KINDS)


def _invalid_to_json(value: Any) -> Any:
    return {"returns": value} if isinstance(value, float) else values.to_json(value)


def _compute(name: str, value: Any) -> str | None:
    return None if value is None else str(values.one_of(name, value, ("same", *DTYPES)))


@dataclass(frozen=True)
class Gradient:
    """What the gradient is."""

    gradient_wrt: str = key(
        "logits",
        OneOf("logits", "probabilities", "log_probabilities"),
        meaning=(
            "By what the loss is differentiated. A loss on probabilities often offers p - t, its gradient by the logits"
            " behind them. A jvp is along a tangent of the same."
        ),
        example="gradient_wrt=logits",
    )
    gradient_of: str = key(
        "ideal",
        OneOf("ideal", "loss", P_MINUS_T, AT_CLIPPED),
        meaning=(
            "The derivative of the loss without its boundary, by the logits (sum t) p - t; that of the loss as "
            "declared, boundary included: they part where p is near eps or beyond the clip. Of given probabilities, "
            "nothing added or clipped, they are one number, which `loss` allows to be calculated step by step, through "
            "-t/p and the softmax, and `ideal` as p - t. Or p - t whatever the row "
            "of labels sums to, as in tensorflow: a policy, and where that is not 1 no derivative of the loss, since "
            "a row of zeros has a loss of 0 and the gradient p. A label t is smoothed as in the loss; row weights, a "
            "z-loss, a soft cap, a temperature, reduction and upstream gradient enter as ever; a Hessian-vector "
            "product is of the derivative of p - t, that of the softmax. Only with soft labels, `soft_rows=any` and "
            "`gradient_wrt=logits`, and without `class_weights`. Or the derivative without the boundary, taken at the "
            "clipped p: -t/clip(p) by the probabilities, (sum t) clip(p) - t by the logits, as backward passes have it "
            "that clip what they are given once more, or keep what the loss has clipped. Beyond the clip it is none of "
            "any loss: it passes through, where that of the loss is 0. Only with a clip that does not divide, of "
            "logits or probabilities, without `z_loss`, `soft_cap` and `temperature`; a class at -inf has the lower "
            "limit for its clip(p)."
        ),
        example="gradient_of=loss",
    )
    gradient_reduction: str | None = key(
        None,
        _gradient_reduction,
        words="`null`, `mean`, `sum`, `none`",
        meaning="The reduction that the gradient is of, where it is not that of the loss, which a jvp always has.",
        example="gradient_reduction=sum",
    )


@dataclass(frozen=True)
class Rim:
    """At the rim."""

    nonfinite: tuple[str, ...] = key(
        (),
        ListOf("-inf", OFF_LABEL, "+inf", "nan"),
        words="list of `-inf`, `-inf off the label`, `+inf`, `nan`; default `[]`",
        meaning=(
            "Logits that are handled as their limit: a class at -inf is absent (its gradient 0), a label at -inf "
            "costs +inf, and a row of nothing but -inf, any +inf and any nan give nan. `-inf off the label` promises "
            "the absent class alone: rows in which a class that the label counts, by a share of smoothing too, is at "
            "-inf are not judged. What is not listed is tried, seen and not judged. Under a soft cap c infinite "
            "logits are at -c and c, with a gradient of 0, and only a nan gives nan."
        ),
        example='nonfinite=["-inf"]',
    )
    invalid: str | tuple[str, ...] | float = key(
        "unspecified",
        _invalid,
        words='`unspecified`, `raise`, a list of kinds, or `{"returns": number}`',
        meaning=(
            "What bad input meets: an exception for every kind, for the kinds listed, or a documented sentinel as the"
            " loss. An exception is asked of the gradient, called alone, too. What cannot be read as numbers (None, a"
            " text) is neither exception nor sentinel. With `reduction=none` the sentinel stands in the bad rows at "
            "least, and everywhere where labels and rows do not match; it says nothing of options that are "
            "`exclusive`. The label that `ignore_index` declares is no bad one, any other is; none is tried in a call "
            "from which `exclusive` leaves it out, since the target may ignore one by default. Labels of `sparse` "
            "alone meet an integer one-hot row each, as `shape_mismatch`, which an answer as to one-hot labels does "
            "not break. Kinds: `label_out_of_range`, `label_negative`, `label_fractional`, `length_mismatch`, "
            "`shape_mismatch`, `labels_not_binary`, `probabilities_not_stochastic`, `exclusive_options`."
        ),
        example='invalid=["label_out_of_range"]',
        to_json=_invalid_to_json,
    )


@dataclass(frozen=True)
class Accuracy:
    """How accurate it is."""

    accuracy: str = key(
        "B",
        OneOf(*GRADES),
        meaning=(
            "The worst grade that still conforms. `C` allows that a common offset of all logits costs accuracy, and "
            "that soft labels are read back from their logarithms; from `B+` on confident rows are judged relatively."
        ),
        example="accuracy=C",
    )
    compute: str | None = key(
        None,
        _compute,
        words="`null`, `same`, or a dtype",
        meaning=(
            "The dtype in which the target works: by default that of its input, and float32 where that has 16 bits, as "
            "nearly every library does: results are then rounded to 16 bits at the end (loss, softmax, factor of a row,"
            " gradient). `same` allows that every result is rounded to the input's 16 bits on the way, as between the "
            "operators of a framework, and that sums are taken in float32; a mean over the rows is one result, whose "
            "sum does not overflow. A 16-bit dtype that is named allows the sums to be taken in it, too. A finding in "
            "16 bits says if one of these alone would mend it."
        ),
        example="compute=bfloat16",
    )
    output_dtype: str = key(
        "any",
        OneOf("any", "same", *DTYPES),
        words="`any`, `same`, or a dtype",
        meaning=(
            "Not narrower than the input; that of the input; or the one named. A named one is that of the loss: a "
            "gradient may have the dtype of the scores, too, as autograd returns it, and is judged in the one it has."
        ),
        example="output_dtype=float32",
    )


@dataclass(frozen=True)
class Trial:
    """How it is tried."""

    shapes: str = key(
        "measured",
        OneOf("measured", "few", "many"),
        meaning=(
            "Whether many shapes are tried, or eight at most with many batches of each, because each new one is "
            "compiled. By default that is measured, as 0.1 s more for the first call of each of three shapes than for "
            "the second, and printed; targets of jax get few. What was measured to take 0.05 s or more is compiled for "
            "few graphs in quick (30 of 0.05 s to 0.2 s, and so on by powers of four), which together have each dtype "
            "of labels and each number of an option. What is promised does not depend on it."
        ),
        example="shapes=few",
    )
    calls: str = key(
        "measured",
        OneOf("measured", "many", "few"),
        meaning=(
            "Whether each law asks about every batch, or, because calls are slow, laws that make further calls take "
            "turns: each on one batch in 16 (profile quick) or 4 (standard). By default that is measured, on a "
            "batch of few rows and one of more, and printed: from 0.002 s on quick has turns come as often as some 5 s "
            "of calls allow, and leaves batches out where that is not enough (some 100 in all are tried where a call "
            "takes 0.016 s to 0.032 s, and so on by powers of two), and standard has turns from 0.005 s on; `many` has "
            "all. What is promised does not depend on it."
        ),
        example="calls=few",
    )
