"""A notebook as a script: editors and jupytext open it as one, with a cell at each `# %%`."""

# %% [markdown]
# # Judge a function that exists only here
# A closure, a cell's own function: whatever can be called.

# %%
import numpy as np

import xentcheck


def loss(logits, labels):
    """Return the mean cross-entropy of integer labels, from the logarithm of a softmax."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return -np.log(probabilities[np.arange(len(labels)), labels]).mean()


# %%
report = xentcheck.check(loss, properties=["value", "finite"], dtypes=["float64"])
print(report.verdict)

# %%
for finding in report.findings:
    print(finding.title, finding.got, finding.certified)

# %% [markdown]
# The smallest softmax outputs are rounded to 0, whose logarithm is -inf. The log-softmax is finite.


# %%
def mended(logits, labels):
    """Return the mean cross-entropy of integer labels, from the log-softmax."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return (log_sums - shifted[np.arange(len(labels)), labels]).mean()


# %%
xentcheck.check(mended, properties=["value", "finite"], dtypes=["float64"]).raise_for_findings()
