"""The keys of what the loss is, without its options."""

from __future__ import annotations

from dataclasses import dataclass

from xentcheck.contract import values
from xentcheck.contract.key import key
from xentcheck.contract.values import EXACT, Boundary, OneOf

REDUCTIONS = ("mean", "sum", "none")
OUTPUTS = ("loss", "log_probability", "entropy")


@dataclass(frozen=True)
class Loss:
    """What the loss is."""

    output: str = key(
        "loss",
        OneOf(*OUTPUTS),
        meaning=(
            "What is returned: the loss, or minus it, the log-probability of the label: log p_y for each row, reduced "
            "alike. Every other key is said of the loss, of which all that is returned has the sign turned: the "
            "gradient, that for an upstream gradient, the Hessian-vector product and the jvp, too. A loss of +inf is "
            "-inf. Only a sentinel of `invalid` is the number that is returned. Or the entropy of each row in nats, "
            "-sum_j p_j log p_j with 0 log 0 = 0, of the scores alone: `entropy(scores)` is called without labels, "
            "and no key that speaks of labels, of weights or of another option of the loss goes with it."
        ),
        example="output=log_probability",
    )
    reduction: str = key(
        "mean",
        OneOf(*REDUCTIONS),
        meaning="A scalar, or one loss a row. A sum may be divided by a `divisor` that the caller gives.",
        example="reduction=sum",
    )
    mean_over: str = key(
        "rows",
        OneOf("rows", "kept", "weights"),
        meaning=(
            "What a mean divides by: n; the rows that count, neither ignored nor of row weight 0; or the sum of their "
            "weights: that of the label, times that of the row where there are `row_weights`."
        ),
        example="mean_over=weights",
    )
    empty_mean: str = key(
        "unspecified",
        OneOf("unspecified", "nan", "zero"),
        meaning=(
            "A mean of nothing, 0 / 0: no rows, only ignored ones, or only labels or rows of weight 0. Where smoothing "
            "or a z-loss leaves something to divide by 0, nothing is judged."
        ),
        example="empty_mean=nan",
    )
    boundary: Boundary = key(
        EXACT,
        values.boundary,
        words='`exact`, `{"add": eps}`, `{"clip": [low, high]}`, `{"clip": "eps"}`',
        meaning=(
            "What is done to p before the logarithm: nothing; log(p + eps); log of p clipped to [low, high], or to "
            "[eps, 1 - eps] with the eps of the dtype of the scores, that of `numpy.finfo` (2^-23 in float32). Each "
            'object may carry `"normalise": true`: rows are divided by their sum first. A clip of given probabilities '
            'may carry `"normalise": "after"`: the row is divided by its sum after the clip, as in scikit-learn '
            "before 1.5, so that log(b/sum b) is of b = clip(p)."
        ),
        example='boundary={"clip":[1e-7,0.9999999]}',
    )
