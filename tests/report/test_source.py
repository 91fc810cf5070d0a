"""Where targets are defined, found by reading and not by importing."""

from __future__ import annotations

from pathlib import Path

import pytest

from xentcheck.report.source import Place, place_of

SOURCE = """\
raise SystemExit("imported")


class Loss:
    name = 1

    @staticmethod
    def forward(z, y):
        return 0


other: object = Loss()


def loss(z, y):
    return 1


def loss(z, y):
    return 2
"""


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("mine.py:loss", Place("mine.py", 19)),
        ("./mine.py:Loss.forward", Place("mine.py", 8)),
        ("mine:Loss", Place("mine.py", 4)),
        ("mine:other", Place("mine.py", 12)),
        ("mine.py:made.on.the.fly", Place("mine.py", 1)),
        ("package.losses:loss", Place("package/losses.py", 19)),
        ("package:loss", Place("package/__init__.py", 19)),
        ("broken.py:loss", Place("broken.py", 1)),
        ("nowhere.py:loss", None),
        ("numpy.linalg:norm", None),
        ("reference", None),
        ("a\0b.py:loss", None),
        ("", None),
    ],
)
def test_the_place_of_a_target(tmp_path: Path, location: str, place: Place | None) -> None:
    """The last definition counts, as it does for Python; a library is no file of the project."""
    (tmp_path / "package").mkdir()
    for name in ("mine.py", "package/losses.py", "package/__init__.py"):
        (tmp_path / name).write_text(SOURCE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("def loss(:", encoding="utf-8")
    assert place_of(location, str(tmp_path)) == place


def test_a_file_elsewhere_is_named_in_full(tmp_path: Path) -> None:
    """Outside the directory there is no path relative to it."""
    (tmp_path / "mine.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "project").mkdir()
    place = place_of("../mine.py:Loss", str(tmp_path / "project"))
    assert place == Place((tmp_path / "mine.py").as_posix(), 4)
