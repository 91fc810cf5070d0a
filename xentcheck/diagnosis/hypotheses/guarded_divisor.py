"""A constant that protects the division of a mean by a count of 0, and is felt where the count is not 0."""

from __future__ import annotations

from collections.abc import Iterator

from xentcheck.diagnosis.hypotheses.guards import BITS, EPSILONS, MACHINE
from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.GUARD, partly=True)
def guarded_divisor(model: Model) -> Iterator[Prediction]:
    """Yield the right value divided by the count of a mean, or a divisor that is given, and a constant."""
    divisor = model.divisor if model.reduction == "mean" else model.problem.divisor
    if not divisor:
        return
    for eps in dict.fromkeys((*EPSILONS, *MACHINE.values())):
        if model.u < eps / divisor:
            text = (
                f"{eps:.4g} is added to the divisor, {divisor:g}, against a division by 0, which makes every "
                f"{model.part} smaller; leave it out, and answer an empty batch apart."
            )
            yield Prediction("divisor_guarded", text, model.right * (divisor / (divisor + eps)), BITS)
