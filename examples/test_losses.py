"""One pytest test for each law that the loss below is judged by."""

import numpy as np

import xentcheck


def loss(logits, labels):
    """Return the summed cross-entropy of integer labels."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return (log_sums - shifted[np.arange(len(labels)), labels]).sum()


def gradient(logits, labels):
    """Return its gradient by the logits."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    result = exponentials / exponentials.sum(axis=1, keepdims=True)
    result[np.arange(len(labels)), labels] -= 1
    return result


@xentcheck.parametrize([{"loss": loss, "gradient": gradient, "contract": {"reduction": "sum"}}], dtypes=["float64"])
def test_loss(verify):
    """The law holds."""
    verify()
