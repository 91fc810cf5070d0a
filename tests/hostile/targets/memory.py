"""Targets that need more memory than they may have, and one that only says so."""

from __future__ import annotations

import ctypes
import os
import sys

import numpy as np


def loss(scores, labels):
    return np.float64(0)


def at_once(scores, labels):
    return np.ones(2**28).sum()


def by_and_by(scores, labels):
    kept = []
    while True:
        kept.append(bytearray(2**20))


def crashes(scores, labels):
    """Crash in C after memory was refused, as code does that never looks."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    while block := libc.malloc(ctypes.c_size_t(2**22)):
        ctypes.memset(block, 1, 2**22)
    ctypes.memset(block, 1, 1)


def aborts(scores, labels):
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def crashes_otherwise(scores, labels):
    sys.stderr.write("about to crash\n")
    ctypes.string_at(0)


def enough(scores, labels):
    kept = np.zeros(2**24)
    return np.float64(kept[::512].sum())
