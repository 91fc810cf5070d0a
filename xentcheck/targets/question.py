"""What a target is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from xentcheck.batches.batch import Batch


@dataclass(frozen=True, eq=False)
class Question:
    """One evaluation, as `Host.evaluate` has its parameters.

    Parameters
    ----------
    batch : Batch
    want : sequence of {"loss", "gradient", "hessian_vector", "jvp"}
    upstream, vector, tangent : ndarray, optional
    meanwhile : callable
        Called before the answer is waited for.
    """

    batch: Batch
    want: Sequence[str] = ("loss", "gradient")
    upstream: NDArray[Any] | None = None
    vector: NDArray[Any] | None = None
    meanwhile: Callable[[], object] = lambda: None
    tangent: NDArray[Any] | None = None
