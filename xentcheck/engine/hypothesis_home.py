"""What Hypothesis takes from the user's project, and leaves there, while xentcheck draws: nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from hypothesis import configuration
from hypothesis.internal.conjecture import providers

from xentcheck.witnesses.compilation_cache import base_directory


@contextmanager
def elsewhere() -> Iterator[None]:
    """Have Hypothesis draw from nothing but the seed, and keep its files in the user's cache directory.

    It would now and then draw a constant that it found in the source of a module of the project: the batches of a
    seed would depend on what else has been imported. Everything is the user's own tests' again afterwards. A directory
    that cannot be written does no harm.
    """
    kept: Any = configuration.storage_directory(intent_to_write=False)  # a path, in earlier versions of Hypothesis
    own = getattr(kept, "home_directory", kept)
    configuration.set_hypothesis_home_dir(base_directory() / "hypothesis")
    try:
        with _no_constants_of_modules():
            yield
    finally:
        configuration.set_hypothesis_home_dir(own)


@contextmanager
def _no_constants_of_modules() -> Iterator[None]:
    """Hide the constants of the user's modules; versions of Hypothesis that do not look for any have no such names."""
    inner: Any = providers
    with ExitStack() as hidden:
        if hasattr(inner, "_get_local_constants"):
            hidden.enter_context(patch.object(inner, "_get_local_constants", inner.Constants))
            # Those that a choice may take are kept, of both kinds together.
            hidden.enter_context(patch.object(inner, "CONSTANTS_CACHE", inner.LRUCache(1024)))
        yield
