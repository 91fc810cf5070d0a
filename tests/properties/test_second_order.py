"""Law 16 on whole runs: what it finds, what it lets pass, and what a finding tells."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import xentcheck


def loss(z, y):
    d = z - z.max(axis=1, keepdims=True)
    return (np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(z)), y]).mean() if len(z) else np.float64("nan")


def probabilities(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def product(z, y, v):
    p = probabilities(z)
    return p * (v - (p * v).sum(axis=1, keepdims=True)) / max(len(z), 1)


def judged(hessian_vector, source=loss, **options):
    """Return the report of law 16 alone."""
    return xentcheck.check(source, hessian_vector=hessian_vector, properties=["second-order"], **options)


def refuses(z, y, v):
    raise NotImplementedError("differentiated once only")


def of_ones(z, y, v):
    return product(z, y, v) + 0.25 * v.mean(axis=1, keepdims=True)


def negated(z, y, v):
    return -product(z, y, v)


def not_a_number(z, y, v):
    return product(z, y, v) * np.nan


def wrong_shape(z, y, v):
    return (product(z, y, v) * v).sum()


def gradient(z, y):
    g = probabilities(z)
    g[np.arange(len(z)), y] -= 1
    return g / max(len(z), 1)


def on_a_grid(z, y):
    return gradient(np.round(z * 256) / 256, y)


@pytest.mark.slow
def test_a_gradient_is_differenced_where_no_product_is_offered():
    """A right one passes; one that stands still between neighbours is found, with the step that shows it."""
    right = xentcheck.check(loss, gradient=gradient, properties=["second-order"])
    assert {result.status for result in right.properties} == {"passed"}
    wrong = xentcheck.check(loss, gradient=on_a_grid, properties=["second-order"], dtypes=["float64"])
    assert "a step of 3.8147e-06 " in wrong.findings[0].title
    assert wrong.findings[0].part.startswith("gradient[")


def test_a_row_is_not_said_to_be_one_time_too_many():
    """Of one row n times the exact product is the exact one, which is no mistake to tell."""
    report = judged(lambda z, y, v: product(z, y, v) * (1 - 3e-14), dtypes=["float64"])
    (finding,) = report.findings
    assert len(finding.batch["scores"]["values"]) == finding.batch["scores"]["shape"][1]
    assert "n times" not in finding.title


def test_a_loss_alone_has_no_second_derivative():
    """The law does not apply, and the report says why."""
    report = xentcheck.check(loss, properties=["second-order"], dtypes=["float64"])
    assert [result.status for result in report.properties] == ["not-applicable"]
    assert report.properties[0].why == "the target offers neither Hessian-vector product nor gradient"


def test_a_refusal_is_observed():
    """An error is acceptable: nothing is found, nothing is held, and the report says what happened."""
    report = judged(refuses, dtypes=["float64"])
    assert report.verdict == "nothing-judged"
    assert report.findings == ()
    assert "the Hessian-vector product is refused (NotImplementedError)" in report.observations


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda z, y, v: np.zeros_like(z), "silently zero"),
        (lambda z, y, v: 2 * product(z, y, v), "twice"),
        (negated, "the negative of"),
        (of_ones, "outside its allowance|is not 0"),
        (not_a_number, "is not finite"),
        (wrong_shape, r"has shape \(\)"),
    ],
)
def test_titles_say_what_is_wrong(wrong, said):
    """Common mistakes are named; each finding has the vector that it was made with."""
    found = judged(wrong, dtypes=["float64"], fail_fast=True).findings
    assert len(found) == 1
    assert re.search(said, found[0].title)
    assert np.shape(found[0].vector) == tuple(found[0].batch["scores"]["shape"])


def test_the_diagonal_is_named_under_a_temperature_too():
    """The Hessian by z of a loss of z / T is (diag p - p p^T) / T^2, with p of z / T."""

    def diagonal(z, y, v):
        p = probabilities(z / 3)
        return p * (1 - p) * v / 9 / max(len(z), 1)

    source, contract = (lambda z, y: loss(z / 3, y)), {"temperature": 3.0}
    found = judged(diagonal, source, contract=contract, dtypes=["float64"], fail_fast=True).findings
    assert found[0].title == "the Hessian-vector product is that of the diagonal alone"


def test_not_for_boundaries():
    """Where the loss looks at a probability through a boundary the law does not apply, and the report says why."""
    report = judged(product, contract={"boundary": {"add": 1e-7}})
    assert {result.status for result in report.properties} == {"not-applicable"}
    assert "boundary" in report.properties[0].why


def test_the_reproducer_asks_for_the_product(tmp_path):
    """The script of a finding calls the function with the vector by itself, and prints what came and is certified."""
    source = """
        import numpy as np

        def loss(z, y):
            return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), y]).mean()

        def zeros(z, y, v):
            return np.zeros_like(z)
    """
    (tmp_path / "m.py").write_text(textwrap.dedent(source), encoding="utf-8")
    report = judged(f"{tmp_path}/m.py:zeros", f"{tmp_path}/m.py:loss", dtypes=["float64"])
    script = tmp_path / "script.py"
    script.write_text(report.findings[0].reproducer, encoding="utf-8")
    answer = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert answer.returncode == 1, answer.stderr
    assert "got        0.0\ncertified  [" in answer.stdout
    assert "xentcheck import" not in report.findings[0].reproducer


@pytest.mark.needs("jax")
def test_zeros_of_a_rule_that_cuts_off_its_residual():
    """A gradient rule of jax that keeps stop_gradient(p - t) has no second derivative, and no error either."""
    import jax
    import jax.numpy as jnp

    def plain(z, y):
        return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1).mean()

    @jax.custom_vjp
    def cut(z, y):
        return plain(z, y)

    def forward(z, y):
        return plain(z, y), jax.lax.stop_gradient(jax.grad(plain)(z, y))

    cut.defvjp(forward, lambda kept, upstream: (upstream * kept, None))
    found = judged(None, lambda z, y: cut(jnp.asarray(z), y), dtypes=["float32"], fail_fast=True)
    assert [finding.title for finding in found.findings] == ["the Hessian-vector product is silently zero"]


@pytest.mark.slow
@pytest.mark.needs("torch")
def test_torch_conforms_in_every_dtype():
    """The double backward pass of cross_entropy, with weights, smoothing and ignored rows, keeps its allowance."""
    report = xentcheck.check("torch.nn.functional.cross_entropy", properties=["second-order"])
    assert report.verdict == "conforms"
    assert all(result.status == "passed" for result in report.properties)


@pytest.mark.slow
@pytest.mark.needs("optax")
def test_jax_conforms():
    """Forward over reverse through optax's loss keeps its allowance."""
    report = xentcheck.check("optax.softmax_cross_entropy", properties=["second-order"], dtypes=["float32"])
    assert report.verdict == "conforms"
    assert all(result.status == "passed" for result in report.properties)
