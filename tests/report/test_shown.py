"""A report in a session: short where it is shown, a page in a notebook, a file of any format, a table."""

from __future__ import annotations

import dataclasses
import stat
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.report import terminal
from xentcheck.report.finding import Finding, times
from xentcheck.report.report import Report


def test_a_report_is_a_few_lines(violating: Report) -> None:
    """Verdict, grades, and the first findings."""
    assert repr(violating).splitlines() == [
        terminal.verdict_line(violating),
        "  float32: loss fail, gradient C",
        "    0  law 3, shift (float32, sparse): shifted by 1e8, the loss is outside its allowance",
        "    1  law 1, value (float64, onehot): the loss is inf, beyond any multiple of the allowance",
        "    2  law 1, value (float32, sparse): the loss is outside its allowance, 1.4e+06 times the allowance",
    ]
    many = dataclasses.replace(violating, findings=violating.findings * 10)
    assert len(repr(many).splitlines()) == 6
    assert repr(many).endswith("  27 more in report.findings")


def test_findings_are_a_tuple_shown_as_a_table(violating: Report, conforming: Report) -> None:
    """Slices too."""
    assert isinstance(violating.findings, tuple)
    assert len(repr(violating.findings).splitlines()) == 3
    assert len(repr(violating.findings[1:]).splitlines()) == 2
    assert isinstance(violating.findings[0], Finding)
    assert repr(conforming.findings) == "no findings"
    assert violating.findings == tuple(violating.findings)


def test_a_finding_is_one_line(violating: Report) -> None:
    """Law, what was got, what is certified, and the batch."""
    assert repr(violating.findings[2]) == (
        "<Finding: law 1, value (float32, sparse): the loss is outside its allowance, 1.4e+06 times the allowance; "
        "got 0.0; certified [0.6931471805599453, 0.6931471805599454]; [100000000.0, 100000000.0], label 0>"
    )


def test_a_contract_shows_what_differs_from_the_defaults() -> None:
    """And can be made again of that."""
    assert repr(Contract()) == "Contract()"
    contract = Contract(reduction="sum", labels=["onehot"], boundary={"add": 1e-7})  # type: ignore[arg-type]
    assert repr(contract) == "Contract(labels=['onehot'], reduction='sum', boundary={'add': 1e-07})"
    assert eval(repr(contract), {"Contract": Contract}) == contract


def test_a_batch_is_short_however_large() -> None:
    """Its shape, its form, and the ends of its numbers."""
    batch = Batch(np.array([[1.0, 2.0]], np.float32), np.array([1]), options={"label_smoothing": 0.1})
    assert repr(batch) == "<Batch 1 x 2 float32, sparse labels, family given, label_smoothing 0.1: [[1. 2.]], [1]>"
    assert len(repr(Batch(np.zeros((4000, 1000)), np.zeros(4000, np.int64), layout="F"))) < 200


def test_a_notebook_gets_the_upper_part_of_the_page(violating: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdict, grades and findings in a block with styles of its own; matplotlib is not needed."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    source = violating._repr_html_()
    assert "<html" not in source
    assert "<svg" not in source
    assert source.count('class="xc"') == 1
    assert "VIOLATES" in source
    assert "shifted by 1e8" in source
    rules = source[source.index("<style>") + 7 : source.index("</style>")].replace("@media", "\n@media").splitlines()
    for rule in rules:
        if "{" in rule and not rule.lstrip().startswith("@"):
            assert all(".xc" in selector for selector in rule.split("{")[0].split(",")), rule


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have packages look as if they were not installed."""
    import importlib.util

    real = importlib.util.find_spec

    def find(name: str, *rest: Any) -> Any:
        return None if name in names else real(name, *rest)

    monkeypatch.setattr("xentcheck.report.html.page.find_spec", find)


def test_without_jinja2_a_notebook_gets_text(violating: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """Escaped."""
    without(monkeypatch, "jinja2")
    report = dataclasses.replace(violating, target=dataclasses.replace(violating.target, name="<b>"))
    assert report._repr_html_().startswith("<pre>VIOLATES: &lt;b&gt;: 2 laws broken")


def test_without_matplotlib_a_page_is_refused_with_the_command(
    violating: Report, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One sentence that says how to install it, and no file."""
    without(monkeypatch, "matplotlib")
    with pytest.raises(RuntimeError, match=r'made with matplotlib: python -m pip install "xentcheck\[html\]"\.$'):
        violating.save(tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_saved_by_the_ending_of_the_name(violating: Report, tmp_path: Path) -> None:
    """JSON, a page and text; a file is replaced as a whole, and has the permissions of any other."""
    (tmp_path / "plain").touch()
    for name, made in (
        ("r.json", violating.to_json()),
        ("r.HTML", violating.to_html()),
        ("r.txt", terminal.render(violating)),
    ):
        (tmp_path / name).write_text("old", encoding="utf-8")
        violating.save(tmp_path / name)
        assert (tmp_path / name).read_text(encoding="utf-8") == made
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    with pytest.raises(ValueError, match=r"saved as \.json, \.html, \.txt, but the file is 'r.pdf'"):
        violating.save("r.pdf")
    with pytest.raises(OSError, match="nowhere"):
        violating.save(tmp_path / "nowhere" / "r.json")
    assert len(list(tmp_path.iterdir())) == 4


def test_laws_are_a_dataframe(violating: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pandas is: here it is one that keeps the rows it is given."""
    pandas = ModuleType("pandas")
    pandas.DataFrame = list  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    rows: Any = violating.to_dataframe()
    assert len(rows) == len(violating.properties)
    assert rows[0]["name"] == "value"
    assert rows[0]["status"] == "failed"


def test_without_pandas_there_is_a_sentence(violating: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="python -m pip install pandas"):
        violating.to_dataframe()


@pytest.mark.parametrize(
    ("multiple", "told"),
    [(1.0001801, "1.0002 times"), (1.04, "1.04 times"), (1.06, "1.1 times"), (12345.6, "12,345.6 times")],
)
def test_what_is_little_beyond_its_allowance_is_seen_to_be(multiple: float, told: str) -> None:
    """As many digits as that takes are shown; with one, it would be 1.0 times the allowance."""
    assert times(multiple) == told
