"""The map as a picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from xentcheck.campaign.exhaustive.pairs import PATTERNS, numbers


@pytest.mark.needs("matplotlib")
def test_colours_and_places(tmp_path: Path) -> None:
    """Grey where nothing is judged, red outside the allowance, and z0 upwards."""
    from matplotlib import image

    from xentcheck.campaign.exhaustive.picture import draw

    # Quarters: below, left not judged and right small; above, left wrong, and nothing tried in the topmost eighth.
    rows = [[None] * 4 + [0.0] * 4] * 4 + [[7.0] * 4 + [1.0] * 4] * 3 + [None]
    path = tmp_path / "map.png"
    draw(path, {"map": rows, "format": "float16", "part": "loss"}, "a title")
    found = image.imread(path)[:, :, :3]
    height, width = found.shape[:2]

    def at(x: float, y: float) -> list[float]:
        return [round(float(value), 1) for value in found[int(height * (1 - y)), int(width * x)]]

    assert at(0.3, 0.3) == [0.8, 0.8, 0.8]
    assert at(0.3, 0.6) == [1.0, 0.0, 0.0]
    assert at(0.6, 0.3) == [0.3, 0.0, 0.3]
    assert at(0.6, 0.6) == [1.0, 0.9, 0.1]
    assert at(0.6, 0.87) == [0.8, 0.8, 0.8]


@pytest.mark.needs("matplotlib")
@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_ticks_are_where_the_numbers_are(name: str) -> None:
    """Powers of 2 by their places, and 0 in the middle."""
    from xentcheck.campaign.exhaustive.picture import _ticks

    places, names = _ticks(name)
    values = numbers(name).values
    shown = dict(zip(names, (float(values[place]) for place in places), strict=True))
    assert shown["$2^{0}$"] == 1.0
    assert shown["−$2^{0}$"] == -1.0
    assert places[-1] == PATTERNS // 2
    assert shown["0"] == 0.0
