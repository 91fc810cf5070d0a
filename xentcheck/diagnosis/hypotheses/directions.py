"""A derivative along another direction than the one that is given."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis import hessian_model, tangent_model
from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model
from xentcheck.diagnosis.prediction import Prediction
from xentcheck.diagnosis.simulation import NARROWER

_Along = hessian_model.HessianModel | tangent_model.TangentModel


@hypothesis(Rank.LOST, part=hessian_model.PART)
def other_vectors(model: Model) -> Iterator[Prediction]:
    """Yield products with what a narrower dtype, or a division by its size, makes of the vector."""
    assert isinstance(model, hessian_model.HessianModel)
    return _misread(model, "vector", "product")


@hypothesis(Rank.LOST, part=tangent_model.PART)
def other_tangents(model: Model) -> Iterator[Prediction]:
    """Yield derivatives along what a narrower dtype, or a division by its size, makes of the tangent."""
    assert isinstance(model, tangent_model.TangentModel)
    return _misread(model, "tangent", "derivative")


def _misread(along: _Along, given: str, derived: str) -> Iterator[Prediction]:
    v = along.v
    for narrow in NARROWER[along.problem.format.name]:
        text = f"The {given} is rounded to {np.dtype(narrow).name} before it is multiplied."
        yield Prediction("narrowing", text, along.along(v.astype(narrow).astype(np.float64)))
    largest, length = np.abs(v).max(initial=0.0), np.sqrt((v * v).sum())
    for size, said in ((largest, "largest entry"), (length, "length")):
        if size not in (0.0, 1.0):
            text = f"The {given} is divided by its {said}, and the {derived} is not multiplied by that again."
            yield Prediction("direction_normalised", text, along.right / size)
