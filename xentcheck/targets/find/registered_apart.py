"""Losses of frameworks that are kept apart, each in an environment of its own: data only."""

from __future__ import annotations

from typing import Any

from xentcheck.targets.find.registration import SHIMS, Registered

_MXNET: dict[str, Any] = {
    "package": "mxnet",
    "requires": ("mxnet",),
    "install": "pip install mxnet 'numpy<1.24'",
    "python": "3.11",
    "tried": "1.9.1",
    "documentation": "docstring of mxnet.gluon.loss.SoftmaxCrossEntropyLoss",
    "seen": {"domain": "an array of no elements stands for an unknown shape"},
}
_GLUON: dict[str, Any] = {
    "reduction": "none",
    "row_weights": {"argument": "sample_weight"},
    "domain": {"rows": [1, 1 << 20]},
}

TARGETS: tuple[Registered, ...] = (
    Registered(
        name="mxnet.gluon.loss.SoftmaxCrossEntropyLoss",
        description="class indices, one loss a row, with sample_weight, gradient by MXNet",
        loss=f"{SHIMS}.mxnet_gluon:SPARSE",
        contract={"labels": ["sparse"], **_GLUON},
        **_MXNET,
    ),
    Registered(
        name="mxnet.gluon.loss.SoftmaxCrossEntropyLoss.probabilities",
        description="class probabilities, one loss a row, with sample_weight, gradient by MXNet",
        loss=f"{SHIMS}.mxnet_gluon:DENSE",
        contract={"labels": ["onehot", "soft"], "dense_label_dtypes": ["same"], **_GLUON},
        **_MXNET,
    ),
    Registered(
        name="megengine.functional.loss.cross_entropy",
        description="class indices, with label_smooth, gradient by MegEngine",
        loss=f"{SHIMS}.megengine_functional:CROSS_ENTROPY",
        package="megengine",
        requires=("megengine",),
        install="pip install MegEngine 'numpy<1.24'",
        python="3.10",
        contract={
            "axis": 1,
            "extra_axes": [0, 1, 2],
            "label_dtypes": ["int32", "int64"],
            "label_smoothing": {"argument": "label_smooth"},
            "dtypes": ["float32"],
        },
        tried="1.13.0",
        documentation="docstring of megengine.functional.loss.cross_entropy",
        seen={"label_dtypes": "trial", "dtypes": "trial: float64 becomes float32"},
    ),
    Registered(
        name="nnabla.functions.softmax_cross_entropy",
        description="class indices, one loss a row, gradient by NNabla, in float32",
        loss=f"{SHIMS}.nnabla_functions:SOFTMAX_CROSS_ENTROPY",
        package="nnabla",
        requires=("nnabla",),
        install="pip install nnabla",
        python="3.10",
        contract={
            "labels": ["sparse"],
            "reduction": "none",
            "dtypes": ["float32"],
            "domain": {"rows": [1, 1 << 20]},
        },
        tried="1.39.0",
        documentation="docstring of nnabla.functions.softmax_cross_entropy",
        seen={"dtypes": "trial: all else becomes float32", "domain": "no rows are not spoken of"},
    ),
    Registered(
        name="mindspore.ops.cross_entropy",
        description="class indices, with weight, ignore_index and label_smoothing, gradient by MindSpore",
        loss=f"{SHIMS}.mindspore_ops:CROSS_ENTROPY",
        package="mindspore",
        requires=("mindspore",),
        install="pip install mindspore",
        contract={
            "label_dtypes": ["int32"],
            "mean_over": "weights",
            "class_weights": {"argument": "weight"},
            "ignore_index": {"argument": "ignore_index"},
            "label_smoothing": {"argument": "label_smoothing"},
            "smoothing_weights": "class",
            "dtypes": ["float32"],
        },
        tried="2.10.0",
        documentation="docstring of mindspore.ops.cross_entropy",
        seen={"smoothing_weights": "probe: each class inside the sum carries its own", "dtypes": "as in most programs"},
    ),
)
