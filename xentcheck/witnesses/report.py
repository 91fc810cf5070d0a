"""How a witness compares with the enclosures: how many values, how many within their radius, the worst."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


class WitnessTally:
    """Counts of one witness's agreement with the enclosures.

    Parameters
    ----------
    name, note : str
        What the report calls the witness, and what else it says of it.

    Attributes
    ----------
    compared, agreed : int
        Values held against an enclosure, and those of them no further from it than their radius.
    worst : float
        The largest distance from an enclosure as a multiple of the radius: up to 1 is agreement. inf where a value
        is infinite or nan and should not be, or the other way round.
    worst_at : str
        Where that was: the `at` and the index; "" while nothing has left its enclosure.
    """

    def __init__(self, name: str, note: str = "") -> None:
        self.name = name
        self.note = note
        self.compared = 0
        self.agreed = 0
        self.worst = 0.0
        self.worst_at = ""

    def hold(self, value: ArrayLike, radius: ArrayLike, low: ArrayLike, high: ArrayLike, at: str = "") -> bool:
        """Hold values against enclosures and return whether all agree.

        Parameters
        ----------
        value : array_like
            What the witness says.
        radius : array_like
            How far from the exact value it may be. Values whose radius is inf or nan are not compared.
        low, high : array_like
            The enclosures; nan, or infinite at both ends, where the exact value is.
        at : str
            The batch and the part, for `worst_at`.
        """
        got, allowed, below, above = np.broadcast_arrays(
            *(np.asarray(item, np.float64) for item in (value, radius, low, high))
        )
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            distance = np.maximum(np.maximum(below - got, got - above), 0.0)
            inside = ((below <= got) & (got <= above)) | (np.isnan(below) & np.isnan(got))
            times = np.where(inside, 0.0, np.where(np.isnan(distance), np.inf, distance / allowed))
        times = np.where(np.isfinite(allowed), times, -1.0)
        compared = times >= 0.0
        agreed = compared & (times <= 1.0)
        self.compared += int(compared.sum())
        self.agreed += int(agreed.sum())
        if times.size > 0 and times.max() > self.worst:
            self.worst = float(times.max())
            index = np.unravel_index(int(times.argmax()), times.shape)
            self.worst_at = f"{at}[{', '.join(map(str, index))}]" if index else at
        return bool((agreed == compared).all())

    def as_mapping(self) -> dict[str, Any]:
        """Return name, compared, agreed, worst, worst_at and note."""
        return {
            "name": self.name,
            "compared": self.compared,
            "agreed": self.agreed,
            "worst": self.worst,
            "worst_at": self.worst_at,
            "note": self.note,
        }
