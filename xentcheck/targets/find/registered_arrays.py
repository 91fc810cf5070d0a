"""Losses that take numpy arrays: metrics, run times, and networks written from scratch. Data only."""

from __future__ import annotations

from typing import Any

from xentcheck.targets.find.registration import REDUCTION, SHIMS, Registered

_ONNX: dict[str, Any] = {
    "labels": ["sparse"],
    "label_dtypes": ["int32", "int64"],
    "mean_over": "weights",
    "class_weights": {"argument": "weight"},
    "ignore_index": {"argument": "ignore_index"},
    "domain": {"rows": [1, 1 << 20]},
}
_ONNX_SAYS = "specification of SoftmaxCrossEntropyLoss-13, onnx/docs/Operators.md"
_EMPTY = {"domain": "no rows are not spoken of"}
_TREES = {
    "domain": "trial: training refuses fewer",
    "dtypes": "source: margins are kept in this dtype",
}


def _from(package: str, tried: str, install: str = "") -> dict[str, Any]:
    name = install or package
    return {
        "package": package,
        "requires": (package,),
        "install": f"pip install {name}",
        "tried": tried,
        "documentation": f"docstrings of {name}",
    }


TARGETS: tuple[Registered, ...] = (
    Registered(
        name="onnx.reference.SoftmaxCrossEntropyLoss",
        description="the operator of opset 13 by onnx's own evaluator, with weights and ignore_index",
        loss=f"{SHIMS}.onnx_reference:loss",
        keywords=REDUCTION,
        contract={**_ONNX, "dtypes": ["float16", "float32", "float64"]},
        **{**_from("onnx", "1.23.2"), "documentation": _ONNX_SAYS},
        seen=_EMPTY,
    ),
    Registered(
        name="onnxruntime.SoftmaxCrossEntropyLoss",
        description="the operator of opset 13 by onnxruntime on the CPU, with weights and ignore_index",
        loss=f"{SHIMS}.onnxruntime_session:loss",
        keywords=REDUCTION,
        contract={**_ONNX, "dtypes": ["float32", "float64"]},
        **{
            **_from("onnxruntime", "1.32.0", "onnx onnxruntime"),
            "requires": ("onnx", "onnxruntime"),
            "documentation": _ONNX_SAYS,
        },
        seen={**_EMPTY, "dtypes": "trial: no kernel for float16"},
    ),
    Registered(
        name="sklearn.HalfMultinomialLoss",
        description="scikit-learn's private loss of linear models and boosting, with its gradient",
        loss=f"{SHIMS}.sklearn_loss:CROSS_ENTROPY",
        contract={"reduction": "none", "domain": {"rows": [1, 1 << 20], "classes": [3, 1 << 20]}},
        **{**_from("sklearn", "1.9.1", "scikit-learn"), "documentation": "docstring of HalfMultinomialLoss"},
        seen={**_EMPTY, "domain": "docstring: for more than two classes"},
    ),
    Registered(
        name="xgboost.mlogloss",
        description="the metric of margins, one round that learns nothing",
        loss=f"{SHIMS}.xgboost_metric:mlogloss",
        contract={"dtypes": ["float32"], "domain": {"rows": [1, 4096], "classes": [2, 300]}},
        **_from("xgboost", "3.2.0", "xgboost-cpu"),
        seen=_TREES,
    ),
    Registered(
        name="lightgbm.multi_logloss",
        description="the metric of initial scores, one round that learns nothing",
        loss=f"{SHIMS}.lightgbm_metric:multi_logloss",
        contract={"dtypes": ["float64"], "domain": {"rows": [1, 4096], "classes": [2, 300]}},
        **_from("lightgbm", "4.7.0"),
        seen=_TREES,
    ),
    Registered(
        name="catboost.MultiClass",
        description="the metric of approximations",
        loss=f"{SHIMS}.catboost_metric:multi_class",
        contract={"dtypes": ["float64"], "domain": {"rows": [1, 4096], "classes": [2, 300]}},
        **_from("catboost", "1.2.10"),
        seen=_TREES,
    ),
    Registered(
        name="statsmodels.MNLogit.loglikeobs",
        description="the log-likelihood of each observation, the sign turned; no gradient is asked",
        loss=f"{SHIMS}.statsmodels_mnlogit:loss",
        contract={
            "reduction": "none",
            "dtypes": ["float64"],
            "accuracy": "C",
            "domain": {"rows": [1, 256], "classes": [2, 300]},
        },
        **{**_from("statsmodels", "0.15.0"), "documentation": "docstring of MNLogit.loglikeobs"},
        threads=dict.fromkeys(("value", "finite"), "https://github.com/statsmodels/statsmodels/issues/3635"),
        seen={
            "accuracy": "logits relative to class 0 are this project's",
            "dtypes": "source: designs are converted to float64",
            "domain": "trial: a design of n columns for n rows takes seconds beyond",
        },
    ),
    Registered(
        name="permetrics.ClassificationMetric.crossentropy_loss",
        description="probabilities and class indices, clipped at 1e-10, a mean; no gradient",
        loss=f"{SHIMS}.permetrics_classification:loss",
        contract={
            "input": "probabilities",
            "boundary": {"clip": [1e-10, 1.0]},
            "domain": {"rows": [1, 1 << 20], "classes": [2, 1 << 12]},
        },
        **_from("permetrics", "2.1.0"),
        seen={
            "boundary": "source: EPSILON = 1e-10, and no upper limit",
            # In each call a row of each class is added, and matrices of so many rows are made.
            "domain": "one class is another metric, and every class has to occur",
        },
    ),
    Registered(
        name="pytensor.tensor.special.log_softmax",
        description="-log_softmax(z)[y], compiled, gradient by pytensor",
        loss=f"{SHIMS}.pytensor_special:CROSS_ENTROPY",
        contract={"reduction": "none"},
        **{**_from("pytensor", "3.0.7"), "documentation": "none: the expression is this project's"},
    ),
    Registered(
        name="thinc.CategoricalCrossentropy",
        description="probabilities, class indices or rows; returns (p - y) / n, and a loss",
        loss=f"{SHIMS}.thinc_losses:CATEGORICAL",
        contract={"input": "probabilities", "labels": ["sparse", "onehot"], "gradient_wrt": "logits"},
        **_from("thinc", "9.1.1"),
        threads={"value": "https://github.com/explosion/thinc/pull/647"},
        seen={"gradient_wrt": "probe: the gradient is (p - y) / n"},
    ),
    Registered(
        name="thinc.SequenceCategoricalCrossentropy",
        description="probabilities of one sequence, class indices or rows; returns p - y, and a loss",
        loss=f"{SHIMS}.thinc_losses:SEQUENCE",
        contract={
            "input": "probabilities",
            "labels": ["sparse", "onehot"],
            "reduction": "sum",
            "gradient_wrt": "logits",
        },
        **_from("thinc", "9.1.1"),
        threads={"value": "https://github.com/explosion/thinc/pull/647"},
        seen={"gradient_wrt": "probe: the gradient is p - y"},
    ),
    Registered(
        name="river.metrics.CrossEntropy",
        description="probabilities and class indices, one row after the other; no gradient",
        loss=f"{SHIMS}.river_metrics:cross_entropy",
        contract={
            "input": "probabilities",
            "labels": ["sparse"],
            "argument_order": "labels_first",
            "boundary": {"clip": [1e-15, 1 - 1e-15]},
            "output_dtype": "float64",
            "domain": {"rows": [1, 1 << 20]},
        },
        **_from("river", "0.26.1"),
        seen={**_EMPTY, "boundary": "source, probe", "output_dtype": "source: a float of Python"},
    ),
    Registered(
        name="dezero.functions.softmax_cross_entropy",
        description="class indices, a mean, with its backward pass",
        loss=f"{SHIMS}.dezero_functions:CROSS_ENTROPY",
        contract={"domain": {"rows": [1, 1 << 20]}},
        **{**_from("dezero", "0.0.13"), "install": "pip install dezero matplotlib 'numpy<1.24'"},
        python="3.11",  # the last that numpy 1.23 is for
        seen=_EMPTY,
    ),
    Registered(
        name="gradipy.Tensor.cross_entropy",
        description="class indices, a mean, with its backward pass",
        loss=f"{SHIMS}.gradipy_tensor:CROSS_ENTROPY",
        contract={"dtypes": ["float32"], "domain": {"rows": [1, 1 << 20]}},
        **_from("gradipy", "0.1.0"),
        seen={**_EMPTY, "dtypes": "source: everything is float32"},
    ),
    Registered(
        name="marquetry.functions.softmax_cross_entropy",
        description="class indices, a mean, with its backward pass",
        loss=f"{SHIMS}.marquetry_functions:CROSS_ENTROPY",
        contract={"domain": {"rows": [1, 1 << 20]}},
        **_from("marquetry", "0.3.0"),
        seen=_EMPTY,
    ),
    Registered(
        name="mayini.nn.CrossEntropyLoss",
        description="class indices or rows, a mean, with its backward pass",
        loss=f"{SHIMS}.mayini_losses:CROSS_ENTROPY",
        contract={"labels": ["sparse", "onehot", "soft"], "domain": {"rows": [1, 1 << 20]}},
        **{
            **_from("mayini", "0.9.0", "mayini-framework"),
            "documentation": "docstring of mayini.nn.CrossEntropyLoss in mayini-framework 0.9.2, by its own word 0.9.0",
        },
        seen={**_EMPTY, "labels": "source: rows of any kind, multiplied by log p"},
    ),
    Registered(
        name="pydynet.nn.functional.cross_entropy_loss",
        description="class indices, with its backward pass",
        loss=f"{SHIMS}.pydynet_functional:CROSS_ENTROPY",
        keywords=REDUCTION,
        contract={"domain": {"rows": [1, 1 << 20]}},
        **_from("pydynet", "1.1"),
        seen=_EMPTY,
    ),
    Registered(
        name="neograd.nn.loss.SoftmaxCE",
        description="logits and one-hot rows, log(p + 1e-9), a mean, with its backward pass",
        loss=f"{SHIMS}.neograd_losses:SOFTMAX_CE",
        contract={"labels": ["onehot"], "boundary": {"add": 1e-9}, "domain": {"rows": [1, 1 << 20]}},
        **_from("neograd", "0.0.4"),
        seen=_EMPTY,
    ),
    Registered(
        name="neograd.nn.loss.CE",
        description="probabilities and one-hot rows, log(p + 1e-9), a mean, with its backward pass",
        loss=f"{SHIMS}.neograd_losses:CE_OF_PROBABILITIES",
        contract={
            "input": "probabilities",
            "labels": ["onehot"],
            "boundary": {"add": 1e-9},
            "gradient_wrt": "probabilities",
            "gradient_of": "loss",
            "domain": {"rows": [1, 1 << 20]},
        },
        **_from("neograd", "0.0.4"),
        seen={**_EMPTY, "gradient_of": "source: autograd of log(p + eps)"},
    ),
    Registered(
        name="neuralnetlib.losses.CategoricalCrossentropy",
        description="probabilities and one-hot rows, clipped, a mean",
        loss=f"{SHIMS}.neuralnetlib_losses:categorical",
        # Its derivative divides by the clipped probability, which no contract states: it is left out.
        contract={
            "input": "probabilities",
            "labels": ["onehot"],
            "argument_order": "labels_first",
            "boundary": {"clip": [1e-15, 1 - 1e-15]},
            "dtypes": ["float64"],
            "domain": {"rows": [1, 1 << 20]},
        },
        **_from("neuralnetlib", "5.0.0"),
        seen={
            **_EMPTY,
            "boundary": "source, probe",
            "dtypes": "float32 knows no 1 - 1e-15",
        },
    ),
    Registered(
        name="neuralnetlib.losses.SparseCategoricalCrossentropy",
        description="probabilities and class indices, clipped, a mean",
        loss=f"{SHIMS}.neuralnetlib_losses:sparse",
        # Its derivative divides by the clipped probability, which no contract states: it is left out.
        contract={
            "input": "probabilities",
            "argument_order": "labels_first",
            "boundary": {"clip": [1e-15, 1 - 1e-15]},
            "dtypes": ["float64"],
            "domain": {"rows": [1, 1 << 20]},
        },
        **_from("neuralnetlib", "5.0.0"),
        seen={
            **_EMPTY,
            "boundary": "source, probe",
            "dtypes": "float32 knows no 1 - 1e-15",
        },
    ),
    Registered(
        name="pydeepflow.losses.categorical_crossentropy",
        description="probabilities and one-hot rows, log(p + 1e-8), a mean; the derivative is that of the sum",
        loss=f"{SHIMS}.pydeepflow_losses:loss",
        gradient=f"{SHIMS}.pydeepflow_losses:gradient",
        contract={
            "input": "probabilities",
            "labels": ["onehot"],
            "argument_order": "labels_first",
            "boundary": {"add": 1e-8},
            "gradient_wrt": "probabilities",
            "gradient_of": "loss",
            "gradient_reduction": "sum",
            "domain": {"rows": [1, 1 << 20]},
        },
        **_from("pydeepflow", "1.0.0"),
        seen={**_EMPTY, "boundary": "source, probe", "gradient_reduction": "probe: the derivative is not divided by n"},
    ),
    Registered(
        name="chainer.functions.softmax_cross_entropy",
        description="class indices, a mean over the rows kept, with class_weight and ignore_label; in a Python 3.8",
        loss=f"{SHIMS}.chainer_functions:SOFTMAX_CROSS_ENTROPY",
        package="chainer",
        requires=("chainer",),
        install="pip install chainer 'numpy<1.24'",
        python="3.8",
        contract={
            "mean_over": "kept",
            "class_weights": {"argument": "class_weight"},
            "ignore_index": {"argument": "ignore_label"},
        },
        tried="7.8.1",
        documentation="docstring of chainer.functions.softmax_cross_entropy",
    ),
    Registered(
        name="numpy_ml.CrossEntropy",
        description="numpy-ml: one-hot labels first, log(p + eps), a sum, the gradient p - y; up to Python 3.9",
        loss="numpy_ml.neural_nets.losses:CrossEntropy",
        requires=("numpy_ml",),
        install="pip install numpy-ml 'numpy<1.24'",
        python="3.9",
        contract={
            "input": "probabilities",
            "labels": ["onehot"],
            "argument_order": "labels_first",
            "reduction": "sum",
            "boundary": {"add": 2.0**-52},
        },
        tried="0.1.2",
        documentation="docstring of numpy_ml.neural_nets.losses.CrossEntropy",
        seen={"boundary": "source: the eps of float64"},
    ),
)
