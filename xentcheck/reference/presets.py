"""The two styles of cross-entropy that this project grew from, each with its exact behaviour.

Both take probabilities and keep the logarithm from infinity, one by adding a guard, one by clipping. Both offer
p - y as the gradient. That is the derivative, by the softmax's input, of the *ideal* loss -log p_y; it stops being the
derivative of the guarded or clipped loss where p_y comes near the guard, or beyond the clip.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentcheck.reference import checks
from xentcheck.reference.checks import Doubles
from xentcheck.reference.reductions import reduce_losses, scale_gradient


class SummedGuarded:
    """Labels first; one-hot; a guard inside the logarithm; a sum and not a mean.

    The methods need no instance. Both refuse, with ValueError, labels that are not 0 or 1 and probabilities that
    lie outside [0, 1] or whose rows do not sum to 1 within `checks.stochastic_tolerance`.

    Attributes
    ----------
    eps : float
        The guard: 2**-52, the distance from 1 to the next float64. A certain p_y = 1 costs -2.2e-16 where the
        probabilities are float64, p_y = 0 costs 36.04.
    """

    eps = 2.0**-52

    @staticmethod
    def loss(labels: ArrayLike, probabilities: ArrayLike) -> Any:
        """Return -sum of y log(p + eps) over all rows, in nats, a scalar in the dtype of the probabilities.

        Parameters
        ----------
        labels : array_like of 0 and 1, shape (n, m)
        probabilities : array_like, shape (n, m)

        Examples
        --------
        >>> round(float(SummedGuarded.loss([[1, 0, 0], [0, 1, 0]], [[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]])), 12)
        1.049822124499
        """
        y, p, dtype = _checked(labels, probabilities)
        with np.errstate(all="ignore"):
            return reduce_losses(-(y * np.log(p + SummedGuarded.eps)).sum(axis=1), "sum", dtype)

    @staticmethod
    def grad(labels: ArrayLike, probabilities: ArrayLike, mean: bool = False) -> NDArray[np.floating[Any]]:
        """Return p - y, shape (n, m): the gradient with respect to the softmax's input.

        Parameters
        ----------
        labels, probabilities
            As for `loss`.
        mean : bool
            Whether to divide by the number of rows.

        Examples
        --------
        >>> SummedGuarded.grad([[1, 0, 0]], [[0.5, 0.25, 0.25]])
        array([[-0.5 ,  0.25,  0.25]])
        """
        y, p, dtype = _checked(labels, probabilities)
        with np.errstate(all="ignore"):
            return scale_gradient(p - y, "mean" if mean else "sum", None, dtype)


class AveragedClipped:
    """Predictions first; sparse or one-hot labels, told apart by ndim; clipped; a mean.

    The methods need no instance.

    Attributes
    ----------
    low, high : float
        1e-7 and 1 - 1e-7, between which the predictions are clipped. Both are read in the dtype of the predictions: in
        float32 the upper one is 1 - 2**-23, in float16 it is 1.
    """

    low = 1e-7
    high = 1.0 - 1e-7

    @staticmethod
    def forward(predictions: ArrayLike, labels: ArrayLike) -> Any:
        """Return one loss a row, -log of the clipped prediction of its label, in nats.

        Parameters
        ----------
        predictions : array_like, shape (n, m)
            Probabilities. They are not checked: the clip is this style's answer to all of them, and nan stays nan.
        labels : array_like
            Sparse, shape (n,), integers; or one-hot, shape (n, m). For dense rows the loss is
            -log(sum of y_j p_j), which is the cross-entropy only where the row is one-hot.

        Returns
        -------
        ndarray, shape (n,), in the dtype of the predictions

        Examples
        --------
        >>> AveragedClipped.forward([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]], [0, 1])
        array([0.35667494, 0.69314718])
        """
        return AveragedClipped._reduced(predictions, labels, "none")

    @staticmethod
    def calculate(predictions: ArrayLike, labels: ArrayLike) -> Any:
        """Return the mean of the losses of `forward`, a scalar; nan if there are no rows.

        Examples
        --------
        >>> float(AveragedClipped.calculate([[0.5, 0.5], [0.5, 0.5]], [[1, 0], [0, 1]]))
        0.6931471805599453
        """
        return AveragedClipped._reduced(predictions, labels, "mean")

    @staticmethod
    def gradient(predictions: ArrayLike, labels: ArrayLike) -> NDArray[np.floating[Any]]:
        """Return (p - y) / n, shape (n, m): the gradient of the mean with respect to the softmax's input.

        The p are those given, not the clipped ones.

        Examples
        --------
        >>> AveragedClipped.gradient([[0.5, 0.5], [0.25, 0.75]], [0, 1])
        array([[-0.25 ,  0.25 ],
               [ 0.125, -0.125]])
        """
        p, dtype = checks.scores(predictions, "predictions")
        with np.errstate(all="ignore"):
            return scale_gradient(p - _one_hot(labels, *p.shape), "mean", None, dtype)

    @staticmethod
    def _reduced(predictions: ArrayLike, labels: ArrayLike, reduction: str) -> Any:
        p, dtype = checks.scores(predictions, "predictions")
        low, high = np.array([AveragedClipped.low, AveragedClipped.high], dtype).astype(np.float64)
        with np.errstate(all="ignore"):
            clipped = np.clip(p, low, high)
            if np.asarray(labels).ndim == 1:
                chosen = clipped[np.arange(len(p)), checks.sparse_labels(labels, *p.shape)]
            else:
                chosen = (clipped * checks.dense_labels(labels, *p.shape)).sum(axis=1)
            return reduce_losses(0.0 - np.log(chosen), reduction, dtype)


def _checked(labels: ArrayLike, probabilities: ArrayLike) -> tuple[Doubles, Doubles, np.dtype[Any]]:
    """Return binary labels and stochastic rows, or raise ValueError."""
    p, dtype = checks.scores(probabilities, "probabilities")
    y = checks.dense_labels(labels, *p.shape)
    if not ((y == 0) | (y == 1)).all():
        raise ValueError("labels must be binary: each is 0 or 1.")
    checks.within_unit_interval(p)
    sums, tolerance = p.sum(axis=1), checks.stochastic_tolerance(p.shape[1], dtype)
    if not (np.abs(sums - 1.0) <= tolerance).all():
        row = int(np.argmax(~(np.abs(sums - 1.0) <= tolerance)))
        raise ValueError(f"probabilities[{row}] sum to {sums[row]}, but must sum to 1 within {tolerance:.1e}.")
    return y, p, dtype


def _one_hot(labels: ArrayLike, n: int, m: int) -> Doubles:
    """Return labels of either form as one-hot rows."""
    if np.asarray(labels).ndim != 1:
        return checks.dense_labels(labels, n, m)
    rows = np.zeros((n, m))
    rows[np.arange(n), checks.sparse_labels(labels, n, m)] = 1.0
    return rows
