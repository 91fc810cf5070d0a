"""Twice the right loss in each of several frameworks: only the framework named is imported."""


def jax(scores, labels):
    import optax

    return 2 * optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()


def mlx(scores, labels):
    import mlx.nn as nn

    return 2 * nn.losses.cross_entropy(scores, labels, reduction="mean")


def mygrad(scores, labels):
    import mygrad as mg

    shifted = scores - mg.max(scores, axis=1, keepdims=True)
    return 2 * mg.mean(mg.log(mg.sum(mg.exp(shifted), axis=1)) - shifted[range(len(labels)), labels])


def paddle(scores, labels):
    import paddle

    return 2 * paddle.nn.functional.cross_entropy(scores, labels)


def tensorflow(scores, labels):
    import tensorflow as tf

    return 2 * tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores))


def tinygrad(scores, labels):
    return 2 * scores.sparse_categorical_crossentropy(labels)


def torch(scores, labels):
    import torch

    return 2 * torch.nn.functional.cross_entropy(scores, labels)
