"""Losses of torch, and of packages that stand on torch: data only."""

from __future__ import annotations

from typing import Any

from xentcheck.targets.find.registration import ALL_DTYPES, REDUCTION, SHIMS, Registered, on_torch

_OPTIONS: dict[str, Any] = {
    "labels": ["sparse"],
    "label_dtypes": ["int64"],
    "mean_over": "weights",
    "class_weights": {"argument": "weight"},
    "ignore_index": {"argument": "ignore_index"},
}
_SMOOTHED: dict[str, Any] = {
    **_OPTIONS,
    "label_smoothing": {"argument": "label_smoothing"},
    "smoothing_weights": "class",
}
_IN_ITS_DTYPE: dict[str, Any] = {
    "dtypes": ALL_DTYPES,
    "compute": "same",  # log_softmax hands its result on in the dtype of the logits, and so does its gradient
}
_COMPILED: dict[str, Any] = {
    "labels": ["sparse"],
    "label_dtypes": ["int64"],
    # Each value of an option would be compiled anew, and after eight of them no more is.
    "shapes": "few",
}
_TORCH: dict[str, Any] = {
    "framework": "torch",
    "package": "torch",
    "requires": ("torch",),
    "install": "pip install 'xentcheck[torch]'",
    "keywords": REDUCTION,
    "tried": "2.13.0",
    "documentation": "docstrings of torch.nn.functional",
    "seen": {
        "smoothing_weights": "source: each class inside the sum carries its own weight",
        "compute": "trial: 16-bit results that no float32 calculation gives",
    },
}


def _beside_torch(package: str, install: str, tried: str) -> dict[str, Any]:
    return on_torch(package, install, tried, f"docstrings of {install}")


TARGETS: tuple[Registered, ...] = (
    Registered(
        name="torch.nn.functional.cross_entropy",
        description="class indices, with weight, ignore_index and label_smoothing, gradient by autograd",
        loss="torch.nn.functional:cross_entropy",
        contract={**_SMOOTHED, **_IN_ITS_DTYPE},
        aliases=("torch.cross_entropy",),
        threads=dict.fromkeys(("value", "finite"), "https://github.com/pytorch/pytorch/issues/85791"),
        **_TORCH,
    ),
    Registered(
        name="torch.nn.functional.cross_entropy.probabilities",
        description="class probabilities, with weight and label_smoothing, gradient by autograd",
        loss="torch.nn.functional:cross_entropy",
        contract={
            "labels": ["onehot", "soft"],
            "mean_over": "rows",
            "class_weights": {"argument": "weight"},
            "label_smoothing": {"argument": "label_smoothing"},
            "smoothing_weights": "class",
            **_IN_ITS_DTYPE,
        },
        aliases=("torch.cross_entropy.probabilities",),
        threads=dict.fromkeys(("value", "finite"), "https://github.com/pytorch/pytorch/issues/85791"),
        **_TORCH,
    ),
    Registered(
        name="torch.nn.functional.cross_entropy.extra_axes",
        description="logits (N, C, d1) and (N, C, d1, d2) with class indices, weight and the other options",
        loss="torch.nn.functional:cross_entropy",
        contract={"axis": 1, "extra_axes": [1, 2], **_SMOOTHED, **_IN_ITS_DTYPE},
        **_TORCH,
    ),
    Registered(
        name="torch.nn.functional.nll_loss",
        description="log-probabilities and class indices, with weight and ignore_index, gradient by autograd",
        loss="torch.nn.functional:nll_loss",
        contract={
            **_OPTIONS,
            "input": "log_probabilities",
            "gradient_wrt": "log_probabilities",
            "dtypes": ALL_DTYPES,
            "compute": "same",  # the mean is rounded to the dtype of the log-probabilities on the way
        },
        threads=dict.fromkeys(("value", "finite"), "https://github.com/pytorch/pytorch/issues/61523"),
        **_TORCH,
    ),
    Registered(
        name="torch.nn.functional.linear_cross_entropy",
        description="cross_entropy fused with a layer, here the identity, with all its options",
        loss=f"{SHIMS}.torch_functional:linear",
        contract=_SMOOTHED,
        **_TORCH,
    ),
    Registered(
        name="torch.nn.functional.cross_entropy.every_form",
        description="class indices and probabilities, one loss a row; ignore_index with indices only",
        loss="torch.nn.functional:cross_entropy",
        contract={
            **_SMOOTHED,
            "labels": ["sparse", "onehot", "soft"],
            "dense_label_dtypes": ["same"],
            "reduction": "none",
            "class_weights_as": "signed",
            "mean_over": "rows",
            "exclusive": [["onehot", "ignore_index"], ["soft", "ignore_index"]],
            "invalid": ["exclusive_options"],
        },
        **_TORCH,
    ),
    Registered(
        name="torch.compile.cross_entropy",
        description="cross_entropy compiled by torch.compile with dynamic shapes, without options",
        loss=f"{SHIMS}.torch_compile:cross_entropy",
        contract=_COMPILED,
        expensive_shapes=True,
        **_TORCH,
    ),
    Registered(
        name="torch.compile.nll_loss",
        description="nll_loss compiled by torch.compile with dynamic shapes, without options",
        loss=f"{SHIMS}.torch_compile:nll_loss",
        contract={**_COMPILED, "input": "log_probabilities", "gradient_wrt": "log_probabilities"},
        expensive_shapes=True,
        **_TORCH,
    ),
    Registered(
        name="torch.compile.linear_cross_entropy",
        description="linear_cross_entropy with the identity, compiled with dynamic shapes, without options",
        loss=f"{SHIMS}.torch_compile:linear",
        contract=_COMPILED,
        expensive_shapes=True,
        **_TORCH,
    ),
    Registered(
        name="torch.distributions.Categorical.log_prob",
        description="logits and class indices, the log-probability of each, gradient by autograd",
        loss=f"{SHIMS}.torch_distributions:log_prob",
        contract={
            "label_dtypes": ["int64"],
            "output": "log_probability",
            "reduction": "none",
            # z - logsumexp(z) is formed, which cannot be better than this grade.
            "accuracy": "C",
        },
        **{**_TORCH, "keywords": {}, "documentation": "docstrings of torch.distributions", "seen": {}},
    ),
    Registered(
        name="torch.distributions.Categorical.entropy",
        description="logits alone, the entropy of each row in nats, gradient by autograd",
        loss=f"{SHIMS}.torch_distributions:entropy",
        contract={
            "output": "entropy",
            "reduction": "none",
            # z - logsumexp(z) is formed, which cannot be better than this grade.
            "accuracy": "C",
            "nonfinite": ["-inf"],
        },
        **{
            **_TORCH,
            "keywords": {},
            "documentation": "docstrings of torch.distributions",
            "seen": {"nonfinite": "source: log p is clamped to the lowest number, since pytorch 41002"},
        },
    ),
    Registered(
        name="cut_cross_entropy.linear_cross_entropy",
        description="cross_entropy fused with a layer, here the identity, by torch.compile",
        loss=f"{SHIMS}.cut_cross_entropy_linear:loss",
        contract={
            "label_dtypes": ["int64"],
            "mean_over": "kept",
            "ignore_index": -100,
            "dtypes": ["bfloat16", "float32"],
            "output_dtype": "float32",
            "domain": {"rows": [1, 1 << 20], "classes": [2, 4096]},
            "shapes": "few",  # as for what torch.compile makes
        },
        **{
            **_beside_torch("cut_cross_entropy", "cut-cross-entropy", "25.1.1"),
            "install": "pip install torch triton cut-cross-entropy",
            "keywords": REDUCTION,
        },
        seen={
            "output_dtype": "source: logits are converted to float32",
            "domain": "the identity of more classes takes too much memory",
        },
    ),
    Registered(
        name="torchmetrics.functional.text.perplexity",
        description="the logarithm of a perplexity, with ignore_index; no gradient",
        loss=f"{SHIMS}.torchmetrics_text:log_perplexity",
        contract={
            "label_dtypes": ["int64"],
            "mean_over": "kept",
            "ignore_index": {"argument": "ignore_index"},
            # The exponential of a loss of 89 leaves float32; the logarithm of a perplexity near 1 loses digits.
            "domain": {"rows": [1, 1 << 20], "magnitude": 40},
            "accuracy": "C",
        },
        **{**_beside_torch("torchmetrics", "torchmetrics", "1.9.0"), "framework": "numpy"},
        seen={
            "domain": "the perplexity has to be a number of the dtype",
            "accuracy": "the logarithm is this project's",
        },
    ),
    Registered(
        name="torcheval.metrics.functional.text.perplexity",
        description="the logarithm of a perplexity, with ignore_index; no gradient",
        loss=f"{SHIMS}.torcheval_text:log_perplexity",
        contract={
            "label_dtypes": ["int64"],
            "mean_over": "kept",
            "ignore_index": {"argument": "ignore_index"},
            # As of torchmetrics; and a square array of all rows is made.
            "domain": {"rows": [1, 1024], "magnitude": 40},
            "accuracy": "C",
        },
        **{**_beside_torch("torcheval", "torcheval", "0.0.7"), "framework": "numpy"},
        seen={
            "domain": "the perplexity has to be a number of the dtype; source: rows times rows are gathered",
            "accuracy": "the logarithm is this project's",
        },
    ),
    Registered(
        name="torch_geometric.utils.sparse_cross_entropy",
        description="class indices as pairs of a row and a class, with weights of these, with its backward pass",
        loss=f"{SHIMS}.pyg_utils:cross_entropy",
        contract={"label_dtypes": ["int64"], "row_weights": {"argument": "edge_label_weight"}},
        **{
            **_beside_torch("torch_geometric", "torch-geometric", "2.8.1"),
            "documentation": "docstring of sparse_cross_entropy; a weight below 0 is another loss",
        },
        seen={"mean_over": "source: the sum is divided by all rows"},
    ),
    Registered(
        name="monai.losses.FocalLoss",
        description="with gamma = 0, softmax and one-hot labels made of class indices",
        loss=f"{SHIMS}.monai_losses:focal",
        contract={
            "label_dtypes": ["int64"],
            "reduction": "none",
            "dtypes": ["float32"],
            "domain": {"rows": [1, 1 << 20], "classes": [2, 1 << 17]},
        },
        seen={"dtypes": "source: everything is converted to float32", "domain": "one class is another loss"},
        **_beside_torch("monai", "monai", "1.6.1"),
    ),
    Registered(
        name="kornia.losses.focal_loss",
        description="with gamma = 0",
        loss=f"{SHIMS}.kornia_losses:focal",
        contract={"label_dtypes": ["int64"], "reduction": "none", "domain": {"rows": [1, 1 << 20]}},
        **_beside_torch("kornia", "kornia", "0.9.0"),
    ),
    Registered(
        name="balanced_loss.Loss",
        description="cross_entropy without class balancing",
        loss=f"{SHIMS}.balanced_loss:cross_entropy",
        contract={"label_dtypes": ["int64"], "domain": {"rows": [1, 1 << 20]}},
        **_beside_torch("balanced_loss", "balanced-loss", "0.1.1"),
    ),
    Registered(
        name="transformers.ForCausalLMLoss",
        description="the loss of causal language models, of labels that are shifted, with num_items_in_batch",
        loss=f"{SHIMS}.transformers_loss:causal",
        contract={
            "label_dtypes": ["int64"],
            "reduction": "sum",
            "divisor": {"argument": "num_items_in_batch"},
            "ignore_index": {"argument": "ignore_index"},
            "dtypes": ["float16", "bfloat16", "float32"],
            "output_dtype": "float32",
        },
        **{
            **_beside_torch("transformers", "transformers", "5.24.0"),
            "documentation": "none: signature of transformers.loss.loss_utils.ForCausalLMLoss",
        },
        seen={
            "reduction": "source: the sum is divided by num_items_in_batch; probe",
            "divisor": "source; probe",
            "dtypes": "source: logits are converted to float32, which float64 loses digits by",
            "output_dtype": "source: logits are converted to float32",
        },
    ),
)
