"""A loss of another language: a program, started once, that is asked through a pipe for each batch."""

import subprocess
from pathlib import Path

import numpy as np

PROGRAM = subprocess.Popen([Path(__file__).with_suffix("")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def loss_and_gradient(logits, labels):
    """Return what the program answers: the loss of each row, shape (n,), and the gradient, (n, m)."""
    n, m = logits.shape
    if labels.shape != (n,):
        raise ValueError("each row needs one label")
    for array in (np.array([n, m]), logits, labels.astype(np.int64)):
        PROGRAM.stdin.write(array.tobytes())
    PROGRAM.stdin.flush()
    answer = PROGRAM.stdout.read(8 * n * (1 + m))
    if len(answer) < 8 * n * (1 + m):
        raise RuntimeError(f"the program ended with status {PROGRAM.wait()}")
    losses, gradient = np.split(np.frombuffer(answer), [n])
    return losses.copy(), gradient.reshape(n, m).copy()
