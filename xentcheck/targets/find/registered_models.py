"""Losses of weak supervision, of choice models, of Bayesian models, and of Ivy: data only."""

from __future__ import annotations

from typing import Any

from xentcheck.targets.find.registration import REDUCTION, SHIMS, Registered

_OF_PROBABILITIES: dict[str, Any] = {
    "input": "probabilities",
    "gradient_wrt": "probabilities",
    "gradient_of": "loss",
    "argument_order": "labels_first",
}
_IVY: dict[str, Any] = {
    "framework": "torch",
    "package": "ivy",
    "requires": ("torch", "ivy"),
    "install": "pip install torch ivy",
    "tried": "1.0.0.5",
    "documentation": "docstrings of ivy.cross_entropy and ivy.sparse_cross_entropy",
    "seen": {
        "boundary": "source: clipped to epsilon = 1e-7 and 1 - epsilon; probe",
        "gradient_of": "source: the clip is differentiated",
    },
}

TARGETS: tuple[Registered, ...] = (
    Registered(
        name="snorkel.cross_entropy_with_probs",
        description="class probabilities, with weight, a mean over the rows, gradient by autograd",
        loss="snorkel.classification.loss:cross_entropy_with_probs",
        contract={
            "labels": ["onehot", "soft"],
            "class_weights": {"argument": "weight"},
            "smoothing_weights": "class",
            "mean_over": "rows",
            "domain": {"rows": [1, 1 << 20], "classes": [1, 300]},
        },
        framework="torch",
        package="snorkel",
        requires=("torch", "snorkel"),
        install="pip install torch snorkel",
        keywords=REDUCTION,
        tried="0.10.0",
        documentation="docstring of snorkel.classification.loss.cross_entropy_with_probs",
        seen={
            "smoothing_weights": "docstring: the loss is multiplied by them per class; probe",
            "mean_over": "docstring: the mean loss; source: not divided by weights",
            "domain": "no rows are not spoken of; each class is a call of torch",
        },
    ),
    Registered(
        name="ivy.cross_entropy",
        description="class probabilities, of probabilities, one loss a row, on torch",
        loss=f"{SHIMS}.ivy_losses:cross_entropy",
        contract={
            **_OF_PROBABILITIES,
            "labels": ["onehot", "soft"],
            "dense_label_dtypes": ["same"],
            "reduction": "none",
            "boundary": {"clip": [1e-7, 1 - 1e-7]},
        },
        **_IVY,
    ),
    Registered(
        name="ivy.sparse_cross_entropy",
        description="class indices, of probabilities, one loss a row, on torch",
        loss=f"{SHIMS}.ivy_losses:sparse_cross_entropy",
        contract={
            **_OF_PROBABILITIES,
            "label_dtypes": ["int32", "int64"],
            "reduction": "none",
            "boundary": {"clip": [1e-7, 1 - 1e-7]},
        },
        **_IVY,
    ),
    Registered(
        name="choice_learn.CustomCategoricalCrossEntropy",
        description="class probabilities, of probabilities, with label_smoothing, a mean, gradient by tensorflow",
        loss=f"{SHIMS}.choice_learn_losses:cross_entropy",
        contract={
            **_OF_PROBABILITIES,
            "labels": ["onehot", "soft"],
            "boundary": {"clip": [1e-10, 1 - 1e-10]},
            "label_smoothing": {"argument": "label_smoothing"},
            "smoothing_over": "others",
            "dtypes": ["float32"],
            "domain": {"rows": [1, 1 << 20], "classes": [2, 1 << 20]},
        },
        framework="tensorflow",
        package="choice_learn",
        requires=("tensorflow", "choice_learn"),
        install="pip install tensorflow choice-learn",
        tried="1.3.3",
        documentation="docstring of choice_learn.tf_ops.CustomCategoricalCrossEntropy",
        seen={
            "boundary": "source: clipped to epsilon = 1e-10 and 1 - epsilon; probe",
            "gradient_of": "source: the clip is differentiated",
            "dtypes": "trial: a loss of Keras converts to float32",
            "domain": "no rows are not spoken of; smoothing divides by the number of the other classes",
        },
    ),
    Registered(
        name="pymc.Categorical.logp",
        description="logit_p and class indices, the log-probability of each, compiled, gradient by pytensor",
        loss=f"{SHIMS}.pymc_categorical:LOGP",
        contract={"output": "log_probability", "reduction": "none", "domain": {"rows": [1, 1 << 20]}},
        package="pymc",
        requires=("pymc",),
        install="pip install pymc",
        tried="5.28.5",
        documentation="docstring of pymc.Categorical",
        seen={"domain": "no rows are not spoken of"},
    ),
)
