"""Law 15, forward mode, on whole runs: what it finds, what it lets pass, and what a finding tells."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import xentcheck


def row_losses(z, y):
    d = z - z.max(axis=1, keepdims=True)
    return np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(z)), y]


def loss(z, y):
    return row_losses(z, y).mean() if len(z) else np.float64("nan")


def rows_along(z, y, v):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return ((e / e.sum(axis=1, keepdims=True)) * v).sum(axis=1) - v[np.arange(len(z)), y]


def along(z, y, v):
    return rows_along(z, y, v).mean() if len(z) else np.float64("nan")


def judged(jvp, source=loss, **options):
    """Return the report of forward mode alone."""
    return xentcheck.check(source, jvp=jvp, properties=["forward-mode"], **options)


def refuses(z, y, v):
    raise NotImplementedError("no forward mode")


def of_offsets(z, y, v):
    return along(z, y, v) + 0.25 * v.mean()


def without_label(z, y, v):
    return along(z, y, v) + v[np.arange(len(z)), y].sum() / max(len(z), 1)


@pytest.mark.parametrize(
    ("reduction", "source", "jvp"),
    [
        ("mean", loss, along),
        ("sum", lambda z, y: row_losses(z, y).sum(), lambda z, y, v: rows_along(z, y, v).sum()),
        ("none", row_losses, rows_along),
    ],
)
def test_a_right_one_passes(reduction, source, jvp):
    """A scalar for mean and sum, one number a row without a reduction, in both dtypes."""
    report = judged(jvp, source, contract={"reduction": reduction})
    assert report.verdict == "conforms"
    assert {result.status for result in report.properties} == {"passed"}


def test_one_number_a_row_where_a_scalar_is_due():
    """A derivative that is not reduced as the loss is has the wrong shape."""
    found = judged(rows_along, dtypes=["float64"], fail_fast=True).findings
    assert [one.part for one in found] == ["jvp"]
    assert re.match(r"the derivative along the tangent has shape \(\d+,\), but must have \(\)", found[0].title)


def test_a_target_without_one():
    """The law does not apply to a loss of numpy alone, and the report says why."""
    report = xentcheck.check(loss, properties=["forward-mode"], dtypes=["float64"])
    assert [(one.status, one.examples, one.seconds) for one in report.properties] == [("not-applicable", 0, 0.0)]
    assert report.properties[0].why == "the target offers no derivative along a tangent (jvp)"


def test_a_refusal_is_observed():
    """An error is acceptable: nothing is found, nothing is held, and the report says what happened."""
    report = judged(refuses, dtypes=["float64"])
    assert report.verdict == "nothing-judged"
    assert report.findings == ()
    assert "the derivative along a tangent is refused (NotImplementedError)" in report.observations


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda z, y, v: np.float64(0), "silently zero"),
        (lambda z, y, v: -along(z, y, v), "the negative of"),
        (lambda z, y, v: 2 * along(z, y, v), "twice"),
        (without_label, "lacks the label's entry"),
        (
            lambda z, y, v: -v[np.arange(len(z)), y].sum() / max(len(z), 1),
            "minus the label's entry of the tangent alone",
        ),
        (lambda z, y, v: rows_along(z, y, v).sum() / max(z.size, 1), "an m-th of"),
        (lambda z, y, v: along(z, y, v) * np.nan, "not finite"),
        (of_offsets, "is not 0 for one number along each row|outside its allowance"),
    ],
)
def test_titles_say_what_is_wrong(wrong, said):
    """Common mistakes are named; each finding has the tangent that it was made with."""
    found = judged(wrong, dtypes=["float64"], fail_fast=True).findings
    assert len(found) == 1
    assert re.search(said, found[0].title)
    assert np.shape(found[0].tangent) == tuple(found[0].batch["scores"]["shape"])
    assert found[0].vector is None


@pytest.mark.slow
def test_a_loss_that_is_wrong_itself_is_not_blamed_on_its_derivative():
    """What comes of a mistake in the loss is told once, by the law of its value."""
    report = xentcheck.check(
        lambda z, y: 2 * loss(z, y),
        jvp=lambda z, y, v: 2 * along(z, y, v),
        properties=["value", "forward-mode"],
        dtypes=["float64"],
    )
    assert {found.property for found in report.findings} == {"value"}


def test_log_probabilities_have_the_sign_turned():
    """The derivative is that of what is returned, and so are the numbers of a finding."""
    contract = {"output": "log_probability", "reduction": "none", "dtypes": ["float64"]}
    right = judged(lambda z, y, v: -rows_along(z, y, v), lambda z, y: -row_losses(z, y), contract=contract)
    assert right.verdict == "conforms"
    wrong = judged(rows_along, lambda z, y: -row_losses(z, y), contract=contract, fail_fast=True).findings[0]
    assert wrong.got == pytest.approx(-wrong.certified[0], rel=1e-6)


def test_the_reproducer_asks_for_the_derivative(tmp_path):
    """The script of a finding calls the function with the tangent by itself, and prints what came and is certified."""
    source = """
        import numpy as np

        def loss(z, y):
            return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), y]).mean()

        def zero(z, y, v):
            return np.float64(0)
    """
    (tmp_path / "m.py").write_text(textwrap.dedent(source), encoding="utf-8")
    report = judged(f"{tmp_path}/m.py:zero", f"{tmp_path}/m.py:loss", dtypes=["float64"])
    script = tmp_path / "script.py"
    script.write_text(report.findings[0].reproducer, encoding="utf-8")
    answer = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert answer.returncode == 1, answer.stderr
    assert "got        0.0\ncertified  [" in answer.stdout
    assert "xentcheck import" not in report.findings[0].reproducer


def test_the_reproducer_of_a_function_of_a_session():
    """It says to call the target with the tangent, whose numbers it has."""
    found = judged(lambda z, y, v: -along(z, y, v), dtypes=["float64"], fail_fast=True).findings[0]
    assert f"target(scores, labels, np.array({found.tangent!r}, scores.dtype), **options)" in found.reproducer


@pytest.mark.needs("torch")
def test_a_hand_written_forward_mode_of_torch():
    """An autograd function whose backward is right and whose jvp forgets the label is found."""
    import torch

    class Forgets(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z, y):
            ctx.p, ctx.y = torch.softmax(z.detach(), 1), y
            return torch.nn.functional.cross_entropy(z, y, reduction="sum")

        @staticmethod
        def backward(ctx, upstream):
            return upstream * (ctx.p - torch.nn.functional.one_hot(ctx.y, ctx.p.shape[1])), None

        @staticmethod
        def jvp(ctx, tangent, _):
            return (ctx.p * tangent).sum()

    def forgets(z, y):
        return Forgets.apply(z, y)

    contract = {"reduction": "sum", "label_dtypes": ["int64"], "dtypes": ["float64"], "domain": {"classes": [2, 4]}}
    report = xentcheck.check(forgets, contract=contract, properties=["gradient", "forward-mode"], fail_fast=True)
    assert {found.property for found in report.findings} == {"forward-mode"}


@pytest.mark.needs("jax")
def test_a_hand_written_rule_of_jax():
    """A custom_jvp that is divided by the number of classes is found."""
    import jax
    import jax.numpy as jnp

    def plain(z, y):
        return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1).sum()

    @jax.custom_jvp
    def rule(z, y):
        return plain(z, y)

    @rule.defjvp
    def _(primals, tangents):
        z, y = primals
        products = (jax.nn.softmax(z) - jax.nn.one_hot(y, z.shape[1], dtype=z.dtype)) * tangents[0]
        return plain(z, y), products.sum() / z.shape[1]

    options = {"contract": {"reduction": "sum", "domain": {"classes": [2, 4]}}, "dtypes": ["float32"]}
    found = judged(None, lambda z, y: rule(jnp.asarray(z), y), fail_fast=True, **options).findings
    assert [finding.title for finding in found] == ["the derivative along the tangent is an m-th of the exact one"]


@pytest.mark.slow
@pytest.mark.needs("torch")
def test_torch_conforms_in_every_dtype():
    """Forward mode of cross_entropy, with weights, smoothing and ignored rows, keeps its allowance."""
    report = xentcheck.check("torch.nn.functional.cross_entropy", properties=["forward-mode"])
    assert report.verdict == "conforms"
    assert all(result.status == "passed" for result in report.properties)


@pytest.mark.slow
@pytest.mark.needs("optax")
def test_jax_conforms():
    """Forward mode through optax's loss keeps its allowance."""
    report = xentcheck.check("optax.softmax_cross_entropy", properties=["forward-mode"], dtypes=["float32"])
    assert report.verdict == "conforms"
    assert all(result.status == "passed" for result in report.properties)
