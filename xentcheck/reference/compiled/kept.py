"""Machine code that is kept from process to process, where a directory for it is named.

numba's own way of keeping it does not do here. What it goes by is the time and the size of one file, which are the same
in two wheels, and the variables of the function, among which functions that are compiled too are new in each process.
Here the directory has a digest of all sources of this package and of numba's version in its name, and the signature
says what else there is to say: the variables follow from its dtype.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

VARIABLE = "XENTCHECK_COMPILED_DIR"
"""Names the directory; without it nothing is written."""


def compiled(function: Callable[..., Any], signature: Any, **options: Any) -> Any:
    """Return a function compiled by numba for a signature, or what an earlier process has made of it."""
    import numba

    directory = os.environ.get(VARIABLE)
    if directory:
        with suppress(Exception):  # a directory that cannot be written, another version of numba: it is an extra
            return _kept(function, signature, Path(directory), options)
    return numba.njit(signature, **options)(function)


def _kept(function: Callable[..., Any], signature: Any, directory: Path, options: dict[str, Any]) -> Any:
    import numba
    from numba.core.caching import FunctionCache

    class Cache(FunctionCache):  # type: ignore[misc]
        def _index_key(self, sig: Any, codegen: Any) -> Any:
            return sig, codegen.magic_tuple()

    own = directory / _digest(numba.__version__)
    own.mkdir(parents=True, exist_ok=True)  # else numba keeps it beside the sources, by its own way
    found = numba.njit(**options)(function)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(own)
    try:
        found._cache = Cache(function)
    finally:
        numba.config.CACHE_DIR = before
    if own not in Path(found._cache.cache_path).parents:
        raise PermissionError(own)
    found.compile(signature)
    found.disable_compile()
    return found


def _digest(version: str) -> str:
    """Return a digest of the sources and of numba's version."""
    of_all = hashlib.sha256(version.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        of_all.update(path.read_bytes())
    return of_all.hexdigest()[:16]
