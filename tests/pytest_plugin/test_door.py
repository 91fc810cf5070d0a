"""The pytest door as its user meets it: what is collected, judged, shown and counted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import xentcheck

Run = Callable[..., pytest.RunResult]
Log = Callable[[], list[str]]

TWO = """
@xentcheck.parametrize(["right", "wrong.py:loss"])
def test_loss(verify):
    verify()
"""


def collected(result: pytest.RunResult) -> list[str]:
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


def test_a_test_for_each_law_that_applies(run: Run, log: Log) -> None:
    """Ids name target and law; a law that does not apply has no test; collecting judges nothing."""
    result = run(TWO, "--collect-only", "-q")
    expected = [
        f"test_loss[{name}-{law}]" for name in ("right", "wrong.py:loss") for law in ("value", "shift", "bad-input")
    ]
    assert collected(result) == expected
    assert log() == ["asked right", "asked wrong.py:loss"]


def test_held_broken_and_not_judged(run: Run, log: Log) -> None:
    """Each law has its own outcome, and each target is judged once, by the laws asked about."""
    result = run(TWO, "-v")
    result.assert_outcomes(passed=3, failed=1, skipped=2)
    assert [line for line in log() if line.startswith("judged")] == [
        "judged quick 0 value,shift,bad-input right",
        "judged quick 0 value,shift,bad-input wrong.py:loss",
    ]


def test_the_short_summary_tells_the_finding(run: Run) -> None:
    """In the words of the law, without the name of an exception; a reason for what is skipped."""
    out = run(TWO, "-ra").stdout.str()
    assert (
        "FAILED test_mine.py::test_loss[wrong.py:loss-value] - law 1: loss -1e-09, certified 0, for [[0.0]], label 0\n"
        in out
    )
    assert re.search(r"SKIPPED \[2\].*bad-input was not judged: nothing is promised", out)
    assert out.count("law 1: ") == 1  # it stands nowhere else


def test_what_the_short_summary_cuts_off_is_told_in_full(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above it, for a terminal in which the name of the test leaves no room."""
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)
    out = run(TWO).stdout.str()
    told = out.partition("= xentcheck =")[2]
    assert (
        told.splitlines()[1] == "test_loss[wrong.py:loss-value]: law 1: loss -1e-09, certified 0, for [[0.0]], label 0"
    )
    assert out.rstrip().splitlines()[-2].startswith("FAILED test_mine.py::test_loss[wrong.py:loss-value]")
    assert "label 0" not in out.rstrip().splitlines()[-2]


def test_the_text_of_a_failure_counts_its_own_law(run: Run) -> None:
    """And not what else is broken of the target, which has tests of its own."""
    out = run(TWO).stdout.str()
    assert "E   VIOLATES: wrong.py:loss: 1 law broken, 1 finding; 7 of 7 batches judged" in out


@pytest.mark.parametrize("style", ["auto", "short", "long", "native", "line"])
def test_no_frame_of_ours_is_shown(run: Run, style: str) -> None:
    """The failure is the user's line and the evidence, whatever the style of tracebacks."""
    out = run(TWO, f"--tb={style}").stdout.str()
    assert "pytest_plugin" not in out.partition("FAILURES")[2]
    assert "judging.py" not in out
    assert "law 1" in out
    if style != "line":
        assert "E     got           -1e-09   (loss)\n" in out
    assert "function verify" not in out


def test_a_line_is_all_where_that_is_asked_for(run: Run) -> None:
    """With --tb=line, which in newer versions of pytest shows beside it what else there is."""
    lines = run(TWO, "--tb=line", "-q").stdout.str().partition("FAILURES")[2].partition("= xentcheck =")[0].splitlines()
    assert [line.partition(": ")[2][:6] for line in lines[1:-1]] == ["law 1:"] * (len(lines) - 2)
    assert len(lines) > 2


def test_the_script_is_a_section_and_a_note(run: Run) -> None:
    """The section stands in the report of the test; the exception carries it for whoever catches it."""
    out = run(TWO).stdout.str()
    assert re.search(r"-- a script that shows it: value-float64-sparse-d1.py -+\nprint\('the script'\)\n", out)
    assert out.count("print('the script')") == 1
    caught = """
    @xentcheck.parametrize(["wrong"], properties=["value"])
    def test_loss(verify):
        with pytest.raises(AssertionError) as caught:
            verify()
        assert isinstance(caught.value, xentcheck.FindingsError)
        assert "print('the script')" in "".join(caught.value.__notes__)
        assert caught.value.report.findings[0].property == "value"
    """
    run("\n".join(line[4:] for line in caught.splitlines())).assert_outcomes(passed=1)


def test_a_line_counts_the_laws(run: Run) -> None:
    """And batches, and how they were drawn; there is none where there was no such test."""
    out = run(TWO).stdout.str()
    assert (
        "2 targets, 14 batches (profile quick, seed 0); laws: 3 held, 1 broken, 2 not judged, 2 not applicable\n" in out
    )
    assert "== xentcheck ==" not in run("def test_it():\n    pass\n").stdout.str()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("-n2",), 6),
        (("-n2", "--dist=loadscope"), 6),
        (("-n2", "--dist=each"), 12),
    ],
)
def test_one_judgement_for_all_processes(run: Run, log: Log, words: tuple[str, ...], count: int) -> None:
    """Whatever way xdist spreads the tests, a target is looked at once and judged once, and the line counts all."""
    result = run(TWO, *words)
    assert sum(result.parseoutcomes()[key] for key in ("passed", "failed", "skipped")) == count
    assert log() == [
        "asked right",
        "asked wrong.py:loss",
        "judged quick 0 value,shift,bad-input right",
        "judged quick 0 value,shift,bad-input wrong.py:loss",
    ]
    out = result.stdout.str()
    assert "law 1: loss -1e-09, certified 0, for [[0.0]], label 0\n" in out
    assert "2 targets, 14 batches" in out


@pytest.mark.slow
def test_a_target_that_ends_the_process_does_so_once(run: Run, log: Log) -> None:
    """The next worker does not call it again, and says why."""
    result = run("@xentcheck.parametrize(['dies'])\ndef test_loss(verify):\n    verify()\n", "-n2")
    assert [line for line in log() if line.startswith("judged")] == ["judged quick 0 value,shift,bad-input dies"]
    assert "dies was not judged: the process that called it ended before it was done." in result.stdout.str()


def test_only_the_laws_that_are_selected_are_judged(run: Run, log: Log) -> None:
    """With -k, and with --lf after a run that failed."""
    run(TWO, "-k", "shift and right").assert_outcomes(passed=1, deselected=5)
    assert "judged quick 0 shift right" in log()
    run(TWO)
    run(TWO, "--lf").assert_outcomes(failed=1)
    assert [line for line in log() if line.startswith("judged")] == ["judged quick 0 value wrong.py:loss"]


def test_the_marker_selects(run: Run) -> None:
    """It is registered, and every test of ours has it."""
    source = f"{TWO}\n\ndef test_other():\n    pass\n"
    run(source, "-m", "not xentcheck").assert_outcomes(passed=1, deselected=6)
    assert "@pytest.mark.xentcheck: tests of a loss" in run(source, "--markers").stdout.str()


def test_profile_and_seed(run: Run, log: Log, pytester: pytest.Pytester) -> None:
    """The command line goes above the test, and that above the ini keys."""
    source = "@xentcheck.parametrize(['right'], seed=4)\ndef test_loss(verify):\n    verify()\n"
    pytester.makeini("[pytest]\nxentcheck_profile = standard\nxentcheck_seed = 3\n")
    run(source, "-k", "value")
    assert "judged standard 4 value right" in log()
    run(TWO, "-k", "right-value")
    assert "judged standard 3 value right" in log()
    run(source, "-k", "value", "--xentcheck-seed=5", "--xentcheck-profile=thorough")
    assert "judged thorough 5 value right" in log()


@pytest.mark.parametrize(
    ("ini", "words", "message"),
    [
        ("xentcheck_profile = slow", (), "xentcheck_profile is 'slow', but must be quick, standard, thorough."),
        ("xentcheck_seed = -1", (), "xentcheck_seed is '-1', but must be a number from 0 on."),
        ("", ("--xentcheck-seed=-1",), "--xentcheck-seed is -1, but must be a number from 0 on."),
    ],
)
def test_wrong_settings_are_one_sentence(
    run: Run, pytester: pytest.Pytester, ini: str, words: tuple[str, ...], message: str
) -> None:
    """Before anything is collected."""
    pytester.makeini(f"[pytest]\n{ini}\n")
    result = run(TWO, *words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [f"ERROR: {message}"]


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("broken", "The module broken cannot be imported: ImportError: no such thing."),
        ("uncallable", "uncallable cannot be called as loss(scores, labels): it takes none."),
        ("mute", "NOTHING JUDGED: mute"),
    ],
)
def test_a_target_that_cannot_be_judged_fails_with_one_sentence(run: Run, target: str, sentence: str) -> None:
    """Without a traceback, and the tests of other targets run."""
    source = (
        f"@xentcheck.parametrize(['{target}', 'right'], properties=['value'])\ndef test_it(verify):\n    verify()\n"
    )
    result = run(source)
    result.assert_outcomes(failed=1, passed=1)
    name = target if target == "broken" else f"{target}-value"
    assert f"FAILED test_mine.py::test_it[{name}] - {sentence}" in result.stdout.str()
    assert "judging.py" not in result.stdout.str()


def test_an_interruption_ends_the_run(run: Run) -> None:
    """Half a report is no verdict on a law."""
    result = run("@xentcheck.parametrize(['interrupted'])\ndef test_loss(verify):\n    verify()\n", apart=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_names_of_callables_are_told_apart(run: Run) -> None:
    """A function by its name, the second of a name with its number, a lambda and a partial as such."""
    source = """
import functools
def right(z, y): ...
class Loss:
    def right(self, z, y): ...
many = [right, right, Loss().right, lambda z, y: 0, functools.partial(right, 1)]
@xentcheck.parametrize(many, properties=["value"])
def test_loss(verify):
    verify()
"""
    names = ["right-value", "right-2-value", "Loss.right-value", "lambda-value", "right-3-value"]
    assert collected(run(source, "--collect-only", "-q")) == [f"test_loss[{name}]" for name in names]


def test_the_fixture_judges_a_loss_within_a_test(run: Run, log: Log) -> None:
    """With the session's profile and seed; its failure is shown as that of a law."""
    source = """
def right(z, y): ...
def test_right(xentcheck_check):
    assert xentcheck_check(right).conforms
def test_wrong(xentcheck_check):
    xentcheck_check("wrong", seed=2)
"""
    result = run(source, "--xentcheck-profile=standard")
    result.assert_outcomes(passed=1, failed=1)
    assert "test_wrong - law 1: loss -1e-09, certified 0, for [[0.0]], label 0\n" in result.stdout.str()
    assert log() == ["judged standard 0 all right", "judged standard 2 all wrong"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("@xentcheck.parametrize(['right'])\ndef test_loss():\n    pass\n", "test_loss needs an argument `verify`"),
        ("def test_loss(verify):\n    pass\n", "`verify` belongs to tests under @xentcheck.parametrize."),
    ],
)
def test_a_wrong_test_is_one_sentence(run: Run, source: str, message: str) -> None:
    """Of ours, and not an internal error."""
    out = run(source).stdout.str()
    assert message in out
    assert "INTERNALERROR" not in out


def test_an_unknown_option_is_refused_where_it_stands() -> None:
    """At once, with those that there are."""
    with pytest.raises(TypeError, match="no argument 'profil'; it has loss, gradient,"):
        xentcheck.parametrize(["reference"], profil="quick")


@pytest.mark.parametrize("one", ["reference", {"loss": "reference"}, print])
def test_one_target_needs_no_list(one: Any) -> None:
    """Nor is a name taken for a list of letters."""
    assert xentcheck.parametrize(one, seed=2).args == xentcheck.parametrize([one], seed=2).args
    assert len(xentcheck.parametrize(one).args) == 1


def test_what_applies_is_found_without_judging() -> None:
    """The target is imported; a law is silent where it says nothing in any of the cells."""
    from xentcheck.api import inapplicable
    from xentcheck.properties.registry import LAWS

    def loss(logits: object, labels: object) -> float:
        return 0.0

    found = inapplicable(loss, dtypes=["float64"])
    assert list(found) == [law.name for law in LAWS]
    assert found["value"] == ""
    assert found["gradient"] == "the target offers no gradient"


@pytest.mark.slow
def test_ten_lines_and_no_configuration_are_enough(pytester: pytest.Pytester) -> None:
    """A loss with a planted mistake is found by the real engine."""
    pytester.makepyfile(
        mine="""
        import numpy as np

        def loss(logits, labels):
            shifted = logits - logits.max(axis=1, keepdims=True)
            sums = np.exp(shifted).sum(axis=1) + 1e-9
            return (np.log(sums) - shifted[np.arange(len(logits)), np.asarray(labels).reshape(-1)]).mean()
        """,
        test_mine="""
        import xentcheck

        @xentcheck.parametrize(["mine.py:loss"], properties=["value", "shift"], dtypes=["float64"])
        def test_loss(verify):
            verify()
        """,
    )
    result = pytester.runpytest_subprocess("-p", "xentcheck.pytest_plugin", "-W", "error")
    result.assert_outcomes(failed=1, passed=1)
    assert "- law 1: loss" in result.stdout.str()


WAIVED = """
@xentcheck.parametrize(["wrong", "mended"], properties=["value", "shift"])
def test_known(verify):
    verify()
"""


@pytest.mark.parametrize("ini", [True, False])
def test_what_is_waived_is_an_expected_failure(pytester: pytest.Pytester, run: Run, ini: bool) -> None:
    """With the reason; the others hold, and a stale waiver is counted."""
    (pytester.path / "w.toml").write_text("known, issue 12", encoding="utf-8")
    if ini:
        pytester.makeini("[pytest]\nxentcheck_waivers = w.toml")
    result = run(WAIVED, "-rx", *([] if ini else ["--xentcheck-waivers", "w.toml"]))
    result.assert_outcomes(passed=3, xfailed=1)
    result.stdout.fnmatch_lines(["XFAIL *wrong-value* - *waived: known, issue 12"])
    result.stdout.fnmatch_lines(["*laws: 3 held, 1 waived, 1 waiver is stale"])


def test_a_stale_waiver_fails_if_strict(pytester: pytest.Pytester, run: Run) -> None:
    """The test of its law alone."""
    (pytester.path / "w.toml").write_text("known", encoding="utf-8")
    result = run(WAIVED, "--xentcheck-waivers=w.toml", "--xentcheck-strict-waivers")
    result.assert_outcomes(passed=2, xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["*stale: the waiver of value, float64, sparse can go: its batch passes (known)"])


def test_waivers_that_cannot_be_read(run: Run) -> None:
    """One sentence, and no traceback."""
    result = run(WAIVED, "--xentcheck-waivers=none.toml", "-k", "wrong-value")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*The waivers none.toml cannot be read: No such file or directory."])


def test_the_project_states_what_nothing_else_does(pytester: pytest.Pytester, run: Run, log: Log) -> None:
    """[tool.xentcheck] of pyproject.toml is beneath the ini keys; a mistake in it ends the run at once."""
    source = "@xentcheck.parametrize(['right'], properties=['value'])\ndef test_loss(verify):\n    verify()\n"
    pytester.makepyprojecttoml("[tool.xentcheck]\nprofile = 'standard'\nseed = 5\n")
    run(source).assert_outcomes(passed=1)
    assert "judged standard 5 value right" in log()
    pytester.makeini("[pytest]\nxentcheck_seed = 6")
    run(source).assert_outcomes(passed=1)
    assert "judged standard 6 value right" in log()
    pytester.makepyprojecttoml("[tool.xentcheck]\nsed = 5\n")
    result = run(source)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*has a key 'sed' (did you mean 'seed'?)*"])
