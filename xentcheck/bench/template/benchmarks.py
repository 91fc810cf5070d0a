"""How fast this project's losses are, on every commit. Made by `xentcheck bench --asv`, and yours to change.

targets.json, beside this file, says which functions and how they are called. Keep this file importable on old commits:
one failing import stops every benchmark.
"""

import gc
import importlib
import importlib.util
import json
import statistics
import sys
import time
import tracemalloc
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
TARGETS = json.loads((HERE / "targets.json").read_text(encoding="utf-8"))
ROWS = {10: 4096, 100: 2048, 1000: 1024, 10_000: 64, 50_257: 16}
CLASSES = tuple(ROWS)
PATHS = tuple(f"{name}, {form}" for name, target in TARGETS.items() for form in target["forms"])
BOTH_FORMS = tuple(name for name, target in TARGETS.items() if len(target["forms"]) == 2) or ("none",)


class Time:
    """Seconds a call. Trends: they vary with whatever else the machine does."""

    params = (PATHS, CLASSES)
    param_names = ("path", "classes")
    repeat = (3, 10, 0.5)

    def time_loss(self, path, classes):
        prepared(path, classes, "loss")()

    def time_loss_and_gradient(self, path, classes):
        prepared(path, classes, "both")()


class SparseOverOneHot:
    """Sparse over one-hot labels, in turn, in processor time: repeats within some 5 %, and so can be a gate."""

    params = (BOTH_FORMS, CLASSES)
    param_names = ("target", "classes")
    unit = "ratio"

    def setup(self, target, classes):
        if target == "none":
            raise NotImplementedError("no target takes both forms of labels")

    def track_ratio(self, target, classes):
        part = best_part(TARGETS[target])
        return median_ratio(*(prepared(f"{target}, {form}", classes, part) for form in ("sparse", "onehot")))


class OverSoftmax:
    """Loss, with the gradient where there is one, over a plain softmax in numpy that never changes."""

    params = (PATHS, CLASSES)
    param_names = ("path", "classes")
    unit = "ratio"

    def track_ratio(self, path, classes):
        logits = 3.0 * np.random.default_rng(1).standard_normal((ROWS[classes], classes), np.float32)
        buffer = np.empty_like(logits)

        def softmax():
            np.subtract(logits, logits.max(axis=1, keepdims=True), out=buffer)
            np.exp(buffer, out=buffer)
            np.divide(buffer, buffer.sum(axis=1, keepdims=True), out=buffer)

        part = best_part(TARGETS[path.rpartition(", ")[0]])
        return median_ratio(prepared(path, classes, part), softmax)


class Memory:
    """Peak of what a call allocates, in bytes per byte of scores; the same in every run. Only numpy's can be seen."""

    params = (PATHS, (1000, 50_257))
    param_names = ("path", "classes")
    unit = "bytes per byte of scores"

    def setup(self, path, classes):
        if TARGETS[path.rpartition(", ")[0]]["framework"] != "numpy":
            raise NotImplementedError("frameworks allocate behind Python's back")

    def track_peak(self, path, classes):
        call = prepared(path, classes, best_part(TARGETS[path.rpartition(", ")[0]]))
        call()
        tracemalloc.start()
        try:
            result = call()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        del result
        return peak / (4 * ROWS[classes] * classes)


def best_part(target):
    """Return "both" where a target has a gradient, else "loss"."""
    own = {"gradient", "value_and_gradient"} & set(target["functions"])
    return "both" if own or target["differentiates"] else "loss"


@lru_cache(maxsize=4)
def prepared(path, classes, part):
    """Return a call of a target on float32 scores, its arguments converted beforehand."""
    name, _, form = path.rpartition(", ")
    target = TARGETS[name]
    if part == "both" and best_part(target) == "loss":
        raise NotImplementedError(f"{name} has no gradient")
    functions = {role: found(location, target["root"]) for role, location in target["functions"].items()}
    given = [converted(array, target["framework"]) for array in arrays(target, classes, form)]
    keywords = target["keywords"]
    if part == "loss":
        function = functions.get("loss") or functions["value_and_gradient"]
        return finished(lambda: function(*given, **keywords), target["framework"])
    if "value_and_gradient" in functions:
        return finished(lambda: functions["value_and_gradient"](*given, **keywords), target["framework"])
    if "gradient" in functions:
        first, second = functions["loss"], functions["gradient"]
        return finished(lambda: (first(*given, **keywords), second(*given, **keywords)), target["framework"])
    return differentiated(functions["loss"], given, keywords, target)


def arrays(target, classes, form):
    """Return scores and labels in the target's order."""
    random = np.random.default_rng(20_240_417)
    scores = 3.0 * random.standard_normal((ROWS[classes], classes), np.float32)
    labels = random.integers(0, classes, ROWS[classes])
    if target["input"] != "logits":
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores = exponentials / exponentials.sum(axis=1, keepdims=True)
        scores = np.log(scores) if target["input"] == "log_probabilities" else scores
    if form == "onehot":
        dense = np.zeros_like(scores)
        dense[np.arange(len(labels)), labels] = 1
        labels = dense
    if target["transposed"]:
        scores, labels = scores.T, labels.T
    return (labels, scores) if target["labels_first"] else (scores, labels)


def converted(array, framework):
    """Return an array as the framework's own."""
    if framework == "torch":
        import torch

        return torch.from_numpy(np.ascontiguousarray(array))
    if framework == "jax":
        import jax

        return jax.numpy.asarray(array)
    return array


def finished(call, framework):
    """Return a call that waits for what jax calculates in the background."""
    if framework != "jax":
        return call
    import jax

    return lambda: jax.block_until_ready(call())


def differentiated(loss, given, keywords, target):
    """Return a call that has the framework differentiate the sum of the loss."""
    position = 1 if target["labels_first"] else 0
    if target["framework"] == "torch":
        import torch

        given[position].requires_grad_(True)

        def by_autograd():
            value = loss(*given, **keywords)
            return value, torch.autograd.grad(value.sum(), given[position])[0]

        return by_autograd
    import jax

    both = jax.jit(jax.value_and_grad(lambda *arguments: loss(*arguments, **keywords).sum(), position))
    return finished(lambda: both(*given), "jax")


@cache
def found(location, root):
    """Return what "package.module:attribute" or "path/file.py:attribute" names."""
    module, _, attributes = location.rpartition(":")
    value = imported_file(module, root) if module.endswith(".py") else importlib.import_module(module)
    for attribute in attributes.split("."):
        if isinstance(value, type) and not isinstance(value.__dict__.get(attribute), (staticmethod, classmethod)):
            value = value()
        value = getattr(value, attribute)
    return value


def imported_file(path, root):
    """Import a file of the commit that asv has checked out, or else of the working tree."""
    places = [folder / path for folder in (Path(sys.prefix) / "project", HERE / root)]
    place = next(place for place in places if place.is_file())
    sys.path.insert(0, str(place.parent))
    specification = importlib.util.spec_from_file_location(place.stem, place)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def median_ratio(first, second, pairs=25):
    """Return the median of time(first) / time(second) over neighbouring samples, in processor time."""
    numbers = []
    for call in (first, second):
        call()
        start = time.perf_counter()
        call()
        numbers.append(max(1, round(0.004 / max(time.perf_counter() - start, 1e-7))))
    ratios = []
    gc.disable()
    try:
        start = time.perf_counter()
        while len(ratios) < pairs and (len(ratios) < 5 or time.perf_counter() - start < 10.0):
            spent = [0.0, 0.0]
            for side in (0, 1) if len(ratios) % 2 else (1, 0):
                call = (first, second)[side]
                call()  # meanwhile the threads of the other side go to sleep: those of OpenMP spin for a while
                before = time.process_time()
                for _ in range(numbers[side]):
                    call()
                spent[side] = (time.process_time() - before) / numbers[side]
            ratios.append(spent[0] / max(spent[1], 1e-9))
    finally:
        gc.enable()
    return statistics.median(ratios)
