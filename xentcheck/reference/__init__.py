"""The readable numpy definition of cross-entropy: a sparse path and a one-hot path, loss and gradient."""
