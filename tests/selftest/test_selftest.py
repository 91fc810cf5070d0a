"""The self-test: bugs are found and named, right ones conform, and its figures can fail."""

from __future__ import annotations

import dataclasses
import json
from itertools import islice

import pytest
from click.testing import CliRunner

from xentcheck.cli.selftest import selftest
from xentcheck.engine import search
from xentcheck.engine.plan import PROFILES
from xentcheck.selftest import examination
from xentcheck.selftest.examination import Examined, examine, examine_with_seeds
from xentcheck.selftest.examine_zoo import chosen, examine_all
from xentcheck.selftest.summary import summarise
from xentcheck.zoo import BUGS, OUTSIDE, RIGHT

LENGTHS = {"quick": (1,), "standard": (None,)}
SOON = (
    "no_maximum",
    "lse_minus_label",
    "eps_added",
    "sum_for_mean",
    "weights_ignored",
    "smoothing_over_others",
    "off_by_one",
    "logits_overwritten",
    "gradient_of_the_sum",
    "first_upstream_for_all",
    "vector_for_scalar",
    "negative_label_wraps",
    "silently_zero",
    "SecondCallDiffers",
)


def specimen(name: str):
    return next(found for found in (*BUGS, *RIGHT) if found.name == name)


@pytest.mark.parametrize("name", SOON)
def test_bugs_fall_at_once(name: str):
    """A bug of every kind is found among the first ten batches, by an expected law or a plainer one."""
    found = examine(specimen(name), only_first=True)
    assert found.first is not None
    assert found.first.examples <= 10
    assert found.planted
    assert found.first.rows <= 3
    assert found.first.classes <= 3


@pytest.mark.parametrize(
    "name",
    [
        "lse_minus_label",
        "sum_for_mean",
        "SecondCallDiffers",
        "vector_for_scalar",
        "needs_contiguous",
        "small_upstream_dropped",
        "vector_normalised_above_ten",
        "vector_through_float16",
        "tangent_through_float16",
        "positions_of_15_bits",
    ],
)
def test_mechanisms_are_named(name: str):
    """The first finding names the planted mechanism, the kept state of a target included."""
    assert examine(specimen(name), only_first=True).named_rightly


@pytest.mark.slow
def test_the_short_form_passes():
    """The part of the zoo that is fixed for this: each bug is found, nothing right is failed."""
    result = CliRunner().invoke(selftest, ["--short"], standalone_mode=False)
    assert result.return_value == 0, result.output
    bugs, right = chosen(short=True)
    assert f"{len(bugs)} of {len(bugs)} bugs found" in result.output
    assert f"0 of {len(right)} right implementations failed" in result.output


@pytest.mark.slow
def test_a_bug_that_survives_quick_is_searched_in_standard(monkeypatch):
    """And what was found tells in which of the two."""
    assert examine(specimen("rows_beyond_256_dropped"), only_first=True).first.profile == "quick"
    whole = search.sweep
    monkeypatch.setitem(PROFILES, "quick", dataclasses.replace(PROFILES["quick"], examples=1, least=1))
    monkeypatch.setattr(
        search, "sweep", lambda *given, sizes, **more: islice(whole(*given, sizes=sizes, **more), *LENGTHS[sizes])
    )
    assert examine(specimen("rows_beyond_256_dropped"), only_first=True).first.profile == "standard"


@pytest.mark.slow
def test_seeds_repeat_no_work():
    """A bug that falls in the sweep is judged once; a right one gets other batches with each seed, and no sweep."""
    zeroth, first = examine_with_seeds(specimen("no_maximum"), 2, only_first=True)
    assert first == dataclasses.replace(zeroth, seed=1)
    zeroth, first = examine_with_seeds(specimen("sum_descending"), 2)
    assert zeroth.first is first.first is None
    assert 0 < first.examples < zeroth.examples


def test_a_right_one_conforms():
    """An unusual order of summation breaks no law of values."""
    found = examine(specimen("sum_descending"), properties=("value", "shift"))
    assert found.first is None
    assert found.examples > 20


def examined(name: str, planted: bool, fell: bool) -> Examined:
    """Return an outcome, made from that of a real bug."""
    real = examine(specimen("sum_for_mean"), only_first=True)
    first = real.first if fell else None
    return dataclasses.replace(real, name=name, planted=planted, first=first, laws=real.laws if fell else ())


def test_figures_fail_for_what_must_not_be():
    """A survivor, bugs found late, a right one that is failed and a law that kills nothing each fail the self-test."""

    def fails(*done: Examined, laws: tuple[str, ...] = ()) -> bool:
        return summarise(done, version="", profile="quick", seeds=1, laws=laws, expected={}, seconds=0.0).fails

    found, survivor = examined("a", True, True), examined("b", True, False)
    conforming, failed = examined("c", False, False), examined("d", False, True)
    assert not fails(found, conforming)
    assert fails(found, survivor)
    late = dataclasses.replace(found, name="e", first=dataclasses.replace(found.first, profile="standard"))
    assert fails(found, late)
    assert not fails(*(dataclasses.replace(found, name=str(k)) for k in range(19)), late)
    assert fails(found, failed)
    assert not fails(found, laws=found.laws)
    assert fails(found, laws=(*found.laws, "purity"))


def test_expected_laws_are_compared():
    """A bug that falls by another law than those expected is listed."""
    found = examined("a", True, True)
    summary = summarise(
        [found], version="", profile="quick", seeds=1, laws=(), expected={"a": ("purity",)}, seconds=0.0
    )
    assert summary.unexpected == ("a",)


def test_choice_of_specimens():
    """Specimens are chosen by name and by file, and the short form is a part."""
    assert [found.name for found in chosen(["no_maximum"])[0]] == ["no_maximum"]
    assert chosen(["bugs_masks"])[0] == tuple(found for found in BUGS if found.module.endswith("bugs_masks"))
    bugs, right = chosen(short=True)
    assert 20 <= len(bugs) <= 40
    assert 1 <= len(right) <= 10


def test_command(tmp_path):
    """The command prints the figures, and writes JSON and the page of the docs."""
    report, page = tmp_path / "out.json", tmp_path / "zoo.md"
    arguments = ["--only", "no_maximum", "--only", "sum_for_mean", "--first", "--json", str(report)]
    result = CliRunner().invoke(selftest, [*arguments, "--markdown", str(page)], standalone_mode=False)
    assert result.return_value == 0
    assert "2 of 2 bugs found with one seed, 2 of them in quick" in result.output
    assert {one["name"] for one in json.loads(report.read_text())["specimens"]} == {"no_maximum", "sum_for_mean"}
    page.write_text(page.read_text() + "\n## From outside\nBy hand.\n")
    assert CliRunner().invoke(selftest, [*arguments, "--markdown", str(page)], standalone_mode=False).return_value == 0
    assert page.read_text().startswith("# The zoo")
    assert page.read_text().count("\n## From outside\nBy hand.\n") == 1
    assert "| `no_maximum` |" in page.read_text()


def test_command_refuses_unknown_names():
    """A name that is none is a mistake in the call."""
    result = CliRunner().invoke(selftest, ["--only", "nothing"])
    assert result.exit_code == 2


def test_every_law_is_asked_unless_only_the_first_is_wanted(monkeypatch):
    """With the first seed; a bug that is not found in the sweep is searched with the others until it falls."""
    asked = []

    def noted(specimen, **options):
        asked.append((options.get("seed", 0), options["only_first"]))
        return dataclasses.replace(real, first=None)

    real = examine(specimen("vector_for_scalar"), properties=["layout"])
    monkeypatch.setattr(examination, "examine", noted)
    for only_first in (False, True):
        asked.clear()
        examine_with_seeds(specimen("vector_for_scalar"), 2, **({"only_first": True} if only_first else {}))
        assert asked == [(0, only_first), (1, True)]


def test_a_bug_is_searched_in_quick_first_whatever_the_profile():
    """So that the figures say what quick finds; standard is for what quick has not found."""
    found = examine(specimen("vector_for_scalar"), properties=["layout"], profile="standard")
    assert (found.first.profile, found.first.in_sweep) == ("quick", True)


@pytest.mark.parametrize("name", ["first", "second", "third"])
def test_a_set_from_outside_is_large_and_wholly_wrong(name: str) -> None:
    """Sixty bugs at least, each with a key, none of them one of the zoo."""
    bugs, right = chosen(outside=name)
    assert len(bugs) >= 60
    assert not right
    assert all(bug.mechanism and bug.summary for bug in bugs)
    assert not {bug.location for bug in bugs} & {bug.location for bug in BUGS}


@pytest.mark.parametrize(
    "name",
    [
        "cap_of_logits_less_their_maximum",
        "uniform_part_is_a_mean_over_all_rows",
        "absent_actions_have_a_logit_of_minus_1e8",
        "weights_multiply_the_columns_of_the_gradient",
        "hessian_without_its_off_diagonal_part",
    ],
)
def test_what_had_no_name_at_first_has_one(name: str) -> None:
    """Each is found in quick, and its first finding tells the mistake."""
    bug = next(found for found in OUTSIDE["fourth"] if found.name == name)
    done = examine(bug, only_first=True)
    assert done.first is not None
    assert done.first.profile == "quick"
    assert done.mechanism == bug.mechanism


def test_a_bug_from_outside_is_judged_like_one_of_the_zoo() -> None:
    """It is found by its location, whatever the names in the zoo are."""
    bug = next(found for found in OUTSIDE["first"] if found.name == "z_loss_of_ignored_rows")
    (done,) = examine_all([bug], properties=("value",), only_first=True)
    assert done.first is not None
    assert done.mechanism == "z_loss_ignored_rows"


@pytest.mark.parametrize(
    "name", ["gradient_divides_by_the_total_weight_of_the_last_loss", "minus_infinity_survives_in_a_nan_row"]
)
def test_what_survived_at_first_is_found(name: str) -> None:
    """A total weight kept from the last loss; a label at -inf in a row with nan."""
    bug = next(found for found in OUTSIDE["second"] if found.name == name)
    done = examine(bug, only_first=True)
    assert done.first is not None
    assert done.first.profile == "quick"


def test_ctrl_c_ends_the_whole_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the search of one specimen alone, which keeps what it has found."""
    bug = next(found for found in BUGS if found.name == "no_maximum")

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(search.CellSearch, "judge", interrupted)
    with pytest.raises(KeyboardInterrupt):
        examine(bug)
