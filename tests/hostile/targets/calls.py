"""Targets that are hostile when they are called."""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
import tempfile

import numpy as np

CONTROLS = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m nul\0 \u202egnol\u202c \u2066x\u2069 [bold]b[/bold] [/nope]"
FORGED = "all is well\nCONFORMS: all good.\r\nCONFORMS: all good.\x85CONFORMS: all good.\u2028CONFORMS: all good."


def _loss(scores, labels):
    z = np.asarray(scores, np.float64)
    top = z.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(z - top).sum(axis=1)) + top[:, 0] - z[np.arange(len(z)), labels])


def right(scores, labels):
    return scores.dtype.type(_loss(scores, labels))


def surrogate(scores, labels):
    raise ValueError("lone \ud800 surrogate")


def surrogate_now_and_then(scores, labels):
    if labels[0] == 0:
        raise ValueError("lone \ud800 surrogate")
    return right(scores, labels)


def forged(scores, labels):
    raise ValueError(FORGED)


def controls(scores, labels):
    raise ValueError(CONTROLS)


def controls_now_and_then(scores, labels):
    if labels[0] == 0:
        raise ValueError(CONTROLS + FORGED + "\ud800")
    return right(scores, labels)


def long_message(scores, labels):
    raise ValueError("x" * 10_000_000)


def long_kind(scores, labels):
    raise type("E" * 1_000_000, (Exception,), {})("x")


def forged_kind(scores, labels):
    raise type("E\nCONFORMS: all good.\x1b[31m", (Exception,), {})("x")


def quotes(scores, labels):
    raise ValueError('"""\nimport os; os.abort()\n\\')


class _MuteError(ValueError):
    def __str__(self):
        raise SystemExit(3)


_MuteError.__name__ = "ValueError"


class _OddStr(str):
    def __getitem__(self, index):
        raise ValueError("no")

    isprintable = __len__ = __iter__ = split = encode = None


class _OddError(ValueError):
    def __str__(self):
        return _OddStr("odd")


_OddError.__name__ = "ValueError"


def no_text(scores, labels):
    raise _MuteError


def odd_text(scores, labels):
    raise _OddError


def nested_result(scores, labels):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    return deep


def forged_place(scores, labels):
    exec(
        compile("def f():\n raise ValueError('x')\n", 'a\nCONFORMS: all good.\x1b[31m"""\ud800.py', "exec"), space := {}
    )
    space["f"]()


def no_directory(scores, labels):
    gone = tempfile.mkdtemp()
    os.chdir(gone)
    shutil.rmtree(gone)
    raise ValueError("in a directory that is gone")


def enormous(scores, labels):
    return np.broadcast_to(np.float32(1.0), (2**34,))


def enormous_gradient(scores, labels):
    return np.broadcast_to(np.float32(1.0), (2**20, 2**14))


class Nameless:
    """A value of a class without a module."""

    def __array__(self, dtype=None, copy=None):
        return np.zeros(())


Nameless.__module__ = None


def nameless(scores, labels):
    return Nameless()


def nameless_class(scores, labels):
    return Nameless


def _channel():
    return int(sys.argv[1])


def _frame(text, body=b""):
    text += b" " * (-len(text) % 16)
    return struct.pack("<4sII", b"xent", len(text), len(body)) + text + body


def no_json(scores, labels):
    os.set_blocking(_channel(), True)
    os.write(_channel(), _frame(b"this is no json", b"\0" * 16))
    return right(scores, labels)


def dtype_object(scores, labels):
    os.set_blocking(_channel(), True)
    stated = {"parts": ["loss"], "raised": None, "observations": [], "arrays": [{"dtype": "object", "shape": [1]}]}
    os.write(_channel(), _frame(json.dumps(stated).encode(), b"\x01" * 16))
    return right(scores, labels)


def negative_shape(scores, labels):
    stated = {"parts": ["loss"], "raised": None, "observations": [], "arrays": [{"dtype": "float32", "shape": [-1]}]}
    os.write(_channel(), _frame(json.dumps(stated).encode(), b"\x01" * 16))
    return right(scores, labels)


def no_parts(scores, labels):
    os.write(_channel(), _frame(b'{"arrays": []}'))
    return right(scores, labels)


def wrong_types(scores, labels):
    stated = {"parts": 7, "raised": {"kind": 1, "evil": 2}, "observations": [[]], "arrays": []}
    os.write(_channel(), _frame(json.dumps(stated).encode()))
    return right(scores, labels)


def odd_words(scores, labels):
    stated = {
        "parts": [],
        "raised": {"kind": "x\ny\x1b[31m", "message": "\ud800" * 9999, "call": "loss\nz", "where": "\0"},
        "observations": ["never-heard-of"],
        "arrays": [],
    }
    os.write(_channel(), _frame(json.dumps(stated).encode()))
    return right(scores, labels)


def deep_json(scores, labels):
    os.write(_channel(), _frame(b'{"arrays": []' + b', "a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"))
    return right(scores, labels)


def failure(scores, labels):
    os.write(
        _channel(),
        _frame(json.dumps({"failure": "it is xentcheck's fault\nCONFORMS: all good.", "arrays": []}).encode()),
    )
    return right(scores, labels)


def gigabytes(scores, labels):
    os.write(_channel(), struct.pack("<4sII", b"xent", 16, 0xF000_0000) + b" " * 100)
    return right(scores, labels)


def half_a_frame(scores, labels):
    os.write(_channel(), struct.pack("<4sII", b"xent", 16, 2**29) + b" " * 100)
    return right(scores, labels)


def garbage(scores, labels):
    os.write(_channel(), b"\xff" * 64)
    return right(scores, labels)


def few_bytes(scores, labels):
    os.write(_channel(), b"\1\0\0")
    return right(scores, labels)


def breaks_array(scores, labels):
    np.array = None
    return right(scores, labels)


def breaks_shares(scores, labels):
    np.may_share_memory = np.seterr = np.geterr = None
    return right(scores, labels)


def breaks_json(scores, labels):
    json.dumps = None
    return right(scores, labels)


def breaks_getcwd(scores, labels):
    os.getcwd = None
    raise ValueError("x")


_calls = 0


def wrong_and_breaks(scores, labels):
    global _calls
    _calls += 1
    if _calls > 30:
        failure(scores, labels)
    return scores.dtype.type(7.0)
