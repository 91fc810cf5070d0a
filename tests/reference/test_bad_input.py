"""One sentence for each kind of bad input."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck import reference

LOGITS = np.zeros((2, 3))
SENTENCES = [
    (LOGITS, [0, 3], ValueError, r"labels\[1\] is 3, but labels of 3 classes lie in 0 \.\.\. 2"),
    (LOGITS, [-1, 0], ValueError, r"labels\[0\] is -1"),
    (LOGITS, np.array([0, 2**63], np.uint64), ValueError, r"labels\[1\] is 9223372036854775808"),
    (LOGITS, [[0], [7]], ValueError, r"labels\[1\] is 7"),
    (LOGITS, [0.0, 1.5], TypeError, "sparse labels must be integers, but have dtype float64"),
    (LOGITS, [True, False], TypeError, "sparse labels must be integers, but have dtype bool"),
    (LOGITS, ["a", "b"], TypeError, "sparse labels must be integers"),
    (LOGITS, [0], ValueError, r"labels must have shape \(2,\) or \(2, 1\), one for each row, but have shape \(1,\)"),
    (LOGITS, 0, ValueError, "labels must have shape"),
    (LOGITS, np.zeros((2, 2)), ValueError, r"must have the scores' shape \(2, 3\), but have \(2, 2\)"),
    (LOGITS, np.zeros((2, 1)), ValueError, "must have the scores' shape"),
    (LOGITS, np.zeros((2, 3, 1)), ValueError, "must have the scores' shape"),
    (LOGITS, [[0, 1, 0], [0.5, -0.5, 1]], ValueError, r"labels\[1, 1\] is -0.5, but must be finite and not negative"),
    (LOGITS, [[0, np.nan, 0], [0, 0, 1]], ValueError, r"labels\[0, 1\] is nan"),
    (LOGITS, [[0, np.inf, 0], [0, 0, 1]], ValueError, r"labels\[0, 1\] is inf"),
    (LOGITS, np.zeros((2, 3), complex), TypeError, "must be real numbers, but have dtype complex128"),
    (LOGITS.astype(complex), [0, 1], TypeError, "logits must be numbers of dtype float16"),
    (LOGITS.astype(object), [0, 1], TypeError, "logits must be numbers of dtype float16"),
    (LOGITS > 0, [0, 1], TypeError, "logits must be numbers of dtype float16"),
    ([0.0, 1.0], [0], ValueError, r"logits must have shape \(n, m\) with at least one class, but have shape \(2,\)"),
    (np.zeros((2, 0)), [0, 0], ValueError, "with at least one class"),
]


@pytest.mark.parametrize(("logits", "labels", "kind", "sentence"), SENTENCES)
@pytest.mark.parametrize("call", [reference.loss, reference.gradient])
def test_bad_input_is_refused_in_one_sentence(call, logits, labels, kind, sentence):
    """Loss and gradient refuse the same, with the same sentence."""
    with pytest.raises(kind, match=sentence) as caught:
        call(logits, labels)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("value", [-0.1, 1.1, 3.0, np.inf])
def test_probabilities_outside_the_unit_interval_are_refused(value):
    """All four functions of probabilities name the entry."""
    p = [[0.5, 0.5], [value, np.nan]]
    for name in ("loss", "gradient"):
        for form, labels in (("sparse", [0, 0]), ("onehot", [[1, 0], [1, 0]])):
            with pytest.raises(ValueError, match=r"probabilities\[1, 0\] is .* must lie in \[0, 1\]"):
                getattr(reference, f"{form}_{name}_from_probabilities")(p, labels)


def test_unknown_choices_are_refused():
    """A reduction or a variable that does not exist is named, with those that do."""
    for call in (reference.loss, reference.gradient):
        with pytest.raises(ValueError, match="reduction is 'average', but must be one of 'none', 'sum', 'mean'"):
            call(LOGITS, [0, 1], "average")
    with pytest.raises(ValueError, match="wrt is 'weights'"):
        reference.sparse_gradient_from_probabilities(LOGITS + 0.25, [0, 1], wrt="weights")
    with pytest.raises(TypeError, match="upstream must be real numbers"):
        reference.gradient(LOGITS, [0, 1], upstream="2")
