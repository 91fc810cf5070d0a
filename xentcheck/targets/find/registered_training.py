"""Losses of libraries that train models, on torch: data only."""

from __future__ import annotations

from typing import Any

from xentcheck.targets.find.registration import NARROW, REDUCTION, SHIMS, Registered, on_torch

_COMPUTE = "source: each operator rounds to the dtype of the logits; probe"


_FASTAI: dict[str, Any] = {
    **on_torch("fastai", "fastai", "2.8.12", "docstrings of fastai.losses"),
    "seen": {"dtypes": "source: a tensor of fastai made of float64 is float32", "compute": _COMPUTE},
}
_FLOAT16 = "source: as there; and the sum over the classes, before eps / c, leaves float16"

TARGETS: tuple[Registered, ...] = (
    Registered(
        name="transformers.LabelSmoother",
        description="the Trainer's loss with label smoothing, of labels that are shifted already",
        loss=f"{SHIMS}.transformers_loss:smoothed",
        contract={
            "label_dtypes": ["int64"],
            "mean_over": "kept",
            "ignore_index": {"argument": "ignore_index"},
            "label_smoothing": {"argument": "epsilon"},
            "dtypes": ["bfloat16", "float32"],
            "compute": "same",
        },
        **on_torch("transformers", "transformers", "5.24.0", "docstring of LabelSmoother"),
        seen={
            "mean_over": "comment of the source: over the active tokens",
            "dtypes": "source: a part is summed in float32, which float64 loses digits by, and a part in float16",
            "compute": _COMPUTE,
        },
    ),
    Registered(
        name="trl.selective_log_softmax",
        description="logits and class indices, the log-probability of each, with temperature and row_mask",
        loss="trl.trainer.utils:selective_log_softmax",
        contract={
            "label_dtypes": ["int64"],
            "output": "log_probability",
            "reduction": "none",
            "temperature": {"argument": "temperature"},
            "row_weights": {"argument": "row_mask"},
            "row_weights_as": "bool",
            "dtypes": ["bfloat16", "float32", "float64"],
            "compute": "same",
            "accuracy": "C",
            "domain": {"rows": [1, 1 << 20]},
        },
        **on_torch("trl", "trl", "1.16.0", "docstring of trl.trainer.utils.selective_log_softmax"),
        seen={
            "accuracy": "comment of the source: x_i - logsumexp(x) is formed",
            "compute": _COMPUTE,
            "dtypes": "comment of the source names them",
            "domain": "no rows are not spoken of",
        },
    ),
    Registered(
        name="trl.entropy_from_logits",
        description="logits alone, the entropy of each row in nats, in chunks of rows",
        loss="trl.trainer.utils:entropy_from_logits",
        contract={"output": "entropy", "reduction": "none"},
        **on_torch("trl", "trl", "1.16.0", "docstring of trl.trainer.utils.entropy_from_logits"),
    ),
    Registered(
        name="skorch.NeuralNetClassifier.get_loss",
        description="probabilities and class indices, log(p + eps), a mean, in float32",
        loss=f"{SHIMS}.skorch_classifier:get_loss",
        contract={
            "input": "probabilities",
            "label_dtypes": ["int64"],
            "boundary": {"add": 2.0**-23},
            "gradient_wrt": "probabilities",
            "gradient_of": "loss",
            "dtypes": ["float32"],
        },
        **on_torch("skorch", "skorch", "1.4.0", "docstring of skorch.NeuralNetClassifier"),
        seen={
            "boundary": "source: the eps of the dtype is added",
            "gradient_of": "source: autograd goes through the sum",
            "dtypes": "the constant is another in each dtype",
        },
    ),
    Registered(
        name="liger_kernel.cross_entropy",
        description="class indices, with ignore_index, label_smoothing and a z-loss, interpreted on the CPU",
        loss=f"{SHIMS}.liger_functional:cross_entropy",
        contract={
            "label_dtypes": ["int64"],
            "mean_over": "kept",
            "ignore_index": {"argument": "ignore_index"},
            "label_smoothing": {"argument": "label_smoothing"},
            "z_loss": {"argument": "lse_square_scale"},
            "dtypes": ["bfloat16", "float32"],
            "domain": {"rows": [1, 256], "classes": [1, 4096]},
        },
        **on_torch("liger_kernel", "triton liger-kernel", "0.8.5", "docstring of LigerCrossEntropyFunction"),
        seen={
            "mean_over": "probe: the mean divides by the rows that are kept",
            "domain": "triton's interpreter takes a millisecond and more for each row; no rows raise",
        },
    ),
    Registered(
        name="fastai.losses.CrossEntropyLossFlat",
        description="class indices, with weight and ignore_index, in tensors of fastai",
        loss=f"{SHIMS}.fastai_losses:cross_entropy",
        contract={
            "label_dtypes": ["int64"],
            "mean_over": "weights",
            "class_weights": {"argument": "weight"},
            "ignore_index": {"argument": "ignore_index"},
            "dtypes": NARROW,
            "compute": "same",
        },
        keywords=REDUCTION,
        threads=dict.fromkeys(("value", "finite"), "https://github.com/pytorch/pytorch/issues/85791"),  # in torch's sum
        **_FASTAI,
    ),
    Registered(
        name="fastai.losses.LabelSmoothingCrossEntropyFlat",
        description="class indices, with label smoothing, in tensors of fastai",
        loss=f"{SHIMS}.fastai_losses:smoothed",
        contract={
            "label_dtypes": ["int64"],
            "label_smoothing": {"argument": "eps"},
            "dtypes": ["bfloat16", "float32"],
            "compute": "same",
        },
        keywords=REDUCTION,
        **{**_FASTAI, "seen": {**_FASTAI["seen"], "dtypes": _FLOAT16}},
    ),
)
