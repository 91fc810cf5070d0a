"""Distributions over classes, of libraries for probabilistic models and reinforcement learning: data only."""

from __future__ import annotations

from typing import Any

from xentcheck.targets.find.registration import SHIMS, Registered


def _two(
    name: str, shim: str, entropy: dict[str, Any] | None = None, accuracy: str = "B", **common: Any
) -> tuple[Registered, ...]:
    """Return the log-probability and the entropy of one class of distributions."""
    kept: dict[str, Any] = {"reduction": "none", "accuracy": accuracy}
    return (
        Registered(
            name=f"{name}.log_prob",
            description="logits and class indices, the log-probability of each",
            loss=f"{SHIMS}.{shim}:log_prob",
            contract={"label_dtypes": ["int32", "int64"], "output": "log_probability", **kept},
            **common,
        ),
        Registered(
            name=f"{name}.entropy",
            description="logits alone, the entropy of each row in nats",
            loss=f"{SHIMS}.{shim}:entropy",
            contract={"output": "entropy", **kept, **(entropy or {})},
            **common,
        ),
    )


TARGETS: tuple[Registered, ...] = (
    *_two(
        "numpyro.distributions.CategoricalLogits",
        "numpyro_distributions",
        accuracy="C",  # z - logsumexp(z) is what the docstring says
        framework="jax",
        package="numpyro",
        requires=("jax", "numpyro"),
        install="pip install jax numpyro",
        expensive_shapes=True,
        tried="0.22.0",
        documentation="docstrings of numpyro.distributions.CategoricalLogits",
    ),
    *_two(
        "distrax.Categorical",
        "distrax_categorical",
        framework="jax",
        package="distrax",
        requires=("jax", "distrax"),
        install="pip install jax distrax",
        expensive_shapes=True,
        tried="0.1.9",
        documentation="docstrings of distrax.Categorical and of the distribution of tfp that it stands for",
    ),
    *_two(
        "tensorflow_probability.distributions.Categorical",
        "tensorflow_probability_categorical",
        framework="tensorflow",
        package="tensorflow_probability",
        requires=("tensorflow", "tensorflow_probability", "tf_keras"),
        install="pip install tensorflow tensorflow-probability tf_keras",
        tried="0.25.0 to 0.26.0.dev20261027",
        documentation="docstring of tfp.distributions.Categorical",
    ),
)
