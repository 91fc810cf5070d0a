"""ONNX's operator by its reference evaluator."""

from __future__ import annotations

import functools
from typing import Any

from onnx.reference import ReferenceEvaluator

from xentcheck.targets.shims.onnx_operator import feed, model, narrow


@functools.lru_cache(None)
def _evaluator(*key: Any) -> ReferenceEvaluator:
    return ReferenceEvaluator(model(*key))


def loss(logits: Any, labels: Any, reduction: str = "mean", weight: Any = None, ignore_index: int | None = None) -> Any:
    """Return the loss."""
    run = _evaluator(logits.dtype.name, narrow(labels), weight is not None, reduction, ignore_index)
    return run.run(None, feed(logits, labels, weight))[0]
