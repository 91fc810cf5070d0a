"""The figures of one case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xentcheck.bench import measure as measuring
from xentcheck.bench.figures import FORMS, REFERENCE, Case, Result, Spread
from xentcheck.bench.interleave import Samples
from xentcheck.bench.measure import common_part, measure
from xentcheck.bench.paths import Path, reference_path
from xentcheck.targets.errors import TargetError

Make = Callable[..., Path]
CASE = Case("classes", 8, 100, "float32", "loss")


def test_ratios_to_the_reference_and_to_the_other_labels(path: Make) -> None:
    """Each path has the ratios that exist, and no others."""
    paths = {("mine", form): path(form) for form in FORMS}
    paths[REFERENCE, "sparse"] = reference_path({}, "sparse")
    result = measure(paths, CASE, 0.0)
    figures = {(figure.target, figure.labels): figure for figure in result.figures}
    assert set(figures) == set(paths)
    assert figures["mine", "sparse"].to_reference is not None
    assert figures["mine", "onehot"].to_reference is None  # the reference has no such path here
    assert figures["mine", "onehot"].to_other is not None
    assert figures[REFERENCE, "sparse"].to_other is None
    assert all(figure.seconds.low <= figure.seconds.median <= figure.seconds.high for figure in result.figures)


def test_the_peak_is_in_bytes_per_byte_of_scores(path: Make) -> None:
    """A loss that allocates three times its scores says so."""

    def loss(logits: Any, labels: Any) -> float:
        return float(np.zeros(3 * logits.size, logits.dtype)[0])

    case = Case("classes", 64, 1000, "float64", "loss")
    (figure,) = measure({("mine", "sparse"): path(loss=loss)}, case, 0.0).figures
    assert figure.peak == pytest.approx(3.0, rel=0.01)


def test_an_overwritten_input_is_told(path: Make) -> None:
    """Times on what was left there are not those of the first call."""

    def loss(logits: Any, labels: Any) -> float:
        logits -= logits.max(axis=1, keepdims=True)
        return 0.0

    (figure,) = measure({("mine", "sparse"): path(loss=loss)}, CASE, 0.0).figures
    assert figure.note == "overwrites its scores; timed on what it left there"


def test_a_loss_that_raises_is_one_sentence(path: Make) -> None:
    """With the labels, the size and what was raised."""

    def loss(logits: Any, labels: Any) -> float:
        raise ValueError("too\nfew")

    with pytest.raises(
        TargetError, match=r"^mine cannot .* sparse labels at 8x100 in float32 .* ValueError: too few\.$"
    ):
        measure({("mine", "sparse"): path(loss=loss)}, CASE, 0.0)


def test_what_a_target_lacks_is_told(path: Make) -> None:
    """Where others have it; where nobody has, there is nothing to time."""
    both = Case("classes", 8, 10, "float32", "both")
    whole = path(value_and_gradient=lambda z, y: (0.0, z))
    result = measure({("whole", "sparse"): whole, ("mine", "sparse"): path()}, both, 0.0)
    assert [figure.target for figure in result.figures] == ["whole"]
    assert result.absent == {"mine": "has no loss with a gradient"}
    with pytest.raises(TargetError, match=r"^mine has no loss with a gradient to time\.$"):
        measure({("mine", "sparse"): path(), (REFERENCE, "sparse"): reference_path({}, "sparse")}, both, 0.0)


def test_the_part_that_all_have(path: Make) -> None:
    """Both where all can, else the loss, else the gradient."""
    loss, gradient = path(), path(gradient=lambda z, y: z)
    both = path(loss=lambda z, y: 0.0, gradient=lambda z, y: z)
    assert common_part([both, both]) == "both"
    assert common_part([both, loss]) == "loss"
    assert common_part([both, gradient]) == "gradient"
    with pytest.raises(TargetError):
        common_part([loss, gradient])


def test_results_survive_json(path: Make) -> None:
    """What crosses from the other process is what was measured."""
    result = measure({("mine", form): path(form) for form in FORMS}, CASE, 0.0)
    assert Result.from_mapping(result.as_mapping()) == result


def test_the_shortest_sample_is_kept(path: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of calls that other programs interrupt, most say how long these worked."""
    taken = [Samples([0.016, 0.0002, 0.048], [0.0002] * 3)]
    monkeypatch.setattr(measuring, "interleaved", lambda calls, seconds: taken)
    (figure,) = measure({("mine", "sparse"): path(loss=lambda z, y: 0.0)}, CASE, 0.0).figures
    assert (figure.least, figure.seconds.median) == (0.0002, 0.016)


def test_spread() -> None:
    """The median and the middle half; one sample is all three."""
    assert Spread.of([3.0]) == Spread(3.0, 3.0, 3.0)
    assert Spread.of([4.0, 1.0, 2.0, 3.0, 5.0]) == Spread(3.0, 2.0, 4.0)
