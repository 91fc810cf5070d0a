"""Targets of smaller frameworks, each by a shim beside this module where it needs one; data only.

Tried: autograd 1.9.1, mygrad 2.5.0 and tinygrad 0.14.0 in Python 3.11, numpy-ml 0.1.2 in Python 3.8 and 3.9, chainer
7.8.1 in Python 3.8.
"""

from __future__ import annotations

from xentcheck.targets.find.registration import Registered

_FLOAT64_EPS = 2.0**-52
_SHIM = "xentcheck.targets.find.shim_"

FRAMEWORKS: tuple[Registered, ...] = (
    Registered(
        name="autograd.logsumexp",
        description="logsumexp(z) - z[y] of autograd's functions, one loss a row, gradient by autograd",
        loss=f"{_SHIM}autograd:LOGSUMEXP",
        package="autograd",
        requires=("autograd", "scipy"),
        install="pip install autograd scipy",
        # The difference is this project's: it cannot be better than the grade that its form allows.
        contract={"reduction": "none", "accuracy": "C"},
    ),
    Registered(
        name="mygrad.softmax_crossentropy",
        description="sparse labels, a mean, gradient by mygrad",
        loss=f"{_SHIM}mygrad:SOFTMAX_CROSSENTROPY",
        package="mygrad",
        requires=("mygrad",),
        install="pip install mygrad",
        contract={},  # its docstring: the average over the rows, of the logits' log-softmax
    ),
    Registered(
        name="mygrad.negative_log_likelihood",
        description="of mygrad's logsoftmax: sparse labels, a mean over rows, class weights, gradient by mygrad",
        loss=f"{_SHIM}mygrad:NEGATIVE_LOG_LIKELIHOOD",
        package="mygrad",
        requires=("mygrad",),
        install="pip install mygrad",
        contract={"class_weights": {"argument": "weights"}, "mean_over": "rows"},
    ),
    Registered(
        name="tinygrad.cross_entropy",
        description="sparse, one-hot and soft labels, one loss a row, label_smoothing, gradient by tinygrad",
        loss=f"{_SHIM}tinygrad:CROSS_ENTROPY",
        package="tinygrad",
        requires=("tinygrad",),
        install="pip install tinygrad",  # and clang, by which it compiles
        contract={
            "labels": ["sparse", "onehot", "soft"],
            "reduction": "none",
            "label_smoothing": {"argument": "label_smoothing"},
        },
        expensive_shapes=True,
    ),
    Registered(
        name="tinygrad.sparse_categorical_crossentropy",
        description="sparse labels, a mean over rows not ignored, label_smoothing, gradient by tinygrad",
        loss=f"{_SHIM}tinygrad:SPARSE_CATEGORICAL_CROSSENTROPY",
        package="tinygrad",
        requires=("tinygrad",),
        install="pip install tinygrad",
        # Given its default, -1, it ignores no label.
        keywords={"ignore_index": -100},
        contract={"mean_over": "kept", "label_smoothing": {"argument": "label_smoothing"}, "ignore_index": -100},
        expensive_shapes=True,
    ),
    Registered(
        name="tinygrad.nll_loss",
        description="of tinygrad's log_softmax: sparse labels, a mean over weights, gradient by tinygrad",
        loss=f"{_SHIM}tinygrad:NLL_LOSS",
        package="tinygrad",
        requires=("tinygrad",),
        install="pip install tinygrad",
        contract={
            "mean_over": "weights",
            "class_weights": {"argument": "weight"},
            "ignore_index": {"argument": "ignore_index"},
        },
        expensive_shapes=True,
    ),
    Registered(
        name="chainer.softmax_cross_entropy",
        description="sparse labels, a mean over rows not ignored, class_weight, gradient by chainer; in a Python 3.8",
        loss=f"{_SHIM}chainer:SOFTMAX_CROSS_ENTROPY",
        package="chainer",
        requires=("chainer",),
        install="pip install chainer 'numpy<1.24'",
        python="3.8",
        # Its docstring: normalize=True divides by the number of labels that are not ignored.
        contract={
            "mean_over": "kept",
            "class_weights": {"argument": "class_weight"},
            "ignore_index": {"argument": "ignore_label"},
        },
    ),
    Registered(
        name="numpy_ml.CrossEntropy",
        description="numpy-ml: one-hot labels first, log(p + eps), a sum, the gradient p - y; up to Python 3.9",
        loss="numpy_ml.neural_nets.losses:CrossEntropy",
        requires=("numpy_ml",),
        install="pip install numpy-ml 'numpy<1.24'",
        python="3.9",
        # As its docstrings state; the eps of float64 stands in its source.
        contract={
            "input": "probabilities",
            "labels": ["onehot"],
            "reduction": "sum",
            "argument_order": "labels_first",
            "boundary": {"add": _FLOAT64_EPS},
        },
    ),
)
