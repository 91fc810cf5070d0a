"""The operator SoftmaxCrossEntropyLoss of ONNX, opset 13, in a model of its own for each dtype and set of options."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from onnx.parser import parse_model

_KINDS = {"float16": "float16", "float32": "float", "float64": "double"}


@functools.lru_cache(None)
def model(dtype: str, labels: str, weighted: bool, reduction: str, ignore_index: int | None) -> Any:
    """Return the model: inputs x (n, m), t (n,) and, if weighted, w (m,); output l."""
    kind = _KINDS[dtype]
    given, w = (f", {kind}[m] w", ", w") if weighted else ("", "")
    ignored = "" if ignore_index is None else f", ignore_index = {ignore_index}"
    return parse_model(
        f'<ir_version: 8, opset_import: ["": 13]> loss ({kind}[n, m] x, {labels}[n] t{given}) => ({kind}[] l) '
        f'{{ l = SoftmaxCrossEntropyLoss <reduction = "{reduction}"{ignored}> (x, t{w}) }}'
    )


def feed(logits: Any, labels: Any, weight: Any) -> dict[str, Any]:
    """Return the inputs of the model, labels as int32 where they are that, else as int64."""
    given = {
        "x": np.array(logits, order="C"),
        "t": np.asarray(labels, np.int32 if labels.dtype == "int32" else np.int64),
    }
    return given if weight is None else {**given, "w": np.asarray(weight, logits.dtype)}
