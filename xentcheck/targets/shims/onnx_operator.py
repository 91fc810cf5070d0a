"""The operator SoftmaxCrossEntropyLoss of ONNX, opset 13, in a model of its own for each dtype and set of options."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

_DTYPES = {"float16": TensorProto.FLOAT16, "float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}


@functools.lru_cache(None)
def model(dtype: str, narrow: bool, weighted: bool, reduction: str, ignore_index: int | None) -> onnx.ModelProto:
    """Return the model: inputs x (n, m), t (n,) and, if weighted, w (m,); output l."""
    kind = _DTYPES[dtype]
    labels = TensorProto.INT32 if narrow else TensorProto.INT64
    inputs = [("x", kind, 2), ("t", labels, 1), *([("w", kind, 1)] if weighted else [])]
    options = {} if ignore_index is None else {"ignore_index": ignore_index}
    names = [name for name, _, _ in inputs]
    node = helper.make_node("SoftmaxCrossEntropyLoss", names, ["l"], reduction=reduction, **options)
    given = [helper.make_tensor_value_info(name, of, [None] * axes) for name, of, axes in inputs]
    graph = helper.make_graph([node], "loss", given, [helper.make_tensor_value_info("l", kind, None)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def feed(logits: Any, labels: Any, weight: Any) -> dict[str, Any]:
    """Return the inputs of the model, labels as int32 where they are that, else as int64."""
    integers = np.asarray(labels)
    given = {"x": np.array(logits, order="C"), "t": integers.astype(integers.dtype if narrow(labels) else np.int64)}
    return given if weight is None else {**given, "w": np.asarray(weight).astype(logits.dtype)}


def narrow(labels: Any) -> bool:
    """Whether labels are int32."""
    return bool(labels.dtype == np.int32)
