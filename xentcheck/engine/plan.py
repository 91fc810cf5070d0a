"""How much is tried: profiles, and the cells (dtype and label form) that a run is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xentcheck.contract import Contract, ContractError
from xentcheck.contract.declaration import DTYPES


@dataclass(frozen=True)
class Profile:
    """How much a run tries.

    Parameters
    ----------
    name : str
    examples : int
        Batches drawn in all, shared by the cells; how long the sweep before them is, `batches.shapes` says.
    least : int
        Batches drawn in each cell at least.
    reductions : int
        Calls of a law that the reduction of one finding may spend.
    witnessed : int
        Batches that the witnesses are held against at most.
    """

    name: str
    examples: int
    least: int
    reductions: int
    witnessed: int


PROFILES = {
    "quick": Profile("quick", examples=24, least=2, reductions=150, witnessed=40),
    "standard": Profile("standard", examples=240, least=20, reductions=400, witnessed=256),
    "thorough": Profile("thorough", examples=20_000, least=1000, reductions=1500, witnessed=2048),
}


@dataclass(frozen=True)
class Cell:
    """One dtype and one label form."""

    dtype: str
    labels: str

    def __str__(self) -> str:
        """Return how progress names the cell."""
        return f"{self.dtype} {self.labels}"


def cells(contract: Contract, dtypes: Iterable[str] | None = None) -> tuple[Cell, ...]:
    """Return the cells that a contract promises, those in the given dtypes; raises ContractError for others.

    float64 and float32 come first, since most bugs show in any dtype and those two are the quickest to explain.
    """
    chosen = contract.dtypes if dtypes is None else tuple(dtypes)
    for dtype in chosen:
        if dtype not in contract.dtypes:
            known = "is not promised by the contract" if dtype in DTYPES else "does not exist"
            raise ContractError(f"The dtype {dtype!r} {known}, which has {', '.join(contract.dtypes)}.")
    order = [dtype for dtype in ("float64", "float32", "bfloat16", "float16") if dtype in chosen]
    return tuple(Cell(dtype, labels) for dtype in order for labels in contract.labels)


def drawn_in_each(profile: Profile, count: int) -> int:
    """Return how many batches are drawn in each of `count` cells."""
    return max(profile.least, profile.examples // max(count, 1))
