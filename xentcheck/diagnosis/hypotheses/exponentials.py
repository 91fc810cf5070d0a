"""Exponentials by bits: a line in x, written into a floating-point number as its exponent and mantissa.

Schraudolph, "A fast, compact approximation of the exponential function", Neural Computation 11 (1999), 853-862.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model
from xentcheck.diagnosis.prediction import Prediction

WIDE = {b: f"float64 {b}" for b in (1072632447.0, 1072693248.0, 1072647449.0, 1072625005.0, 1072602995.0)}
"""b of the high word of a double: the paper's choices for the least root mean square of the error, none, the least
largest and mean error, and never too large a value."""
NARROW = {b: f"float32 {b}" for b in (1064866805.0, 1065353216.0, 1064986823.0, 1064866808.0)}
"""b of a float, as it is copied from one project to another."""
SLOPES = (12102203.0, 2.0**23 / np.log(2.0))
"""a of a float."""


@hypothesis(Rank.FORMULA)
def exponentials_by_bits(model: Model) -> Iterator[Prediction]:
    """Yield log-sum-exps of such exponentials."""
    if model.contract.input != "logits" or not model.m:
        return
    d = model.z - model.z.max(axis=-1, keepdims=True)
    text = (
        "The exponential is made of bits, as i = a x + b in the exponent and mantissa of a {} (Schraudolph), which "
        "is off by up to 6 %: call exp."
    )
    ways: list[tuple[str, str, NDArray[Any]]] = [*_doubles(d), *_floats(d)]
    for name, variant, e in ways:
        s = e.sum(axis=-1, keepdims=True)  # in their own dtype, as the logarithm
        value = model.finish(model.rows(logs=(d - np.log(s).astype(np.float64), np.asarray(e / s, np.float64))))
        yield Prediction("exponential_by_bits", text.format(name), value, 2.0, variant=variant)


def _doubles(x: Floats) -> Iterator[tuple[str, str, Floats]]:
    """Yield exponentials of a double, of which the low word is 0; below the range they are 0."""
    for b, variant in WIDE.items():
        line = np.trunc(x * (2.0**20 / np.log(2.0)) + b)
        bits = np.where(np.isfinite(line) & (line > 0), line, 0.0).astype(np.int64) << 32
        yield "float64", variant, bits.view(np.float64)


def _floats(x: Floats) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
    """Yield exponentials of a float, whose line is calculated in float32 or in float64."""
    for b, variant in NARROW.items():
        for a in SLOPES:
            short = x.astype(np.float32) * np.float32(a) + np.float32(b)
            for line in (short.astype(np.float64), np.trunc(x * a + b)):
                bits = np.where(np.isfinite(line) & (line > 0), line, 0.0).astype(np.int32)
                yield "float32", variant, bits.view(np.float32)
