"""Distributions over classes, of libraries for probabilistic models and reinforcement learning: data only."""

from __future__ import annotations

from typing import Any

from xentcheck.targets.find.registration import SHIMS, Registered

_SUBTRACTED = "source: logits - logsumexp(logits) is formed, as in torch.distributions"
_OF_ACTIONS: dict[str, Any] = {"output": "log_probability", "reduction": "none", "accuracy": "C"}
_TORCHRL: dict[str, Any] = {
    "framework": "torch",
    "package": "torchrl",
    "requires": ("torch", "torchrl"),
    "install": "pip install torch torchrl",
    "tried": "0.14.1",
    "documentation": "docstrings of torchrl.modules.OneHotCategorical and MaskedCategorical",
    "seen": {"accuracy": _SUBTRACTED},
}


def _two(
    name: str, shim: str, entropy: dict[str, Any] | None = None, accuracy: str = "B", rows: int = 0, **common: Any
) -> tuple[Registered, ...]:
    """Return the log-probability and the entropy of one class of distributions."""
    kept: dict[str, Any] = {"reduction": "none", "accuracy": accuracy}
    kept |= {"domain": {"rows": [rows, 1 << 20]}} if rows else {}
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
    *_two(
        "pyro.distributions.Categorical",
        "pyro_categorical",
        accuracy="C",
        rows=1,
        framework="torch",
        package="pyro",
        requires=("torch", "pyro"),
        install="pip install torch pyro-ppl",
        tried="1.9.2",
        documentation="docstring of pyro.distributions.Categorical",
        seen={"accuracy": _SUBTRACTED, "domain": "no rows are not spoken of"},
    ),
    *_two(
        "stable_baselines3.CategoricalDistribution",
        "stable_baselines3_distributions",
        accuracy="C",
        rows=1,
        framework="torch",
        package="stable_baselines3",
        requires=("torch", "stable_baselines3"),
        install="pip install torch stable-baselines3",
        tried="2.9.2",
        documentation="docstring of stable_baselines3.common.distributions.CategoricalDistribution",
        seen={"accuracy": _SUBTRACTED, "domain": "no rows are not spoken of"},
    ),
    Registered(
        name="kfac_jax.CategoricalLogitsNegativeLogProbLoss",
        description="class indices, one loss a row",
        loss=f"{SHIMS}.kfac_jax_losses:evaluate",
        contract={"reduction": "none"},
        framework="jax",
        package="kfac_jax",
        requires=("jax", "kfac_jax"),
        install="pip install jax kfac-jax",
        expensive_shapes=True,
        tried="0.0.8",
        documentation="docstring of kfac_jax.CategoricalLogitsNegativeLogProbLoss",
        seen={"reduction": "probe: the loss of each row is returned"},
    ),
    Registered(
        name="torchrl.OneHotCategorical.log_prob",
        description="logits and one-hot actions, the log-probability of each",
        loss=f"{SHIMS}.torchrl_distributions:onehot",
        contract={**_OF_ACTIONS, "labels": ["onehot"], "domain": {"classes": [2, 1 << 20]}},
        **{**_TORCHRL, "seen": {**_TORCHRL["seen"], "domain": "source: a last axis of 1 is taken away"}},
    ),
    Registered(
        name="torchrl.MaskedCategorical.log_prob",
        description="logits and class indices, the log-probability of each, where none is masked",
        loss=f"{SHIMS}.torchrl_distributions:masked",
        contract={**_OF_ACTIONS, "label_dtypes": ["int64"]},
        **_TORCHRL,
    ),
)
