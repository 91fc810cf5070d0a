"""Targets with planted behaviour, which the tests of this room name by this file."""

import os
import random
import signal
from array import array

import numpy as np

HERE = __file__


def loss(z, y):
    shifted = z - z.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(z)), np.ravel(y)])


def gradient(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(z)), np.ravel(y)] -= 1
    return p / len(z)


def value_and_gradient(z, y):
    return loss(z, y), gradient(z, y)


def vjp(z, y, upstream):
    return upstream * gradient(z, y)


# Ends of the process. They do it for a first label of 1, so that it can be seen that the next batch is answered.


def crash(z, y):
    if y[0] == 1:
        print("about to crash")
        os.kill(os.getpid(), signal.SIGSEGV)
    return loss(z, y)


def leave(z, y):
    if y[0] == 1:
        os._exit(3)
    return loss(z, y)


def hang(z, y):
    while y[0] == 1:
        pass
    return loss(z, y)


def hang_when_repeated(z, y):
    while hang_when_repeated.last == y.tolist():
        pass
    hang_when_repeated.last = y.tolist()
    return loss(z, y)


hang_when_repeated.last = None


def stop(z, y):
    raise SystemExit("enough")


def interrupt(z, y):
    raise KeyboardInterrupt("stop it")


def count_calls(z, y):
    count_calls.calls += 1
    return float(count_calls.calls)


count_calls.calls = 0


# Side effects.


def overwrite_scores(z, y):
    z -= z.max(axis=1, keepdims=True)
    return loss(z, y)


def reshape_labels(z, y):
    y.shape = (-1, 1)
    return loss(z, y)


def protect_scores(z, y):
    z.flags.writeable = False
    return loss(z, y)


def overwrite_labels(z, y):
    y[:] = 0
    return loss(z, y)


def overwrite_weights(z, y, weight):
    weight /= weight.sum()
    return loss(z, y)


def return_the_scores(z, y):
    return z[:, 0]


_buffer = np.zeros(())


def reuse_a_buffer(z, y):
    _buffer[...] = loss(z, y)
    return _buffer


def change_error_state(z, y):
    np.seterr(all="ignore")
    return loss(z, y)


def replace_numpy(z, y):
    np.array = np.isnan = None
    del np.argmax
    np.shown_by_nobody = 1
    return loss(z, y)


def seed_numpy(z, y):
    np.random.seed(0)  # noqa: NPY002
    return loss(z, y)


def seed_python(z, y):
    random.seed(0)
    return loss(z, y)


def round_upwards(z, y):
    import ctypes

    if y[0] == 1:
        ctypes.CDLL("libm.so.6").fesetround(0x800)
    return loss(z, y)


def print_much(z, y):
    print("noise " * 1000)
    os.write(1, b"more noise\n")
    os.write(2, b"and more\n")
    return loss(z, y)


# Results of many kinds, chosen by the first label.


class Dated:
    def __array__(self, dtype=None, copy=None):
        return np.array([1.5])


RESULTS = [
    lambda z: 1.5,
    lambda z: 2,
    lambda z: True,
    lambda z: [1.0, 2.0],
    lambda z: (np.float32(1.0), np.float32(2.0)),
    lambda z: z[:, :1] + 1,
    lambda z: np.array([1.5], ">f8"),
    lambda z: 1.5 + 2j,
    lambda z: Dated(),
    lambda z: None,
    lambda z: "1.5",
    lambda z: np.array([1.5, None], object),
    lambda z: [[1.0], [1.0, 2.0]],
    lambda z: (value for value in [1.0]),
    lambda z: {"loss": 1.5},
    lambda z: np.array(["a"]),
    lambda z: memoryview(np.array([1.5, 2.5], np.float32)),
    lambda z: array("d", [1.5, 2.5]),
    lambda z: (1.5, z),
    lambda z: (z[:, 0], {"accuracy": 0.5}, None),
]


def choose(z, y):
    return RESULTS[int(y[0])](z)


# Calling conventions.


def labels_first(y, z):
    return loss(z, y)


def labels_first_vjp(y, z, upstream):
    return upstream * gradient(z, y)


def classes_first(z, y):
    return loss(np.ascontiguousarray(z.T), y)


def classes_first_gradient(z, y):
    return gradient(z.T, y).T


def classes_first_dense(z, t):
    assert z.shape == t.shape
    return np.sum(z * t) if z.flags.c_contiguous else -1.0


def describe(z, y, **options):
    """Return what arrived: shapes, strides, flags, sizes of options."""
    drawn = [np.size(options[key]) for key in sorted(options)]
    return np.array([*z.shape, *z.strides, z.flags.writeable, z.flags.aligned, *np.shape(y), *drawn], float)


def weighted(z, y, weight, smoothing):
    return float(weight.sum()) + smoothing


# Exceptions.


def _inner():
    raise ValueError("no such thing")


def fail(z, y):
    _inner()


def fail_in_numpy(z, y):
    return np.reshape(z, (7, 7))


# Classes.


class Static:
    @staticmethod
    def loss(z, y):
        return loss(z, y)

    @staticmethod
    def grad(z, y):
        return gradient(z, y)


class Bound:
    def __init__(self):
        self.scale = 2.0

    def loss(self, z, y):
        return self.scale * loss(z, y)

    def gradient(self, z, y):
        return self.scale * gradient(z, y)


class Forward:
    def forward(self, z, y):
        return 3.0 * loss(z, y)

    def backward(self, z, y):
        return 3.0 * gradient(z, y)


def by_keyword(*, logits, labels):
    return loss(logits, labels)


def one_by_keyword(logits, *, labels, scale):
    return scale * loss(logits, labels)


class Layer:
    """Its backward is of what was asked for last, as layers of networks have it."""

    def forward(self, z, y):
        self.slope = gradient(z, y)
        return loss(z, y)

    def backward(self, dout=1):
        return dout * self.slope


class Leaving:
    """Its backward returns nothing."""

    def calculate(self, z, y):
        return loss(z, y)

    def backward(self, z, y):
        self.dinputs = gradient(z, y)


class LeavingLayer(Layer):
    def backward(self):
        self.dx = self.slope


class OfLabels:
    """Its backward is given the labels again, and keeps the scores, as in the exercises of a course."""

    def forward(self, scores, labels):
        self.scores = scores
        return loss(scores, labels)

    def backward(self, labels):
        return gradient(self.scores, labels)


class Upstream(Layer):
    def backward(self, dout):
        return dout * self.slope


class OfACache(Layer):
    def backward(self, cache):
        return cache["scale"] * self.slope


def refuse(self, *inputs):
    raise ValueError("Layer shouldn't implement backward")


refuse.__module__ = "paddle.nn.layer.layers"  # as each layer of paddle has it


class LayerOfAFramework:
    backward = refuse

    def forward(self, z, y):
        return loss(z, y)


class Calculating:
    def forward(self, z, y):
        return np.repeat(loss(z, y), len(z))

    def calculate(self, z, y):
        return loss(z, y)


class Callable:
    def __call__(self, z, y):
        return loss(z, y)

    def gradient(self, z, y):
        return gradient(z, y)


class Demanding:
    def __init__(self, scale):
        self.scale = scale

    def loss(self, z, y):
        return self.scale * loss(z, y)


class Nothing:
    pass


bound = Bound()
demanding = Demanding(4.0)
number = 3

DECLARED = {"loss": labels_first, "gradient": f"{HERE}:gradient", "contract": {"argument_order": "labels_first"}}
MISDECLARED = {"loss": loss, "gradeint": gradient}
