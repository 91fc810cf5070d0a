"""Losses of libraries that spread training over processes, of which there is one here, on torch: data only."""

from __future__ import annotations

from typing import Any

from xentcheck.targets.find.registration import NARROW, REDUCTION, SHIMS, Registered, on_torch

_DEEPSPEED: dict[str, Any] = {
    "label_dtypes": ["int64"],
    "mean_over": "kept",
    "ignore_index": {"argument": "ignore_index"},
    "dtypes": NARROW,
    "output_dtype": "float32",
}
_IN_FLOAT32 = "source: all is converted to float32"

TARGETS: tuple[Registered, ...] = (
    Registered(
        name="megatron.core.vocab_parallel_cross_entropy",
        description="class indices, one loss a row, with label_smoothing, in one process, on gloo",
        loss=f"{SHIMS}.megatron_parallel:cross_entropy",
        contract={
            "label_dtypes": ["int64"],
            "reduction": "none",
            "label_smoothing": {"argument": "label_smoothing", "range": "[0, 1)"},
            "smoothing_over": "others",
            "dtypes": NARROW,
            "output_dtype": "float32",
            "domain": {"classes": [2, 1 << 20]},
        },
        **{
            **on_torch("megatron", "megatron-core", "0.16.1", "docstring of vocab_parallel_cross_entropy"),
            "package": "megatron-core",  # as it was installed: what is imported states no version
        },
        seen={
            "dtypes": "source: all is converted to float32",
            "output_dtype": "source: all is converted to float32",
            "domain": "smoothing divides by the number of the other classes",
        },
    ),
    Registered(
        name="deepspeed.chunked_cross_entropy",
        description="class indices, with ignore_index, in blocks of rows, with its backward pass",
        loss="deepspeed.runtime.chunked_cross_entropy:chunked_cross_entropy",
        contract={**_DEEPSPEED, "empty_mean": "nan"},
        keywords=REDUCTION,
        **on_torch("deepspeed", "deepspeed", "0.19.8", "docstring of chunked_cross_entropy"),
        seen={"output_dtype": _IN_FLOAT32},
    ),
    Registered(
        name="deepspeed.vocab_parallel_cross_entropy",
        description="class indices, with ignore_index, in one process, with its backward pass",
        loss="deepspeed.sequence.cross_entropy:vocab_parallel_cross_entropy",
        contract={**_DEEPSPEED, "empty_mean": "zero"},
        keywords=REDUCTION,
        **on_torch("deepspeed", "deepspeed", "0.19.8", "docstring of vocab_parallel_cross_entropy"),
        seen={
            "dtypes": _IN_FLOAT32,
            "output_dtype": _IN_FLOAT32,
            "label_dtypes": "source: labels are converted to int64",
            "mean_over": "source: the sum is divided by the rows that are kept, or by 1",
            "empty_mean": "source: the sum is divided by the rows that are kept, or by 1",
        },
    ),
    Registered(
        name="fairscale.vocab_parallel_cross_entropy",
        description="class indices, one loss a row, in one process, on gloo",
        loss=f"{SHIMS}.fairscale_parallel:cross_entropy",
        contract={"label_dtypes": ["int64"], "reduction": "none"},
        **on_torch("fairscale", "fairscale", "0.4.13", "none: signature of vocab_parallel_cross_entropy"),
        seen={"reduction": "probe: the loss of each row is returned"},
    ),
)
