"""What running maxima are allowed is calculated for the few gradients that less does not show to be right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.reference import loss_and_gradient
from xentcheck.targets.outcome import Outcome
from xentcheck.truth import allowance_gradient
from xentcheck.truth.allowance import Allowances

RUNNING = allowance_gradient.running_maxima


class Off:
    """A host whose gradient is off by so much at the element where running maxima are allowed most."""

    def __init__(self) -> None:
        self.gradient: NDArray[Any] = np.zeros(0)

    def evaluate(self, batch: Batch, *given: Any, **further: Any) -> Outcome:
        return Outcome(gradient=self.gradient.astype(batch.scores.dtype))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give a list that grows with each batch of which running maxima are calculated."""
    found: list[int] = []

    def noting(on: Any, by: Any) -> Any:
        found.append(on.problem.n)
        return RUNNING(on, by)

    monkeypatch.setattr(allowance_gradient, "running_maxima", noting)
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m", [40, 3000])
def test_they_are_calculated_where_less_is_not_enough(dtype: str, m: int, asked: list[int]) -> None:
    """Of an exact gradient never; one that is farther off is right by them, and one that is farther still is not."""
    scores = np.sort(np.random.default_rng(0).normal(size=(2, m)) * 2.0, axis=1).astype(dtype)
    batch, host = Batch(scores, np.zeros(2, np.int64)), Off()

    def case() -> Case:
        return Case(Contract(), Capabilities(False, True), host, batch)

    host.gradient = exact = loss_and_gradient(scores.astype(np.float64), batch.labels)[1]
    assert case().answer.violation("gradient") is None
    assert not asked
    allowed: Allowances = case().answer.allowances
    at = np.unravel_index(np.argmax(allowed.gradient / allowed.least_gradient), exact.shape)
    least, most = allowed.least_gradient[at], allowed.gradient[at]
    assert most > 1.5 * least
    for error, right in (((least + most) / 2.0, True), (1.5 * most, False)):
        asked.clear()
        host.gradient = exact.copy()
        host.gradient[at] += error
        assert (case().answer.violation("gradient") is None) == right
        assert asked == [2]
