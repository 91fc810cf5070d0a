"""The targets that xentcheck knows by name, and their contracts as far as their libraries document them.

Data only: no framework is imported here. What a library leaves open is left out, so that it is not judged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xentcheck.targets.find import (
    registered_apart,
    registered_arrays,
    registered_distributions,
    registered_frameworks,
    registered_keras,
    registered_models,
    registered_parallel,
    registered_torch,
    registered_training,
)
from xentcheck.targets.find.registration import ALL_DTYPES, REDUCTION, Registered

_FLOAT64_EPS = 2.0**-52
_OPTAX: dict[str, Any] = {
    "framework": "jax",
    "requires": ("jax", "optax"),
    "install": "pip install 'xentcheck[optax]'",
    "expensive_shapes": True,
    "tried": "0.2.8",
    "documentation": "docstring of optax.losses",
}
_REFERENCE = Registered(
    name="reference",
    description="xentcheck's definition in numpy: sparse, one-hot and soft labels, from logits",
    loss="xentcheck.reference:loss",
    gradient="xentcheck.reference:gradient",
    value_and_gradient="xentcheck.reference:loss_and_gradient",
    vjp="xentcheck.targets.shims.reference_vjp:pulled_back",
    keywords=REDUCTION,
    contract={
        "labels": ["sparse", "onehot", "soft"],
        "dense_label_dtypes": ["same", "bool", "uint8", "int64", "float32", "float64"],
        "label_shapes": ["(n,)", "(n,1)"],
        "soft_rows": "any",
        "empty_mean": "nan",
        "nonfinite": ["-inf", "+inf", "nan"],
        "invalid": [
            "label_out_of_range",
            "label_negative",
            "label_fractional",
            "length_mismatch",
            "shape_mismatch",
        ],
        "dtypes": ALL_DTYPES,
        "output_dtype": "same",
        "accuracy": "B+",
    },
)

_BRAINTOOLS: dict[str, Any] = {
    **_OPTAX,
    "package": "braintools",
    "requires": ("jax", "braintools"),
    "install": "pip install jax braintools",
    "tried": "0.3.0",
    "documentation": "docstrings of braintools.metric",
}

TARGETS: tuple[Registered, ...] = (
    _REFERENCE,
    replace(
        _REFERENCE,
        name="reference.compiled",
        description="the same with rows in one class compiled by numba, for float32 and float64",
        requires=("numba",),
        install="pip install 'xentcheck[compiled]'",
        keywords={**REDUCTION, "compiled": True},
    ),
    Registered(
        name="reference.summed_guarded",
        description="the reference's preset: one-hot labels first, log(p + eps), a sum, the gradient p - y",
        loss="xentcheck.reference:SummedGuarded",
        contract={
            "input": "probabilities",
            "labels": ["onehot"],
            "reduction": "sum",
            "argument_order": "labels_first",
            "boundary": {"add": _FLOAT64_EPS},
            "invalid": ["labels_not_binary", "probabilities_not_stochastic", "length_mismatch", "shape_mismatch"],
            "output_dtype": "same",
        },
        aliases=("summed_guarded",),
    ),
    Registered(
        name="reference.averaged_clipped",
        description="the reference's preset: predictions first, p clipped to [1e-7, 1 - 1e-7], a mean, (p - y) / n",
        loss="xentcheck.reference:AveragedClipped",
        contract={
            "input": "probabilities",
            "labels": ["sparse", "onehot"],
            "boundary": {"clip": [1e-7, 1 - 1e-7]},
            "empty_mean": "nan",
            "invalid": [
                "label_out_of_range",
                "label_negative",
                "label_fractional",
                "length_mismatch",
                "shape_mismatch",
            ],
            "output_dtype": "same",
        },
        aliases=("averaged_clipped",),
    ),
    Registered(
        name="scipy.special.log_softmax",
        description="-log_softmax(z)[y], gradient exp(log_softmax(z)) - y",
        loss="xentcheck.targets.shims.scipy_special:log_softmax_loss",
        gradient="xentcheck.targets.shims.scipy_special:log_softmax_gradient",
        package="scipy",
        requires=("scipy",),
        install="pip install scipy",
        contract={"reduction": "none"},
        aliases=("scipy.log_softmax",),
        tried="1.17.1",
        documentation="none: the expression is this project's",
    ),
    Registered(
        name="scipy.special.logsumexp",
        description="logsumexp(z) - z[y], gradient exp(z - logsumexp(z)) - y; loses digits where all logits are large",
        loss="xentcheck.targets.shims.scipy_special:logsumexp_loss",
        gradient="xentcheck.targets.shims.scipy_special:logsumexp_gradient",
        package="scipy",
        requires=("scipy",),
        install="pip install scipy",
        # The difference is this project's: it cannot be better than the grade that its form allows.
        contract={"reduction": "none", "accuracy": "C"},
        aliases=("scipy.logsumexp",),
        tried="1.17.1",
        documentation="none: the expression is this project's",
    ),
    Registered(
        name="jax.nn.log_softmax",
        description="-log_softmax(z)[y], compiled, gradient by jax",
        loss="xentcheck.targets.shims.jax_nn:loss",
        framework="jax",
        package="jax",
        requires=("jax",),
        install="pip install jax",
        contract={"reduction": "none"},
        expensive_shapes=True,
        tried="0.10.2",
        documentation="none: the expression is this project's",
    ),
    Registered(
        name="optax.softmax_cross_entropy",
        description="one-hot and soft labels, one loss a row, gradient by jax",
        loss="optax:softmax_cross_entropy",
        contract={"labels": ["onehot", "soft"], "reduction": "none"},
        **_OPTAX,
    ),
    Registered(
        name="optax.softmax_cross_entropy.extra_axes",
        description="the same with rows along two and three axes, classes last",
        loss="optax:softmax_cross_entropy",
        contract={"labels": ["onehot", "soft"], "reduction": "none", "extra_axes": [1, 2]},
        seen={"extra_axes": "source: everything is along the last axis; the docstring speaks of rows alone"},
        **_OPTAX,
    ),
    Registered(
        name="optax.safe_softmax_cross_entropy",
        description="as softmax_cross_entropy, and 0 log 0 = 0 where a logit is -inf and its label 0",
        loss="optax:safe_softmax_cross_entropy",
        contract={"labels": ["onehot", "soft"], "reduction": "none", "nonfinite": ["-inf"]},
        **_OPTAX,
    ),
    Registered(
        name="optax.losses.poly_loss_cross_entropy",
        description="one-hot and soft labels, with epsilon = 0, one loss a row, gradient by jax",
        loss="optax.losses:poly_loss_cross_entropy",
        keywords={"epsilon": 0.0},
        contract={"labels": ["onehot", "soft"], "reduction": "none"},
        **_OPTAX,
    ),
    Registered(
        name="optax.softmax_cross_entropy_with_integer_labels",
        description="sparse labels, one loss a row, gradient by jax",
        loss="optax:softmax_cross_entropy_with_integer_labels",
        contract={"labels": ["sparse"], "reduction": "none"},
        aliases=("optax.integer_labels",),
        threads=dict.fromkeys(("value", "shift", "uniform"), "https://github.com/google-deepmind/optax/pull/1792"),
        **_OPTAX,
    ),
    Registered(
        name="jaxopt.loss.multiclass_logistic_loss",
        description="class indices, of each row by jax.vmap",
        loss="xentcheck.targets.shims.jaxopt_loss:each",
        contract={"labels": ["sparse"], "argument_order": "labels_first", "reduction": "none"},
        **{
            **_OPTAX,
            "package": "jaxopt",
            "requires": ("jax", "jaxopt"),
            "install": "pip install jaxopt",
            "tried": "0.8.5",
            "documentation": "docstring of jaxopt.loss.multiclass_logistic_loss",
        },
    ),
    Registered(
        name="braintools.metric.softmax_cross_entropy_with_integer_labels",
        description="class indices, one loss a row",
        loss="braintools.metric:softmax_cross_entropy_with_integer_labels",
        contract={"labels": ["sparse"], "reduction": "none"},
        **_BRAINTOOLS,
    ),
    Registered(
        name="braintools.metric.softmax_cross_entropy",
        description="one-hot and soft labels, one loss a row",
        loss="braintools.metric:softmax_cross_entropy",
        contract={"labels": ["onehot", "soft"], "reduction": "none"},
        **_BRAINTOOLS,
    ),
    Registered(
        name="sklearn.metrics.log_loss",
        description="probabilities and sparse labels, clipped at the eps of their dtype; no gradient",
        loss="xentcheck.targets.shims.sklearn_metrics:log_loss",
        package="sklearn",
        requires=("sklearn",),
        install="pip install scikit-learn",
        keywords=REDUCTION,
        contract={
            "input": "probabilities",
            "labels": ["sparse"],
            "argument_order": "labels_first",
            "boundary": {"clip": "eps"},
            "domain": {"rows": [1, 1 << 20], "classes": [2, 1 << 20]},
            "calls": "many",
        },
        aliases=("sklearn.log_loss",),
        tried="1.9.1",
        documentation="docstring of sklearn.metrics.log_loss",
        seen={
            "domain": "no rows are refused, and one class",
            "calls": "1.5 ms each: with some 4,000 of them no law need take turns, however busy the machine",
        },
    ),
    *registered_torch.TARGETS,
    *registered_training.TARGETS,
    *registered_parallel.TARGETS,
    *registered_distributions.TARGETS,
    *registered_frameworks.TARGETS,
    *registered_keras.TARGETS,
    *registered_models.TARGETS,
    *registered_arrays.TARGETS,
    *registered_apart.TARGETS,
)


def by_name(name: str) -> Registered | None:
    """Return the target of a name or an alias."""
    return next((target for target in TARGETS if name == target.name or name in target.aliases), None)


def names() -> list[str]:
    """Return every name and alias."""
    return [name for target in TARGETS for name in (target.name, *target.aliases)]
