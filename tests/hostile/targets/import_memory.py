import numpy as np

TABLE = np.ones(2**28)


def loss(scores, labels):
    return TABLE[0]
