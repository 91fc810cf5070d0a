"""`xentcheck survey`: the table in all its forms, reports that are kept, and what goes wrong."""

from __future__ import annotations

import dataclasses
import json
import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import xentcheck
from xentcheck.cli.survey import _all, survey
from xentcheck.contract import Contract
from xentcheck.properties.registry import LAWS
from xentcheck.report.finding import Finding
from xentcheck.report.report import Report
from xentcheck.report.reproducer import short_script
from xentcheck.report.results import Environment, TargetEnvironment, TargetSummary
from xentcheck.survey import judging, showing
from xentcheck.survey.judging import Judged, file_name
from xentcheck.survey.pages import write
from xentcheck.survey.rows import Line, Row, once, row
from xentcheck.survey.showing import shown
from xentcheck.survey.upstream import WHY
from xentcheck.survey.upstream import text as upstream_text
from xentcheck.targets import TargetError, TargetSpecification
from xentcheck.targets.find.listing import Available
from xentcheck.targets.find.registered import by_name

WRONG = """
import numpy as np

def loss(scores, labels):
    z = np.asarray(scores, np.float64)
    return np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), labels])

def right(scores, labels):
    return loss(scores - scores.max(1, keepdims=True), labels)

CONTRACT = {"dtypes": ["float64"], "domain": {"rows": [1, 20], "classes": [2, 9], "magnitude": 900}}
WRONG, RIGHT = {"loss": loss, "contract": CONTRACT}, {"loss": right, "contract": CONTRACT}
"""


def surveyed(*words: str) -> Result:
    """Return what the command does."""
    return CliRunner().invoke(survey, words, standalone_mode=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a survey of a wrong loss, a right one and one that there is not."""
    directory = tmp_path_factory.mktemp("survey")
    (directory / "wrong.py").write_text(WRONG)
    where = directory / "wrong.py"
    result = surveyed(str(directory / "table"), f"{where}:WRONG", f"{where}:RIGHT", "none.py:loss")
    assert result.return_value == 0, result.output
    return directory / "table"


@pytest.mark.slow
def test_the_table_tells_verdicts_and_verified_numbers(home: Path) -> None:
    """In JSON that others can read, Markdown and a page."""
    stated = json.loads((home / "table.json").read_text())
    wrong, right, absent = stated["targets"]
    assert (wrong["verdict"], right["verdict"], absent["verdict"]) == ("violates", "conforms", "not judged")
    assert stated["counts"]["verified"] == stated["counts"]["findings"] == len(wrong["findings"]) > 0
    assert wrong["findings"][0]["expected"] != ""
    assert "none.py" in absent["why"]
    assert right["seconds_a_call"] is None, "it promises nothing for 64 rows"
    markdown = (home / "table.md").read_text()
    page = (home / "table.html").read_text().replace("<wbr>", "")  # where a line may end
    for name in (wrong["name"], right["name"]):
        assert name in markdown
        assert name in page
    assert "verified" in markdown
    for text in (markdown, page):
        assert "1 conforms,\n1 breaks a law, 1 could not be judged here" in text
    assert ".Got" not in page
    assert ".<span" not in page


@pytest.mark.slow
def test_badges_and_texts_for_developers(home: Path) -> None:
    """A badge is an image of its own; a text holds a script that shows the defect."""
    badges = sorted((home / "badges").glob("*.svg"))
    assert len(badges) == 3
    for badge in badges:
        assert ElementTree.parse(badge).getroot().tag.endswith("svg")
    text = next((home / "upstream").glob("*-1.md")).read_text()
    assert "```python" in text
    assert text.startswith("# `"), text
    assert " in float64: `loss` is " in text.partition("\n")[0]
    assert "expected: `" in text


def test_what_is_to_be_filed_has_been_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few lines of the library's own are written only where they have printed the number, here log 2 and nan."""
    equal = {"dtype": "float64", "shape": [1, 2], "layout": "C", "values": ["0x0.0p+0", "0x0.0p+0"]}
    label = {"dtype": "int64", "shape": [1], "layout": "C", "values": [0]}
    batch = {"scores": equal, "labels": label, "label_form": "sparse", "options": {}, "layout": "C"}
    found = Finding(
        "value", 1, "law", "float64", "sparse", "off", batch, "loss[0]", certified=(1.0, 1.0), allowance=0.1
    )
    contract = Contract(reduction="none")
    report = Report(TargetSummary("scipy.special.log_softmax"))
    right = dataclasses.replace(found, got=0.6931471805599453)
    assert shown(report, right, contract, "1.0").endswith("  # 0.6931471805599453; the exact value is 1.0\n")
    assert shown(report, right, contract, "").endswith("; the exact value is 1.0\n")
    wide = dataclasses.replace(right, certified=(0.5, 1.0))
    assert shown(report, wide, contract, "").endswith("; it lies between 0.5 and 1.0\n")
    assert shown(report, dataclasses.replace(found, got=0.6931), contract, "1.0") == ""
    assert shown(report, dataclasses.replace(found, got="float32"), contract, "1.0") == ""
    narrow = dataclasses.replace(found, property="precision", got="float64", certified=None, part="loss")
    assert shown(report, narrow, contract, "").endswith("print(returned.dtype)  # float64, of float64\n")
    assert shown(report, dataclasses.replace(narrow, got="float32"), contract, "") == ""
    monkeypatch.setattr(showing, "short_script", lambda *_, **__: "print(float('nan'))")
    assert shown(report, dataclasses.replace(found, got=float("nan")), contract, "") == "print(float('nan'))"
    title = "the target raised from its loss: KeyError: 1"
    raised = dataclasses.replace(found, property="answers", title=title, got="KeyError: 1", certified=None, part="")
    for source in ("raise SystemExit(1)", "raise TypeError", "pass"):
        monkeypatch.setattr(showing, "short_script", lambda *_, one=source, **__: one)
        assert shown(report, raised, contract, "") == ""
    monkeypatch.setattr(showing, "short_script", lambda *_, **__: "raise KeyError(1)")
    assert shown(report, raised, contract, "") == "raise KeyError(1)"
    for wrong in ("raise SystemExit(1)", "print('no number')", "pass"):
        monkeypatch.setattr(showing, "short_script", lambda *_, one=wrong, **__: one)
        assert shown(report, right, contract, "") == ""


def test_a_layout_in_memory_is_shown_only_where_it_matters() -> None:
    """What prints the same number of arrays that lie in memory as most do is shorter, and is tried first."""
    equal = {"dtype": "float64", "shape": [1, 2], "layout": "strided", "values": ["0x0.0p+0", "0x0.0p+0"]}
    label = {"dtype": "int64", "shape": [1], "layout": "C", "values": [0]}
    batch = {"scores": equal, "labels": label, "label_form": "sparse", "options": {}, "layout": "strided"}
    found = Finding(
        "value", 1, "law", "float64", "sparse", "off", batch, "loss[0]", certified=(1.0, 1.0), allowance=0.1
    )
    report, contract = Report(TargetSummary("scipy.special.log_softmax")), Contract(reduction="none")
    source = shown(report, dataclasses.replace(found, got=0.6931471805599453), contract, "1.0")
    assert source
    assert "gaps" not in source
    target = TargetSpecification("scipy.special.log_softmax")
    assert "# with gaps in memory" in short_script(target, contract, found, "", bare=True)
    by_columns = dataclasses.replace(found, batch={**batch, "layout": "F"})
    source = short_script(target, contract, by_columns, "", bare=True)
    assert source.count("np.asfortranarray") == 1, "labels of one axis have no columns"


@pytest.mark.needs("torch")
def test_an_upstream_gradient_lies_in_memory_as_most_do_where_that_shows_it() -> None:
    """The gaps that xentcheck leaves in one of several rows are left out at first, and one number has none."""
    array = {"dtype": "float64", "shape": [1, 2], "layout": "C", "values": ["0x0.0p+0", "0x0.0p+0"]}
    label = {"dtype": "int64", "shape": [1], "layout": "C", "values": [0]}
    batch = {"scores": array, "labels": label, "label_form": "sparse", "options": {}, "layout": "C"}
    found = Finding(
        "vjp-linearity", 15, "law", "float64", "sparse", "off", batch, "gradient[0, 1]", certified=(1.0, 1.0)
    )
    found = dataclasses.replace(found, upstream=[2.0], allowance=0.1)
    target = TargetSpecification("torch.nn.functional.cross_entropy", contract=Contract(reduction="none"))
    contract = Contract(reduction="none")
    assert "stack" in short_script(target, contract, found, "", bare=True)
    assert "stack" not in short_script(target, contract, found, "", bare=True, usual=True)
    mean = dataclasses.replace(found, upstream=2.0)
    assert "stack" not in short_script(target, Contract(), mean, "", bare=True)


def test_a_shape_is_shown_in_a_few_lines() -> None:
    """Of the library's own, which have printed it; not where they print another."""
    array = {"dtype": "float64", "shape": [2, 1], "layout": "C", "values": ["0x0.0p+0", "0x0.0p+0"]}
    label = {"dtype": "int64", "shape": [2], "layout": "C", "values": [0, 0]}
    batch = {"scores": array, "labels": label, "label_form": "sparse", "options": {}, "layout": "C"}
    title = "the loss has shape (2,), but must have ()"
    found = Finding("layout", 22, "law", "float64", "sparse", title, batch)
    report = Report(TargetSummary("scipy.special.log_softmax"))
    assert shown(report, found, Contract(), "").endswith("print(tuple(returned.shape))  # (2,); it should be ()\n")
    other = dataclasses.replace(found, title=title.replace("(2,)", "(1,)"))
    assert shown(report, other, Contract(), "") == ""


@pytest.mark.needs("torch")
def test_options_that_do_nothing_are_left_out() -> None:
    """If the number is the same without them, as has been seen; those that do something are not."""
    array = {"dtype": "float64", "shape": [1, 2], "layout": "C", "values": ["0x0.0p+0", "0x0.0p+0"]}
    label = {"dtype": "int64", "shape": [1], "layout": "C", "values": [0]}
    weights = {"dtype": "float64", "shape": [2], "layout": "C", "values": ["0x1.0p+0", "0x1.0p+0"]}
    options = {"class_weights": weights, "ignore_index": -100, "label_smoothing": "0x0.0p+0"}
    batch = {"scores": array, "labels": label, "label_form": "sparse", "options": options, "layout": "C"}
    found = Finding("value", 1, "law", "float64", "sparse", "off", batch, "loss", certified=(1.0, 1.0), allowance=0.1)
    target = Report(TargetSummary("torch.nn.functional.cross_entropy"))
    contract = Contract.from_mapping(dict(by_name(target.target.name).contract))
    idle = shown(target, dataclasses.replace(found, got=0.6931471805599453), contract, "1.0")
    assert 'cross_entropy(scores, labels, reduction="mean")\n' in idle
    options = {**options, "class_weights": {**weights, "values": ["0x1.0p+1", "0x1.0p+0"]}, "ignore_index": 0}
    at_work = dataclasses.replace(found, got=float("nan"), batch={**batch, "options": options})
    assert "weight=weight, ignore_index=0)" in shown(target, at_work, contract, "1.0")


def test_a_text_says_once_what_happens() -> None:
    """In its heading, where that has no numbers; what xentcheck calls it, and lines below a message, are left out."""
    again = Line("vjp-linearity", 15, "float32", "sparse", "the second differs", "", "", None, "", "", None)
    assert upstream_text(Row("a.b"), again).count("he second differs") == 1
    named = dataclasses.replace(again, got="second-backward-differs")
    assert "got:" not in upstream_text(Row("a.b"), named)
    title = "the target raised from its loss: ValueError: no rows (a/b.py:1 in f)"
    raised = dataclasses.replace(again, law="answers", title=title, got="ValueError: no rows\\nApply node: 1")
    assert "- got: `ValueError: no rows`\n" in upstream_text(Row("a.b"), raised)
    assert "in float32: `ValueError: no rows` for a valid batch\n" in upstream_text(Row("a.b"), raised)
    number = dataclasses.replace(again, law="shift", got=1.0, expected="2.0")
    assert "The second differs. " in upstream_text(Row("a.b"), number)
    scaled = dataclasses.replace(number, title="scaled, the gradient is outside its allowance")
    assert "Scaled, the gradient is further off than rounding explains. " in upstream_text(Row("a.b"), scaled)
    torch = Row("torchrl.a", "0.14", environment={"python": "3.11", "torch": "2.13"})
    assert "python 3.11\n" in upstream_text(torch, again)
    trl = Row("trl.entropy_from_logits", "1.16", environment={"python": "3.11", "torch": "2.13"})
    assert "trl 1.16, python 3.11, torch 2.13\n" in upstream_text(trl, again)


def test_a_text_says_why_what_is_wrong_matters() -> None:
    """And not what another answer that breaks the same law would do: a loss, a shape, a second backward pass."""
    line = Line("second-order", 16, "float32", "sparse", "a step back, off", "", "loss[1]", 1.0, "2.0", "", 1.0001876)
    text = upstream_text(Row("a.b"), line)
    assert WHY["value"] in text
    assert WHY["second-order"] not in text
    assert "the error is 1.0002 times what" in text
    assert WHY["second-order"] in upstream_text(Row("a.b"), dataclasses.replace(line, part="hessian_vector[0, 1]"))
    shape = dataclasses.replace(
        line, law="layout", title="the loss has shape (1,), but must have ()", part="", got=None
    )
    assert "memory" not in upstream_text(Row("a.b"), shape)
    again = dataclasses.replace(line, law="vjp-linearity", got="second-backward-differs")
    assert WHY["vjp-linearity"] not in upstream_text(Row("a.b"), again)


def test_a_text_has_the_right_number_however_it_is_known() -> None:
    """By the second method, or certified alone; what is below any number of float64 is 0."""
    line = Line("value", 1, "float64", "sparse", "off", "", "loss", math.nan, "-0.0", "", None)
    text = upstream_text(Row("a.b"), line)
    assert "`loss` is nan, not 0.0\n" in text
    assert "(to within 1e-323, by mpmath)" in text
    silent = dataclasses.replace(line, expected="", certified=(0.5, 0.5))
    text = upstream_text(Row("a.b"), silent)
    assert "`loss` is nan, not 0.5\n" in text
    assert "- expected: `0.5`, exactly\n" in text
    wide = dataclasses.replace(silent, certified=(0.25, 0.5))
    assert "- expected: between `0.25` and `0.5`, certified\n" in upstream_text(Row("a.b"), wide)
    unknown = dataclasses.replace(silent, certified=(math.nan, math.nan))
    assert "expected:" not in upstream_text(Row("a.b"), unknown)


def test_a_text_on_a_finding_that_is_no_more_is_removed(tmp_path: Path) -> None:
    """Of the rows that are written alone: those of other targets, and files of other names, stay."""
    folder = tmp_path / "upstream"
    folder.mkdir()
    kept = {"a.b.c-1.md", "a.b-1.txt", "a.b-notes.md", "z-2.md"}
    for name in (*kept, "a.b-1.md", "a.b-2.md"):
        (folder / name).write_text("earlier")
    line = Line("value", 1, "float64", "sparse", "off", "", "loss", 1.0, "2.0", "", 9.0)
    write([Row("a.b", findings=(line,))], tmp_path, date="2026-11-30", seed=0, profile="quick")
    assert {path.name for path in folder.iterdir()} == kept | {"a.b-1.md"}
    assert (folder / "a.b-1.md").read_text() != "earlier"


def test_what_the_same_script_shows_is_told_once() -> None:
    """With the cause that one of the findings has; without a script, or of another law, findings are told apart."""
    line = Line("value", 1, "float64", "onehot", "off", "", "loss", 1.0, "2.0", "", 9.0, short="print(1)")
    soft = dataclasses.replace(line, labels="soft", cause="narrowed")
    assert once([line, soft]) == (dataclasses.replace(line, cause="narrowed"),)
    for other in (dataclasses.replace(soft, law="shift"), dataclasses.replace(soft, short="print(2)")):
        assert once([line, other]) == (line, other)
    alone = dataclasses.replace(line, short="")
    assert once([alone, alone]) == (alone, alone)


def test_a_row_tells_once_what_the_same_script_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """One-hot and soft labels of the same numbers make the same script."""
    monkeypatch.setattr("xentcheck.survey.rows.shown", lambda *given: "print(1)")
    found = Finding("value", 1, "law", "float64", "onehot", "wrong")
    findings = (found, dataclasses.replace(found, labels="soft"))
    assert len(row(Judged("mine", Report(TargetSummary("mine"), findings=findings))).findings) == 1


def test_the_table_has_what_was_got_to_the_last_digit(tmp_path: Path) -> None:
    """And more of an error near 1 than that it is 1; of an exception the first line alone, and a shape as words."""
    line = Line("value", 1, "float64", "sparse", "off", "", "loss", 0.6931471805598903, "0.69", "", 1.0018772)
    raised = dataclasses.replace(line, law="answers", got="ValueError: no\\nApply node", times=None)
    write([Row("a.b", findings=(line, raised))], tmp_path, date="2026-11-30", seed=0, profile="quick")
    for name in ("table.md", "table.html"):
        text = (tmp_path / name).read_text().replace("\\.", ".")
        assert "0.6931471805598903" in text
        assert "1.002" in text
        assert "ValueError: no" in text.replace("\\:", ":")
        assert "Apply node" not in text


def test_every_law_says_why_it_matters() -> None:
    """To those who would mend it."""
    assert set(WHY) == {law.name for law in LAWS}


@pytest.mark.slow
def test_a_report_is_kept_and_one_that_is_damaged_made_anew(home: Path) -> None:
    """A second survey judges nothing again but what it cannot read."""
    reports = home / "reports"
    wrong = next(reports.glob("*WRONG*"))
    before = {path.name: path.read_text() for path in reports.iterdir()}
    wrong.write_text(wrong.read_text()[:-100])
    where = home.parent / "wrong.py"
    result = surveyed(str(home), f"{where}:WRONG", f"{where}:RIGHT")
    assert f"{where}:WRONG: judging" in result.stderr
    assert f"{where}:RIGHT: kept" in result.stderr
    assert json.loads(wrong.read_text())["report"]["digest"] == json.loads(before[wrong.name])["report"]["digest"]


def test_a_directory_that_is_a_file(tmp_path: Path) -> None:
    """One sentence."""
    (tmp_path / "file").write_text("")
    assert "is a file" in str(surveyed(str(tmp_path / "file"), "reference").exception)


def test_a_name_that_no_target_has_is_refused(tmp_path: Path) -> None:
    """Given alone or with an environment: what was meant would be missing from the table."""
    for words in (["torch.cros_entropy"], ["--venv", "torch.cros_entropy=old"]):
        refused = str(surveyed(str(tmp_path / "table"), *words).exception)
        assert refused.startswith("There is no target 'torch.cros_entropy' (did you mean 'torch.cross_entropy'?)")
    assert not (tmp_path / "table").exists()


@pytest.mark.slow
def test_a_loss_of_which_nothing_is_declared_is_probed(tmp_path: Path) -> None:
    """As `check` does: held to the defaults, a right loss of probabilities would be said to be wrong."""
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n\n\ndef loss(labels, p):\n    return float(-np.sum(labels * np.log(p + 1e-12)))\n"
    )
    assert surveyed(str(tmp_path / "table"), f"{tmp_path / 'mine.py'}:loss").return_value == 0
    (one,) = json.loads((tmp_path / "table" / "table.json").read_text())["targets"]
    assert (one["verdict"], one["documentation"]) == ("conforms", "nobody declares it: inferred by probe")
    assert one["contract"]["boundary"] == {"add": 1e-12}
    assert one["seconds_a_call"] > 0


def test_a_fault_while_one_target_is_judged_is_that_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are judged, the table is written, and the exit status says so."""

    def fails(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("in the judge")

    monkeypatch.setattr(judging, "check_target", fails)
    result = surveyed(str(tmp_path), "reference", "scipy.log_softmax")
    assert result.return_value == 2
    whys = [one["why"] for one in json.loads((tmp_path / "table.json").read_text())["targets"]]
    assert all(why.startswith("xentcheck itself failed: ZeroDivisionError: in the judge") for why in whys)
    assert len(whys) == 2


@pytest.mark.slow
def test_an_interrupt_leaves_the_table_of_what_was_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target under way is not among them, whatever had been found of it."""
    reports = iter([False, True])
    whole = xentcheck.check("reference", properties=["precision"], dtypes=["float64"])

    def ended(*_: Any, **__: Any) -> Any:
        return dataclasses.replace(whole, interrupted=next(reports))

    monkeypatch.setattr(judging, "check_target", ended)
    monkeypatch.setattr(judging, "_timed", lambda *_: (None, None))
    result = surveyed(str(tmp_path), "reference", "scipy.log_softmax", "optax.integer_labels")
    assert result.return_value == 130
    assert [one["name"] for one in json.loads((tmp_path / "table.json").read_text())["targets"]] == ["reference"]
    assert "after 1 of 3 targets" in result.stderr


def test_a_target_may_have_an_environment_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is judged there, whether or not it is named, too; the others here."""
    asked = []

    def refused(specification: TargetSpecification, **_: Any) -> Any:
        asked.append((specification.loss, specification.venv))
        raise TargetError("It is not judged in this test.")

    monkeypatch.setattr(judging, "check_target", refused)
    result = surveyed(str(tmp_path), "reference", "a.py:l", "--venv", "numpy_ml.CrossEntropy=old", "--venv", "a.py:l=x")
    assert asked == [("reference", ""), ("a.py:l", "x"), ("numpy_ml.CrossEntropy", "old")]
    assert "3 of 3: numpy_ml.CrossEntropy" in result.output
    for wrong in ("old", "=old", "reference="):
        assert str(surveyed(str(tmp_path), "--venv", wrong).exception).startswith(f"--venv {wrong} must be TARGET=DIR")
    listed = [Available(name, "", "", "registered", name == "here") for name in ("here", "absent", "old")]
    assert _all(listed, {"old": "x", "b.py:l": "y"}) == ["here", "old", "b.py:l"]


def test_a_row_names_no_place_of_this_machine(tmp_path: Path) -> None:
    """What ran in an environment of its own has that one's packages, and a command to adapt."""
    elsewhere = TargetEnvironment("/opt/old/bin/python", "3.8.18", {"numpy": "1.23.5", "numpy_ml": "0.1.2"})
    found = Finding("value", 1, "law", "float64", "onehot", "wrong", reproducer="f(python='/opt/old/bin/python')")
    place = Environment(python="3.11.7", target=elsewhere)
    one = row(Judged("numpy_ml.CrossEntropy", Report(TargetSummary("numpy_ml"), findings=(found,), environment=place)))
    assert one.findings[0].script == "f(python='ENV/bin/python')"
    assert one.command == "xentcheck check numpy_ml.CrossEntropy --venv ENV --profile quick --seed 0"
    assert one.environment == {"python": "3.8.18", "numpy": "1.23.5", "numpy_ml": "0.1.2"}
    for rows, said in (((one,), True), ((Row("a", command="xentcheck check a"),), False)):
        write(rows, tmp_path, date="2026-11-29", seed=0, profile="quick")
        for page in ("table.md", "table.html"):
            assert ("ENV in a command stands for" in (tmp_path / page).read_text()) == said
            assert "/opt/old" not in (tmp_path / page).read_text()


def test_a_report_of_another_place_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of this interpreter says nothing of an environment of the target's own, nor the other way round."""
    elsewhere = TargetEnvironment("/opt/old/bin/python", "3.8.18")
    made = [Report(TargetSummary("a.py:l"), environment=Environment(target=one)) for one in (None, elsewhere)]
    (tmp_path / "reports").mkdir()
    for report, kept in zip(made, ("", "old"), strict=True):
        whole = dataclasses.replace(report, xentcheck=xentcheck.__version__, profile="quick", seed=0)
        (tmp_path / "reports" / "a.py-l.json").write_text(json.dumps({"report": whole.as_mapping()}))
        monkeypatch.setattr(
            judging, "check_target", lambda *_, one=whole, **__: dataclasses.replace(one, interrupted=True)
        )
        assert judging.judged("a.py:l", tmp_path, "quick", 0, print, kept).report is not None
        with pytest.raises(KeyboardInterrupt):
            judging.judged("a.py:l", tmp_path, "quick", 0, print, "" if kept else "old")


@pytest.mark.parametrize(
    ("stated", "installed", "kept"),
    [
        ("0.26.0-dev20261027", "0.26.0.dev20261027", True),
        ("2.13.0+cpu", "2.13.0", True),
        ("2.13.0", "2.13.1", False),
        ("of today", "of today", True),
        ("of today", "2.13.1", False),
    ],
)
def test_a_version_may_be_spelled_otherwise(
    stated: str, installed: str, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the module and by the package, of which one may say where it was built, too."""
    monkeypatch.setattr(judging, "_version", lambda package: installed)
    report = Report(TargetSummary("scipy.special.log_softmax", version=stated))
    whole = dataclasses.replace(report, xentcheck=xentcheck.__version__, profile="quick", seed=0)
    (tmp_path / "kept.json").write_text(json.dumps({"report": whole.as_mapping()}))
    assert (judging._kept(tmp_path / "kept.json", "quick", 0, False) is not None) == kept


def test_a_registered_target_is_shown_with_its_sources() -> None:
    """Even where it could not be judged."""
    one = row(Judged("mlx.nn.losses.cross_entropy", why="It is not installed."))
    assert one.documentation == "docstring of mlx.nn.losses"
    assert set(one.seen) == {"compute"}
    assert one.verdict == "not judged"


@pytest.mark.parametrize("name", ["a/b.py:loss", "torch.nn", "C:\\x.py:l", "ümlaut"])
def test_names_of_files_are_names_of_files(name: str) -> None:
    """Whatever a target is called."""
    assert not {*file_name(name)} & {*'/\\:*?"<>| '}


def test_what_a_target_says_is_data(tmp_path: Path) -> None:
    """Marks of HTML and Markdown, and control characters, are shown in every file."""
    said = "<b>|[x](y)\x1b[2J\u202e`\n# CONFORMS"
    line = Line("value", 1, "float64", "sparse", said, said, "loss", said, "", said, None, script="```\nprint()\n```")
    write([Row(said, verdict="violates", findings=(line,), command=said)], tmp_path, date="", seed=0, profile="quick")
    for file in filter(Path.is_file, tmp_path.rglob("*")):
        text = file.read_text(encoding="utf-8")
        assert "\x1b" not in text, file
        if file.suffix != ".json":
            assert "\u202e" not in text, file
            assert "<b>" not in text.replace("`<b>", ""), file
            assert "\n# CONFORMS" not in text, file
    (upstream,) = (tmp_path / "upstream").iterdir()
    assert "````python" in upstream.read_text(encoding="utf-8")
