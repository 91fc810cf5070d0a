"""The keys of what goes in: scores, labels, and the limits of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xentcheck.contract import values
from xentcheck.contract.key import key
from xentcheck.contract.values import DTYPES, INTEGERS, ContractError, ListOf, OneOf

_MOST_AXES = 3
LABEL_FORMS = ("sparse", "onehot", "soft")
_LIMITS = ("rows", "classes", "magnitude", "label_probability")


def _axis(name: str, value: Any) -> int:
    axis = values.integer(name, value)
    if axis not in (-1, 0, 1):
        raise ContractError(f"{name} is {axis!r}, but must be -1, 0 or 1.")
    return axis


def _extra_axes(name: str, value: Any) -> tuple[int, ...]:
    given = [value] if isinstance(value, int) else value
    known = isinstance(given, (list, tuple)) and all(type(one) is int and 0 <= one <= _MOST_AXES for one in given)
    if not known or not given:
        wanted = f"a number of axes from 0 to {_MOST_AXES} or a list of such"
        raise ContractError(f"{name} is {value!r}, but must be {wanted}.")
    return tuple(sorted(set(given)))


def _domain(name: str, value: Any) -> Mapping[str, Any]:
    limits = dict(value or {})
    for limit, given in limits.items():
        values.one_of(f"a limit of {name}", limit, _LIMITS)
        if limit in ("rows", "classes"):
            bounds = [values.integer(f"{name}.{limit}", item) for item in given]
            if len(bounds) != 2 or not 0 <= bounds[0] <= bounds[1]:
                raise ContractError(f"{name}.{limit} is {given!r}, but must be [lowest, highest].")
            limits[limit] = tuple(bounds)
        elif limit == "magnitude":
            limits[limit] = values.number(f"{name}.{limit}", given, 0.0)
        else:
            values.one_of(f"{name}.{limit}", given, ("positive",))
    return limits


def _domain_to_json(limits: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: list(limit) if isinstance(limit, tuple) else limit for name, limit in (limits or {}).items()}


@dataclass(frozen=True)
class Inputs:
    """What goes in."""

    input: str = key(
        "logits",
        OneOf("logits", "probabilities", "log_probabilities"),
        meaning="What the scores are.",
        example="input=probabilities",
    )
    labels: tuple[str, ...] = key(
        ("sparse",),
        ListOf(*LABEL_FORMS),
        words='list of `sparse`, `onehot`, `soft`; default `["sparse"]`',
        meaning=(
            "Which forms of labels are understood: integers (n,); rows of zeros and a one (n, m); rows of any shares "
            "(n, m). Each form listed is judged."
        ),
        example='labels=["sparse","onehot"]',
    )
    label_dtypes: str | tuple[str, ...] = key(
        "integers",
        ListOf("same", *INTEGERS, *DTYPES, word="integers"),
        words="`integers`, or a list of `same` and dtypes",
        meaning=(
            "Dtypes of sparse labels. `integers` stands for all eight; a target that cleanly refuses one other than "
            "int64 breaks no law. `same` is that of the scores, as where class numbers and scores lie in arrays of "
            "one dtype; in it, as in any dtype of floats, class numbers are whole, and none is given that it does not "
            "hold: 2049 in float16."
        ),
        example='label_dtypes=["int64"]',
    )
    dense_label_dtypes: str | tuple[str, ...] = key(
        "numbers",
        ListOf("same", "bool", *INTEGERS, *DTYPES, word="numbers"),
        words="`numbers`, or a list of `same`, `bool`, dtypes of integers and of floats",
        meaning=(
            "Dtypes of one-hot and soft labels; `same` is that of the scores. `numbers` stands for `same`, `bool`, "
            "`uint8`, `int64`, `float32` and `float64`; a target that cleanly refuses one other than the scores' breaks"
            " no law. `bool` and integers hold one-hot rows, and soft rows of whole numbers only. The loss is that of "
            "the labels as given; a target may convert them to the dtype of the scores. Where both meet in a wider "
            "dtype and the result is of that, `output_dtype=same` is broken and `any` is not."
        ),
        example='dense_label_dtypes=["same"]',
    )
    label_shapes: tuple[str, ...] = key(
        ("(n,)",),
        ListOf("(n,)", "(n,1)"),
        words='list of `(n,)`, `(n,1)`; default `["(n,)"]`',
        meaning="Shapes of sparse labels. With `(n,1)`, integers of one class are sparse, and never one-hot rows.",
        example='label_shapes=["(n,)","(n,1)"]',
    )
    argument_order: str = key(
        "scores_first",
        OneOf("scores_first", "labels_first"),
        meaning=(
            "`loss(scores, labels)` or `loss(labels, scores)`; a gradient takes the same arguments in the same order, "
            "and is that of these, whatever loss was asked for last."
        ),
        example="argument_order=labels_first",
    )
    axis: int = key(
        -1,
        _axis,
        words="`-1`, `0`, `1`",
        meaning="Where the classes are.",
        example="axis=0",
    )
    extra_axes: tuple[int, ...] = key(
        (0,),
        _extra_axes,
        words="a number from 0 to 3, or a list of such; default `[0]`",
        meaning=(
            "How many axes there are beside rows and classes; each number listed is judged. With 2 and `axis=1` scores "
            "and dense labels have the shape (N, m, d1, d2), with `axis=-1` (N, d1, d2, m); sparse labels, and losses "
            "with `reduction=none`, have the shape (N, d1, d2). Everything else is said of the n = N d1 d2 rows, of "
            "which a mean is over all."
        ),
        example="extra_axes=[1,2]",
    )
    dtypes: tuple[str, ...] = key(
        ("float32", "float64"),
        ListOf(*DTYPES),
        words='list of `float16`, `bfloat16`, `float32`, `float64`; default `["float32","float64"]`',
        meaning="Dtypes of the scores that are judged.",
        example='dtypes=["float32"]',
    )
    domain: Mapping[str, Any] | None = key(
        None,
        _domain,
        words="object; default `{}`",
        meaning=(
            "Limits that the target states: `rows` and `classes` as [lowest, highest], `magnitude` as the largest size "
            'of a score, `label_probability` as `"positive"`. Nothing is tried beyond them. A target for two classes '
            "alone, `[2, 2]`, may work on the difference of the logits, and have s - t and t - s of its sigmoid s for "
            "the gradient."
        ),
        example='domain={"classes":[2,300]}',
        to_json=_domain_to_json,
    )
    soft_rows: str = key(
        "normalised",
        OneOf("normalised", "any", "renormalised"),
        meaning=(
            "Soft rows sum to 1; may have any sum (the loss is linear in them); or are divided by their sum by the "
            "target."
        ),
        example="soft_rows=any",
    )
