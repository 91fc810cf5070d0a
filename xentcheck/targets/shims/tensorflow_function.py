"""tensorflow's loss of class indices in a graph (``tf.function``)."""

from __future__ import annotations

import tensorflow as tf

sparse = tf.function(tf.nn.sparse_softmax_cross_entropy_with_logits, reduce_retracing=True)
