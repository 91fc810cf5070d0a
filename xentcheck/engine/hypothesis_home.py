"""Where Hypothesis keeps its own files while xentcheck draws: never in the user's directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import configuration

from xentcheck.witnesses.compilation_cache import base_directory


@contextmanager
def elsewhere() -> Iterator[None]:
    """Have Hypothesis keep what it writes (no examples, but constants of modules) in the user's cache directory.

    The home of the user's own tests is theirs again afterwards. A directory that cannot be written does no harm.
    """
    own = configuration.storage_directory(intent_to_write=False).home_directory
    configuration.set_hypothesis_home_dir(base_directory() / "hypothesis")
    try:
        yield
    finally:
        configuration.set_hypothesis_home_dir(own)
