"""The losses of Keras 3 on each of its backends: data only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xentcheck.targets.find.registration import ALL_DTYPES, Registered

_BACKENDS: dict[str, tuple[tuple[str, ...], str]] = {
    "jax": (("jax",), "keras jax"),
    "tensorflow": (("tensorflow",), "keras tensorflow-cpu"),
    "torch": (("torch",), "keras torch"),
    "numpy": (("jax", "scipy"), "keras scipy jax"),
}
"""Backend to the modules that it needs and the packages to install."""
_CLIP: dict[str, Any] = {"clip": [1e-7, 1 - 1e-7]}
_PROBABILITIES: dict[str, Any] = {
    "input": "probabilities",
    "gradient_wrt": "probabilities",
    "gradient_of": "loss",
    # The constant is backend.epsilon(), and float16 knows no 1 - 1e-7.
    "dtypes": ["float32", "float64"],
}
_LOGITS: dict[str, Any] = {"dtypes": ALL_DTYPES, "compute": "same"}
_SEEN = {
    "boundary": "source of keras.backend: clipped to epsilon() and 1 - epsilon(); probe",
    "gradient_of": "source: the clip is differentiated",
    "compute": "source: composed of operators, each of which rounds to the dtype of the logits",
    "dtypes": "trial",
}


def _four(backend: str) -> tuple[Registered, ...]:
    """Return the targets of one backend: logits and probabilities, class indices and rows."""
    modules, packages = _BACKENDS[backend]
    where = f"xentcheck.targets.shims.keras_{backend}"
    # Rows of probabilities are divided by their sum, then clipped: issue 18467 of keras. For class indices tensorflow
    # is given the logarithms of what was clipped, and its softmax divides.
    divided = {**_CLIP, "normalise": True}
    sparse = {**_CLIP, "normalise": "after"} if backend == "tensorflow" else divided
    common: dict[str, Any] = {
        "framework": backend,
        "package": "keras",
        "requires": ("keras", *modules),
        "install": f"pip install {packages}",
        "expensive_shapes": backend == "jax",
        "tried": "3.15.1",
        "documentation": "docstrings of keras.losses",
        "seen": _SEEN,
    }
    form = {"argument_order": "labels_first", "reduction": "none"}
    smoothing: dict[str, Any] = {"label_smoothing": {"argument": "label_smoothing"}}
    if backend == "jax":  # which cannot trace `if label_smoothing:`, so that calls with some are made step by step
        smoothing["calls"] = "few"
    return (
        Registered(
            name=f"keras.{backend}.sparse_categorical_crossentropy",
            description=f"class indices, from_logits, on {backend}",
            loss=f"{where}:sparse_categorical_crossentropy",
            keywords={"from_logits": True},
            contract={**form, **_LOGITS, "labels": ["sparse"]},
            **common,
        ),
        Registered(
            name=f"keras.{backend}.categorical_crossentropy",
            description=f"class probabilities, from_logits, with label_smoothing, on {backend}",
            loss=f"{where}:categorical_crossentropy",
            keywords={"from_logits": True},
            contract={**form, **_LOGITS, "labels": ["onehot", "soft"], **smoothing},
            **common,
        ),
        Registered(
            name=f"keras.{backend}.sparse_categorical_crossentropy.probabilities",
            description=f"class indices, of probabilities, on {backend}",
            loss=f"{where}:sparse_categorical_crossentropy",
            contract={**form, **_PROBABILITIES, "labels": ["sparse"], "boundary": sparse},
            **common,
        ),
        Registered(
            name=f"keras.{backend}.categorical_crossentropy.probabilities",
            description=f"class probabilities, of probabilities, on {backend}",
            loss=f"{where}:categorical_crossentropy",
            contract={
                **form,
                **_PROBABILITIES,
                "labels": ["onehot", "soft"],
                "boundary": divided,
            },
            **common,
        ),
    )


def _legacy(target: Registered) -> Registered:
    """Return the loss of Keras 2, which is of tensorflow alone, that one of Keras 3 on tensorflow comes from."""
    function = target.loss.partition(":")[2]
    ignored = {"ignore_index": {"argument": "ignore_class"}} if function.startswith("sparse") else {}
    return replace(
        target,
        name=target.name.replace("keras.tensorflow", "tf_keras"),
        description=target.description.replace("on tensorflow", "of Keras 2"),
        loss=f"tf_keras.losses:{function}",
        package="tf_keras",
        requires=("tf_keras", "tensorflow"),
        install="pip install tf_keras tensorflow",
        tried="2.21.0",
        documentation="docstrings of tf_keras.losses",
        contract={**target.contract, **ignored},
    )


TARGETS: tuple[Registered, ...] = (
    *(target for backend in _BACKENDS for target in _four(backend)),
    *(_legacy(target) for target in _four("tensorflow")),
)
