"""Forks when it is imported, and both go on."""

import os

os.fork()
_calls = []


def loss(scores, labels):
    _calls.append(0)
    return scores.dtype.type(len(_calls) - 1)
