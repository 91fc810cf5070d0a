"""tinygrad's losses, which are methods of a tensor."""

from __future__ import annotations

from tinygrad import Tensor

cross_entropy = Tensor.cross_entropy
sparse_categorical_crossentropy = Tensor.sparse_categorical_crossentropy
nll_loss = Tensor.nll_loss
