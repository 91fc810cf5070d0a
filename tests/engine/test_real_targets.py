"""Losses that people use, each judged as a user would, with its verdict pinned and the reason for it.

What needs a framework is judged in quick, as the table in docs/ecosystem is; the others by the standard profile.
"""

from __future__ import annotations

import pytest

import xentcheck
from xentcheck.truth.grades import GRADES

CANCELLATION = "logsumexp"
COMPILED = pytest.param("reference.compiled", marks=[pytest.mark.needs("numba"), pytest.mark.slow])


def verdicts(report):
    """Return the laws broken in each dtype."""
    return {(law.name, law.dtype) for law in report.properties if law.status == "failed"}


def grades(report):
    """Return the worst grade of loss and gradient in each dtype."""
    return {(dtype, part): grade.grade for dtype, parts in report.grades.items() for part, grade in parts.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reference", COMPILED])
def test_reference_conforms_with_relative_accuracy(name):
    """The reference is of grade B+ or better in every dtype, loss and gradient; compiled too."""
    report = xentcheck.check(name)
    assert report.findings == ()
    assert len(report.grades) == 4
    assert all(GRADES.index(grade) <= GRADES.index("B+") for grade in grades(report).values())


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["reference.summed_guarded", "reference.averaged_clipped"])
def test_presets_conform_and_their_gradients_part_from_their_losses(preset):
    """Both presets keep what they promise; the report says where p - t is not the derivative of the guarded loss."""
    report = xentcheck.check(preset)
    assert report.findings == ()
    assert report.verdict == "conforms"
    assert any("not the derivative of the declared loss" in sentence for sentence in report.observations)


@pytest.mark.slow
def test_scipy_log_softmax_is_of_grade_b():
    """scipy shifts by the maximum: absolute accuracy everywhere, relative accuracy lost on confident rows."""
    report = xentcheck.check("scipy.special.log_softmax")
    assert report.findings == ()
    assert grades(report)["float64", "loss"] == "B"


@pytest.mark.slow
def test_scipy_logsumexp_conforms_to_c():
    """logsumexp(z) - z_y loses digits under an offset: it conforms to grade C, which is all that is declared."""
    report = xentcheck.check("scipy.special.logsumexp")
    assert report.findings == ()
    assert grades(report)["float64", "loss"] == "C"


@pytest.mark.slow
@pytest.mark.needs("optax")
def test_optax_integer_labels_lose_accuracy_under_an_offset():
    """Equal logits at an offset: certified finding, in float32 and float64, whose cause is named.

    By hand: 0.6931 at offset 1, 0.6875 at 1e6, 0 at 1e8 in float32.
    """
    report = xentcheck.check("optax.softmax_cross_entropy_with_integer_labels", profile="quick")
    assert {("shift", "float32"), ("shift", "float64")} <= verdicts(report)
    assert {name for name, _ in verdicts(report)} <= {"value", "shift", "uniform", "own-gradient"}
    causes = {found.cause for found in report.findings if found.cause}
    assert causes
    assert all(CANCELLATION in cause for cause in causes)
    for dtype in ("float32", "float64"):
        assert grades(report)[dtype, "loss"] == "C"


@pytest.mark.slow
@pytest.mark.needs("optax")
def test_optax_one_hot_conforms():
    """The one-hot form goes through log_softmax and is of grade B."""
    report = xentcheck.check("optax.softmax_cross_entropy", profile="quick")
    assert report.findings == ()
    assert grades(report)["float32", "loss"] == "B"


@pytest.mark.slow
@pytest.mark.needs("torch")
def test_torch_class_indices():
    """torch conforms to grade B, but for float16, where a weighted sum overflows although the mean does not.

    By hand: cross_entropy of the float16 logits [1000, 0] with label 0, weights [1, 100] and label_smoothing 0.5
    is 25,000; torch adds up 100 * 1000 in float16 before it multiplies by the share of the smoothing, and gives inf.
    """
    report = xentcheck.check("torch.nn.functional.cross_entropy", profile="quick")
    assert {dtype for _, dtype in verdicts(report)} <= {"float16"}
    assert ("finite", "float16") in verdicts(report)
    for dtype in ("float32", "float64", "bfloat16"):
        assert grades(report)[dtype, "loss"] == "B"


@pytest.mark.slow
@pytest.mark.needs("torch")
def test_torch_probabilities():
    """torch with probabilities as targets conforms to grade B in the dtypes of 32 and 64 bits."""
    report = xentcheck.check("torch.nn.functional.cross_entropy.probabilities", profile="quick")
    assert {dtype for _, dtype in verdicts(report)} <= {"float16"}
    assert grades(report)["float64", "loss"] == "B"


@pytest.mark.slow
@pytest.mark.needs("sklearn")
def test_sklearn_log_loss_conforms():
    """log_loss of scikit-learn keeps its documented clip at the dtype's eps, in float32 as in float64.

    With labels in int8 or uint8, where there are more classes than these number, it breaks law 6: of 257 classes the
    label 0 in uint8 is marked as class 0 and as class 256 by ``label_binarize``, and the loss is that of both.
    """
    report = xentcheck.check("sklearn.metrics.log_loss", profile="quick")
    assert {finding.property for finding in report.findings} == {"label-forms"}
    for finding in report.findings:
        labels, (_, classes) = finding.batch["labels"], finding.batch["scores"]["shape"]
        assert {"int8": 128, "uint8": 256}[labels["dtype"]] < classes
    wide = xentcheck.check(
        "sklearn.metrics.log_loss",
        profile="quick",
        contract={**report.target.contract, "label_dtypes": ["int32", "int64"]},
    )
    assert wide.findings == ()
    assert {cell.dtype for cell in wide.properties if cell.name == "value"} == {"float32", "float64"}
