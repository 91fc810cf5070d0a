"""Losses of frameworks that differentiate by themselves, other than torch and jax: data only."""

from __future__ import annotations

from typing import Any

from xentcheck.targets.find.registration import ALL_DTYPES, REDUCTION, SHIMS, Registered

_MLX: dict[str, Any] = {
    "framework": "mlx",
    "requires": ("mlx",),
    "install": "pip install 'mlx[cpu]'",
    "keywords": REDUCTION,
    "tried": "0.32.4",
    "documentation": "docstring of mlx.nn.losses",
    "seen": {"compute": "source: composed of operators, each of which rounds to the dtype of the logits"},
}
_TINYGRAD: dict[str, Any] = {
    "framework": "tinygrad",
    "requires": ("tinygrad",),
    "install": "pip install tinygrad, and clang on the path",
    "keywords": REDUCTION,
    "expensive_shapes": True,
    "tried": "0.14.0",
    "documentation": "docstring of tinygrad.Tensor",
    "seen": {
        "dtypes": "bfloat16 needs clang 15, float64 is as declared by the tensor",
        "compute": "source: composed of operators, each of which rounds to the dtype of the tensor",
    },
}
_TENSORFLOW: dict[str, Any] = {
    "framework": "tensorflow",
    "requires": ("tensorflow",),
    "install": "pip install tensorflow-cpu",
    "tried": "2.21.0",
    "documentation": "docstring of tf.nn",
    "seen": {
        "dtypes": "float64 by trial; the documentation names the others",
        "compute": "trial: 16-bit results that no float32 calculation gives",
    },
}
_P_MINUS_T = {
    "soft_rows": "trial; rows that do not sum to 1 are said to have an incorrect gradient, and are not refused",
    "gradient_of": "source: the kernel returns p - t beside the loss; its derivative is that of the softmax",
}
_PADDLE: dict[str, Any] = {
    "framework": "paddle",
    "requires": ("paddle",),
    "install": "pip install paddlepaddle",
    "keywords": REDUCTION,
    "tried": "3.3.1",
    "documentation": "docstring of paddle.nn.functional.cross_entropy",
    "threads": dict.fromkeys(
        ("value", "gradient", "own-gradient"), "https://github.com/PaddlePaddle/Paddle/issues/20994"
    ),
}
_SMOOTHING = {"label_smoothing": {"argument": "label_smoothing"}}

TARGETS: tuple[Registered, ...] = (
    Registered(
        name="mlx.nn.losses.cross_entropy",
        description="class indices, with label_smoothing, gradient by mlx",
        loss="mlx.nn.losses:cross_entropy",
        contract={
            "labels": ["sparse"],
            "reduction": "none",
            "dtypes": ALL_DTYPES,
            "compute": "same",
            "label_smoothing": {"argument": "label_smoothing", "range": "[0, 1)"},
            "domain": {"rows": [1, 1 << 20]},
        },
        **_MLX,
    ),
    Registered(
        name="mlx.nn.losses.cross_entropy.probabilities",
        description="class probabilities, gradient by mlx",
        loss="mlx.nn.losses:cross_entropy",
        contract={
            "labels": ["onehot", "soft"],
            "reduction": "none",
            "dtypes": ALL_DTYPES,
            "compute": "same",
            "label_smoothing": {"argument": "label_smoothing", "range": "[0, 1)"},
            "domain": {"rows": [1, 1 << 20]},
        },
        **_MLX,
    ),
    Registered(
        name="mlx.nn.losses.nll_loss",
        description="log-probabilities and class indices, gradient by mlx",
        loss="mlx.nn.losses:nll_loss",
        contract={
            "input": "log_probabilities",
            "gradient_wrt": "log_probabilities",
            "labels": ["sparse"],
            "reduction": "none",
            "dtypes": ALL_DTYPES,
            "compute": "same",
            "domain": {"rows": [1, 1 << 20]},
        },
        **_MLX,
    ),
    Registered(
        name="mlx.compile.cross_entropy",
        description="class indices, compiled by mlx.core.compile, gradient by mlx",
        loss=f"{SHIMS}.mlx_compile:compiled",
        package="mlx",
        contract={"labels": ["sparse"], "reduction": "none", "domain": {"rows": [1, 1 << 20]}},
        expensive_shapes=True,
        **_MLX,
    ),
    Registered(
        name="tinygrad.Tensor.cross_entropy",
        description="class indices or probabilities, with label_smoothing, gradient by tinygrad",
        loss=f"{SHIMS}.tinygrad_tensor:cross_entropy",
        package="tinygrad",
        contract={
            "labels": ["sparse", "onehot", "soft"],
            "dtypes": ["float16", "float32", "float64"],
            "compute": "same",
            **_SMOOTHING,
        },
        **_TINYGRAD,
    ),
    Registered(
        name="tinygrad.Tensor.sparse_categorical_crossentropy",
        description="class indices, ignore_index=-100, with label_smoothing, gradient by tinygrad",
        loss=f"{SHIMS}.tinygrad_tensor:sparse_categorical_crossentropy",
        package="tinygrad",
        contract={
            "labels": ["sparse"],
            "mean_over": "kept",
            "ignore_index": -100,
            "dtypes": ["float16", "float32", "float64"],
            "compute": "same",
            **_SMOOTHING,
        },
        **{
            **_TINYGRAD,
            "keywords": {**REDUCTION, "ignore_index": {"contract": "ignore_index"}},
            "seen": {
                **_TINYGRAD["seen"],
                # A row labelled -1 then costs nothing, and counts in the mean.
                "ignore_index": "source: rows of that label do not count, but for -1, the default, which ignores none",
                "mean_over": "source: the mean divides by the rows that are kept",
            },
        },
    ),
    Registered(
        name="tinygrad.Tensor.nll_loss",
        description="log-probabilities and class indices, with weight and ignore_index, gradient by tinygrad",
        loss=f"{SHIMS}.tinygrad_tensor:nll_loss",
        package="tinygrad",
        contract={
            "input": "log_probabilities",
            "gradient_wrt": "log_probabilities",
            "labels": ["sparse"],
            "mean_over": "weights",
            "class_weights": {"argument": "weight"},
            "ignore_index": {"argument": "ignore_index"},
            "dtypes": ["float16", "float32", "float64"],
            "compute": "same",
        },
        **{
            **_TINYGRAD,
            "documentation": "docstring of tinygrad.Tensor, which refers to that of torch.nn.functional.nll_loss",
        },
    ),
    Registered(
        name="tensorflow.nn.sparse_softmax_cross_entropy_with_logits",
        description="class indices, one loss a row, gradient by tensorflow",
        loss="tensorflow.nn:sparse_softmax_cross_entropy_with_logits",
        contract={
            "labels": ["sparse"],
            "label_dtypes": ["int32", "int64"],
            "argument_order": "labels_first",
            "reduction": "none",
            "dtypes": ALL_DTYPES,
            "compute": "same",
        },
        **_TENSORFLOW,
    ),
    Registered(
        name="tensorflow.function.sparse_softmax_cross_entropy_with_logits",
        description="the same in a graph (tf.function), in float32 and float64",
        loss=f"{SHIMS}.tensorflow_function:sparse",
        contract={
            "labels": ["sparse"],
            "label_dtypes": ["int32", "int64"],
            "argument_order": "labels_first",
            "reduction": "none",
        },
        package="tensorflow",
        **_TENSORFLOW,
    ),
    Registered(
        name="tensorflow.nn.softmax_cross_entropy_with_logits",
        description="class probabilities, one loss a row, gradient by tensorflow",
        loss="tensorflow.nn:softmax_cross_entropy_with_logits",
        contract={
            "labels": ["onehot", "soft"],
            "dense_label_dtypes": ["same"],
            "soft_rows": "any",
            "gradient_of": "p - t",
            "argument_order": "labels_first",
            "reduction": "none",
            "dtypes": ALL_DTYPES,
            "compute": "same",
        },
        **{**_TENSORFLOW, "seen": {**_TENSORFLOW["seen"], **_P_MINUS_T}},
    ),
    Registered(
        name="paddle.nn.functional.cross_entropy",
        description="class indices, with weight and ignore_index, gradient by paddle",
        loss=f"{SHIMS}.paddle_functional:cross_entropy",
        package="paddle",
        contract={
            "labels": ["sparse"],
            "label_dtypes": ["int64", "int32"],
            "mean_over": "weights",
            "class_weights": {"argument": "weight"},
            "ignore_index": {"argument": "ignore_index"},
        },
        **_PADDLE,
    ),
    Registered(
        name="paddle.nn.functional.cross_entropy.probabilities",
        description="class probabilities, with weight and label_smoothing, gradient by paddle",
        loss=f"{SHIMS}.paddle_functional:cross_entropy",
        package="paddle",
        contract={
            "labels": ["onehot", "soft"],
            "dense_label_dtypes": ["same"],
            "class_weights": {"argument": "weight"},
            "mean_over": "weights",
            "smoothing_weights": "mean",
            **_SMOOTHING,
        },
        **{**_PADDLE, "keywords": {**REDUCTION, "soft_label": True}},
    ),
    Registered(
        name="paddle.nn.functional.softmax_with_cross_entropy",
        description="class indices, with ignore_index, one loss a row; deprecated since 2.0, gradient by paddle",
        loss=f"{SHIMS}.paddle_functional:softmax_with_cross_entropy",
        package="paddle",
        contract={
            "labels": ["sparse"],
            "label_dtypes": ["int64", "int32"],
            "reduction": "none",
            "ignore_index": {"argument": "ignore_index"},
        },
        **{**_PADDLE, "keywords": {}, "documentation": "docstring of paddle.nn.functional.softmax_with_cross_entropy"},
    ),
    Registered(
        name="paddle.nn.functional.cross_entropy.of_probabilities",
        description="probabilities instead of logits, class indices, gradient by paddle",
        loss=f"{SHIMS}.paddle_functional:cross_entropy",
        package="paddle",
        contract={
            "labels": ["sparse"],
            "label_dtypes": ["int64", "int32"],
            "input": "probabilities",
            "gradient_wrt": "probabilities",
            "gradient_of": "loss",
            "domain": {"label_probability": "positive"},
        },
        **{**_PADDLE, "keywords": {**REDUCTION, "use_softmax": False}, "threads": {}},
        seen={"domain": "source: the logarithm of 0 is taken as -1e20"},
    ),
    Registered(
        name="autograd.scipy.special.logsumexp",
        description="logsumexp(z) - z[y], gradient by autograd; loses digits where all logits are large",
        loss=f"{SHIMS}.autograd_logsumexp:loss",
        framework="autograd",
        package="autograd",
        requires=("autograd", "scipy"),
        install="pip install autograd scipy",
        # The difference is this project's: it cannot be better than the grade that its form allows.
        contract={"reduction": "none", "accuracy": "C"},
        tried="1.9.1",
        documentation="none: the expression is this project's",
    ),
    Registered(
        name="mygrad.nnet.losses.softmax_crossentropy",
        description="class indices, a mean, gradient by mygrad",
        loss="mygrad.nnet.losses:softmax_crossentropy",
        framework="mygrad",
        requires=("mygrad",),
        install="pip install mygrad",
        contract={"domain": {"rows": [1, 1 << 20]}},
        tried="2.5.0",
        documentation="docstring of mygrad.nnet.losses.softmax_crossentropy",
        seen={"domain": "no rows are not spoken of"},
    ),
    Registered(
        name="mygrad.nnet.losses.negative_log_likelihood",
        description="log-probabilities and class indices, with weights, a mean over the rows, gradient by mygrad",
        loss="mygrad.nnet.losses:negative_log_likelihood",
        framework="mygrad",
        requires=("mygrad",),
        install="pip install mygrad",
        contract={
            "input": "log_probabilities",
            "gradient_wrt": "log_probabilities",
            "class_weights": {"argument": "weights"},
            "mean_over": "rows",
            "domain": {"rows": [1, 1 << 20]},
        },
        tried="2.5.0",
        documentation="docstring of mygrad.nnet.losses.negative_log_likelihood",
        seen={"mean_over": "probe: the mean divides by the rows", "domain": "no rows are not spoken of"},
    ),
)
