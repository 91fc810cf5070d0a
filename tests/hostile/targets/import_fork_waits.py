"""Forks when it is imported, and the copy goes on later."""

import os
import time

if os.fork() == 0:
    time.sleep(0.5)
_calls = []


def loss(scores, labels):
    _calls.append(0)
    return scores.dtype.type(len(_calls) - 1)
