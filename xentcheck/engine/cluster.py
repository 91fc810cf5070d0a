"""A Dask cluster as the executor of a run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from xentcheck.contract.harmless import harmless
from xentcheck.targets import TargetError

PATIENCE = "10 s"


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """Give the executor of the cluster whose scheduler has an address, such as ``tcp://host:8786``.

    Its workers need xentcheck and the target installed as they are here. The threads of a worker judge one after the
    other, so that one thread a worker is best.

    Raises
    ------
    TargetError
        Where dask.distributed is not installed, or no scheduler answers, or it has no worker.
    """
    try:
        from distributed import Client
    except ImportError:
        raise TargetError("A scheduler needs dask.distributed: install xentcheck with its extra dask.") from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise TargetError(f"No Dask scheduler answers at {address}: {harmless(str(error), 200)}.") from None
    with client:
        if not client.ncores():
            raise TargetError(f"The Dask scheduler at {address} has no worker; start one with `dask worker {address}`.")
        yield client.get_executor(pure=False)
