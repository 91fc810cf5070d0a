"""A hypothesis worked out for one problem."""

from __future__ import annotations

from dataclasses import dataclass

from xentcheck.diagnosis.loss_model import Floats


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a mistake would return on this very batch.

    Parameters
    ----------
    mechanism, sentence : str
        See Cause.
    value : ndarray of float64
        The predicted part.
    bits : float
        Evidence asked for beyond the least, in bits: the logarithm of how many values were tried for a free
        constant of the mechanism.
    exact : bool
        Whether the prediction was calculated in the target's arithmetic, so that it is to agree to a few ulp.
    variant : str
        The constant of a mechanism that has one; several batches speak for a mechanism only by the same constant.
    free : int
        How many constants were fitted to the values returned: as many numbers prove nothing.
    """

    mechanism: str
    sentence: str
    value: Floats
    bits: float = 0.0
    exact: bool = False
    variant: str = ""
    free: int = 0
