"""ONNX's operator by its reference evaluator."""

from __future__ import annotations

import functools
from typing import Any

from onnx.reference import ReferenceEvaluator

from xentcheck.targets.shims.onnx_operator import feed, model


@functools.lru_cache(None)
def _evaluator(*key: Any) -> ReferenceEvaluator:
    return ReferenceEvaluator(model(*key))


def loss(logits: Any, labels: Any, reduction: str = "mean", weight: Any = None, ignore_index: int | None = None) -> Any:
    """Return the loss."""
    given = feed(logits, labels, weight)
    run = _evaluator(logits.dtype.name, given["t"].dtype.name, weight is not None, reduction, ignore_index)
    return run.run(None, given)[0]
