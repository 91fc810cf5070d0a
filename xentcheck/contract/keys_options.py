"""The keys of the loss's options: those that a target may take as an argument of its call, and what they go by."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xentcheck.contract import values
from xentcheck.contract.key import At, Option, key, records
from xentcheck.contract.keys_inputs import LABEL_FORMS
from xentcheck.contract.values import Argument, ContractError, OneOf, Range


def _class_weights(name: str, value: Any) -> tuple[float, ...] | Argument | None:
    declared = values.argument(name, value)
    if value is None or declared:
        return declared
    if isinstance(value, (str, int, float)):
        raise ContractError(f'{name} is {value!r}, but must be null, a list of numbers or {{"argument": NAME}}.')
    return tuple(values.number(f"an item of {name}", item) for item in value)


def _row_weights(name: str, value: Any) -> Argument | None:
    declared = values.argument(name, value)
    if value is None or declared:
        return declared
    raise ContractError(f'{name} is {value!r}, but must be null or {{"argument": NAME}}: each batch has its own.')


def _smoothing(name: str, value: Any) -> float | Argument:
    return values.argument(name, value, Range(0.0, 1.0)) or values.number(name, value, 0.0, 1.0)


def _z_loss(name: str, value: Any) -> float | Argument:
    return values.argument(name, value, Range(0.0, math.inf, high_open=True)) or values.number(name, value, 0.0)


def _ignore_index(name: str, value: Any) -> int | Argument | None:
    declared = values.argument(name, value)
    return declared if value is None or declared else values.integer(name, value)


def _exclusive(name: str, value: Any) -> tuple[tuple[str, ...], ...]:
    allowed = [*LABEL_FORMS, *(record.name for record in records(Options) if record.option is not None)]
    if isinstance(value, str) or not isinstance(value, Iterable) or isinstance(value, Mapping):
        raise ContractError(f"{name} is {value!r}, but must be a list of lists of names.")
    groups = []
    for one in value:
        if isinstance(one, str):
            raise ContractError(f"{name} has {one!r}, but its items must be lists of names that exclude each other.")
        group = values.list_of(name, one, allowed)
        forms = [word for word in group if word in LABEL_FORMS]
        if len(group) < 2 or len(forms) > 1:
            wanted = "at least two names, at most one of them of a form of labels"
            raise ContractError(f"{name} has {list(group)!r}, but each of its items must have {wanted}.")
        groups.append(group)
    return tuple(dict.fromkeys(groups))


def _positive(name: str, value: Any) -> float | Argument | None:
    declared = values.argument(name, value, Range(0.0, math.inf, low_open=True, high_open=True))
    if value is None or declared:
        return declared
    number = values.number(name, value)
    if number <= 0.0:
        raise ContractError(f'{name} is {value!r}, but must be null, a positive number or {{"argument": NAME}}.')
    return number


def _smoothing_of(level: Hashable, at: At) -> float:
    return (2.0**-10, 2.0 * at.unit_roundoff)[at.place % 2] if level == "tiny" else float(str(level))


def _label_of(level: Hashable, at: At) -> int:
    return {"-100": -100, "first": 0, "last": at.m - 1, "beyond": at.m, "-1": -1}[str(level)]


def _nearly_no_cap(at: At) -> float:
    """Return a soft cap so large that it hardly changes a logit."""
    return float(min(2.0**20, 2.0 ** (-at.normal_exponent - 3)))


def _cap_of(level: Hashable, at: At) -> float:
    return _nearly_no_cap(at) if level == "off" else float(str(level))


@dataclass(frozen=True)
class Options:
    """The options of the loss."""

    class_weights: tuple[float, ...] | Argument | None = key(
        None,
        _class_weights,
        words='`null`, a list of m numbers, or `{"argument": name}`',
        meaning="Factor of each class.",
        example='class_weights={"argument":"weight"}',
        option=Option("weights", levels=("ones", "distinct", "zeros", "spread"), plain="ones"),
    )
    class_weights_as: str = key(
        "numbers",
        OneOf("numbers", "signed"),
        meaning=(
            "What class weights are: numbers >= 0, or numbers of either sign, as torch takes them silently: a row "
            "whose label has one below 0 has a loss below 0. Signed ones are not summed to a divisor, which may be 0: "
            "not with `mean_over=weights`, with `smoothing_weights=mean`, or with soft labels without "
            "`smoothing_weights=class`. Below 0 at a probability of 0 nothing is judged."
        ),
        example="class_weights_as=signed",
    )
    row_weights: Argument | None = key(
        None,
        _row_weights,
        words='`null`, or `{"argument": name}`',
        meaning=(
            "A number v >= 0 for each row, shape (n,), or that of sparse labels where there are more axes, by which "
            "its loss is multiplied, z-loss and class weight included. A row of weight 0 does not count, whatever its "
            "scores hold: also what `nonfinite` lists, whose loss times 0 would be nan. Only where a given probability "
            "of 0 makes its loss infinite nothing is judged."
        ),
        example='row_weights={"argument":"sample_weight"}',
        option=Option("rows", levels=("ones", "distinct", "zeros", "spread"), plain="ones"),
    )
    row_weights_as: str = key(
        "numbers",
        OneOf("numbers", "mask", "bool"),
        meaning=(
            "What row weights are: any numbers >= 0 in the dtype of the scores; a mask, zeros and ones in the dtype of "
            "the scores; or one of bool."
        ),
        example="row_weights_as=bool",
    )
    label_smoothing: float | Argument = key(
        0.0,
        _smoothing,
        words='`0.0`, a number in [0, 1], or `{"argument": name, "range": [low, high]}`',
        meaning="Share of each label that is spread over the classes.",
        example="label_smoothing=0.1",
        option=Option(
            "number",
            levels=(0.0, 0.1, 1.0, "tiny"),
            plain=0.0,
            value=_smoothing_of,
            drawn=lambda at: (0.0, 0.1, 0.3, 0.5, 2 * at.unit_roundoff, 0.9, 2.0**-10, 1.0),
            simpler=(0.0, 0.5, 1.0, 0.1),
        ),
    )
    smoothing_over: str = key(
        "all",
        OneOf("all", "others"),
        meaning=(
            "The share goes to all m classes, eps/m each, or to the m - 1 others, eps/(m-1) each. A row t of soft "
            "labels, whatever its sum (after `soft_rows` has divided it, where it does), becomes (1 - eps) t + eps/m, "
            "as in torch, or (1 - eps) t + (1 - t) eps/(m-1): there a t above 1 may get a share below 0."
        ),
        example="smoothing_over=others",
    )
    smoothing_weights: str = key(
        "label",
        OneOf("label", "class", "mean"),
        meaning=(
            "With class weights, a smoothed row carries the weight of its true class, a row t of soft labels, smoothed "
            "or not, sum_j w_j t_j; or each class inside the sum carries its own; or the row carries their mean under "
            "the smoothed label t', sum_j w_j t'_j, as in paddle, "
            "which is then what it adds to the divisor of `mean_over=weights`, too."
        ),
        example="smoothing_weights=class",
    )
    z_loss: float | Argument = key(
        0.0,
        _z_loss,
        words='`0.0`, a number, or `{"argument": name, "range": [low, high]}`',
        meaning=(
            "lambda, where lambda logsumexp(z)^2 is added to the loss of each row that counts, without its class "
            "weight. Only with `input=logits` is anything added."
        ),
        example="z_loss=1e-4",
        option=Option(
            "number",
            levels=(0.0, 1e-4, 0.5),
            plain=0.0,
            drawn=lambda at: (0.0, 1e-4, 1e-2, 0.5, 1.0),
            simpler=(0.0, 0.5, 1.0, 0.1),
        ),
    )
    ignore_index: int | Argument | None = key(
        None,
        _ignore_index,
        words='`null`, an integer, or `{"argument": name}`',
        meaning="Rows with this label do not count, whatever their scores hold: also what `nonfinite` lists. "
        "Probabilities are some in every row, since a loss may refuse others.",
        example="ignore_index=-100",
        option=Option(
            "integer",
            levels=("-100", "first", "last", "beyond", "-1"),
            plain="-100",
            value=_label_of,
            drawn=lambda at: (-100, 0, at.m - 1, at.m, -1, at.m // 2),
        ),
    )
    soft_cap: float | Argument | None = key(
        None,
        _positive,
        words='`null`, a positive number, or `{"argument": name, "range": [low, high]}`',
        meaning=(
            "c, where before everything else each logit z becomes c tanh(z/c): loss, z-loss, smoothing and weights are "
            "of that, and the gradient by the logits has the factor 1 - tanh(z/c)^2. Only with `input=logits`. A tanh "
            "by exponentials, 2 sigmoid(2x) - 1 or (e^x - e^-x)/(e^x + e^-x), loses logits far below the cap: it keeps "
            "`accuracy=C`."
        ),
        example="soft_cap=30.0",
        of_logits="caps",
        option=Option(
            "number",
            levels=(30.0, 5.0, 1.0, "off"),
            plain=30.0,
            value=_cap_of,
            drawn=lambda at: (30.0, 1.0, 50.0, 5.0, 0.7, _nearly_no_cap(at)),
            simpler=(1.0, 2.0, 10.0, 30.0),
            positive=True,
        ),
    )
    temperature: float | Argument | None = key(
        None,
        _positive,
        words='`null`, a positive number, or `{"argument": name, "range": [low, high]}`',
        meaning=(
            "T, by which each logit is divided, after a `soft_cap`: loss, z-loss, smoothing and weights are of z/T, "
            "and the gradient by the logits has the factor 1/T. Nothing is multiplied by T^2, as distillation does. "
            "Only with `input=logits`."
        ),
        example="temperature=0.7",
        of_logits="divides",
        option=Option(
            "number",
            levels=(2.0, 0.7, 1.0, 0.07),
            plain=2.0,
            drawn=lambda at: (2.0, 0.7, 1.0, 0.5, 0.07, 4.0, 100.0),
            simpler=(1.0, 2.0, 0.5, 10.0),
            positive=True,
        ),
    )
    divisor: float | Argument | None = key(
        None,
        _positive,
        words='`null`, a positive number, or `{"argument": name, "range": [low, high]}`',
        meaning=(
            "By what a sum is divided, whatever the rows are: the number of items that the caller counted, in all "
            "batches of a step. Only with `reduction=sum`; the gradient has it unless `gradient_reduction` is another. "
            "Whole numbers are tried."
        ),
        example='divisor={"argument":"num_items_in_batch"}',
        option=Option(
            "number",
            levels=(3.0, 1.0, 100.0, 8189.0),
            plain=3.0,
            drawn=lambda at: (3.0, 1.0, 2.0, 7.0, 100.0, 1000.0, 8189.0),
            simpler=(1.0, 2.0, 3.0, 100.0),
            positive=True,
        ),
    )
    exclusive: tuple[tuple[str, ...], ...] = key(
        (),
        _exclusive,
        words="list of lists of names: of options that are arguments, and of a form of labels; default `[]`",
        meaning=(
            "What the target refuses together: each list is a combination that is in no valid batch. Of its options "
            "one at least is left out of the call, which then has to be without it (no weights, no smoothing, no "
            "ignored label); each is tried alone, and beside all that it may be beside. With a form of labels, "
            '`["soft", "ignore_index"]`, that holds for these labels only. That such a call raises is promised by the '
            "kind `exclusive_options` of `invalid`; else it is tried, seen and not judged."
        ),
        example='exclusive=[["class_weights","label_smoothing"],["soft","ignore_index"]]',
        to_json=lambda value: [list(group) for group in value],
    )
