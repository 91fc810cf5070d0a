"""16-bit inputs are worked on in float32 by default, and a finding says where another promise would be kept."""

from __future__ import annotations

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.engine.order import capabilities_of
from xentcheck.engine.promises import weaker_promise
from xentcheck.properties.case import Case
from xentcheck.properties.registry import choose
from xentcheck.targets import TargetSpecification, open_host


def in_float32(z, y):
    """A right mean, worked on in float32 and rounded once."""
    d = z.astype(np.float32) - z.astype(np.float32).max(axis=1, keepdims=True)
    return (np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(d)), y]).mean().astype(z.dtype)


def gradient_in_float32(z, y):
    """Its gradient."""
    d = z.astype(np.float32) - z.astype(np.float32).max(axis=1, keepdims=True)
    p = np.exp(d) / np.exp(d).sum(axis=1, keepdims=True)
    p[np.arange(len(p)), y] -= 1
    return (p / len(p)).astype(z.dtype)


def too_large(z, y):
    """A gradient a tenth too large."""
    return (gradient_in_float32(z, y).astype(np.float32) * np.float32(1.1)).astype(z.dtype)


def elementwise(z, y):
    """A mean whose every result is rounded to 16 bits; only the sum of the exponentials is in float32."""
    d = z - z.max(axis=1, keepdims=True)
    s = np.exp(d).sum(axis=1, dtype=np.float32).astype(z.dtype)
    return (np.log(s) - d[np.arange(len(d)), y]).mean(dtype=np.float32).astype(z.dtype)


def judged(loss, dtype, gradient=None, **contract):
    """Return the report on small batches of one 16-bit dtype."""
    contract = {"dtypes": [dtype], "domain": {"rows": [1, 8], "classes": [1, 300], "magnitude": 100.0}, **contract}
    return xentcheck.check(loss, gradient=gradient, contract=contract, properties=["value", "gradient"])


def test_what_works_in_float32_conforms():
    """The default promise, loss and gradient."""
    assert judged(in_float32, "bfloat16", gradient_in_float32).verdict == "conforms"


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_gradient_a_tenth_too_large_is_found(dtype):
    """No narrower arithmetic is an excuse for it on every input."""
    report = judged(in_float32, dtype, too_large)
    assert {found.property for found in report.findings} == {"gradient"}


@pytest.mark.slow
def test_what_rounds_on_the_way_is_told_which_promise_it_keeps():
    """By default it violates, and the finding says that compute=same alone would mend it; declared, it conforms."""
    found = judged(elementwise, "float16").findings
    assert [one.property for one in found] == ["value"]
    assert any(line.startswith("would conform here with compute=same") for line in found[0].detail)
    assert judged(elementwise, "float16", compute="same").verdict == "conforms"


def label_by_float16(z, y):
    """A right mean of labels that have gone through float16."""
    return in_float32(z, np.minimum(y.astype(np.float16), z.shape[1] - 1).astype(np.int64))


@pytest.mark.slow
def test_an_infinite_allowance_is_no_promise_to_tell_of():
    """Beyond 2,048 classes no bound holds for sums in float16: that this would conform there says nothing."""
    found = judged(label_by_float16, "float16", domain={"rows": [1, 1], "classes": [2049, 3000]}).findings
    assert not any("would conform" in line for one in found for line in one.detail)


def unshifted(z, y):
    """A mean of logsumexp(z) - z_y, which a common offset costs digits."""
    top = z.max(axis=1)
    return (top + np.log(np.exp(z - top[:, None]).sum(axis=1)) - z[np.arange(len(z)), y]).mean(dtype=z.dtype)


def twice(z, y):
    """A mistake that no promise allows."""
    return 2 * unshifted(z, y)


def in_80_bits(z, y):
    """The row losses in 80 bits, with relative accuracy."""
    each, top = np.arange(len(z)), z.argmax(axis=1)
    d = z.astype(np.longdouble) - z[each, top][:, None]
    e = np.exp(d)
    e[each, top] = 0
    return np.log1p(e.sum(axis=1)) - d[each, y]


def the_other_neighbour(z, y):
    """Round to the farther of the two numbers beside the exact one."""
    exact = in_80_bits(z, y)
    nearest = exact.astype(np.float64)
    return np.nextafter(nearest, np.where(exact > nearest, np.inf, -np.inf)).mean()


def some_roundings(z, y):
    """Off by eight of them, relatively."""
    return (in_80_bits(z, y) * (1 + 2.0**-50)).astype(np.float64).mean()


def plain(z, y):
    """log(sum exp(z - max)), whose sum of a confident row is 1 and a little, rounded."""
    d = z - z.max(axis=1, keepdims=True)
    return (np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(d)), y]).mean()


LARGE = Batch(np.array([[1000.3, 1001.7, 999.0]], np.float32), np.array([2]))
ORDINARY = Batch(np.array([[0.3, -1.2, 2.0]]), np.array([1]))
CONFIDENT = Batch(np.array([[0.0, -20.0, -21.0]]), np.array([0]))


@pytest.mark.parametrize(
    ("loss", "batch", "accuracy", "promise"),
    [
        (unshifted, LARGE, "B", "accuracy=C"),
        (twice, LARGE, "B", None),
        (twice, ORDINARY, "A*", None),
        (the_other_neighbour, ORDINARY, "A*", "accuracy=A"),
        (some_roundings, ORDINARY, "A*", "accuracy=B+"),
        (some_roundings, ORDINARY, "A", "accuracy=B+"),
        (plain, CONFIDENT, "A", "accuracy=B"),
        (plain, CONFIDENT, "B+", "accuracy=B"),
    ],
)
def test_the_promise_that_alone_would_be_kept(loss, batch, accuracy, promise):
    """Of the promises that are weaker than the one made, the first that all answers keep; none for a mistake."""
    with open_host(TargetSpecification(loss=loss, contract=xentcheck.Contract(accuracy=accuracy))) as host:
        contract = host.description.contract

        def case_of(each, declared):
            return Case(declared, capabilities_of(host), host, each)

        (law,) = choose(["value"])
        (violation,) = law.judge(case_of(batch, contract))
        found = weaker_promise(violation, contract, case_of)
    assert (found and found[0]) == promise


def labels_through_logarithms(z, t):
    """Return p - t of labels that are kept as logarithms, as a distribution of them keeps its parameters."""
    d = z - z.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        kept = np.exp(np.log(t.astype(z.dtype)))
    return np.exp(d - np.log(np.exp(d).sum(axis=1, keepdims=True))) - kept


@pytest.mark.slow
def test_labels_that_are_read_back_are_told_of_a_weaker_promise():
    """A common offset is not what costs digits of soft labels here, so that both are said."""
    report = xentcheck.check(
        gradient=labels_through_logarithms,
        loss=lambda z, t: xentcheck.reference.loss(z, t, reduction="none"),
        contract={"labels": ["soft"], "dense_label_dtypes": ["same"], "reduction": "none", "dtypes": ["float32"]},
        properties=["gradient"],
    )
    (found,) = report.findings
    (line,) = [line for line in found.detail if line.startswith("would conform here with accuracy=C")]
    assert "soft labels to be read back from their logarithms" in line
