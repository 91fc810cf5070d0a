"""Where jax's compiled programs are kept from run to run."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from pathlib import Path

VARIABLE = "XENTCHECK_CACHE_DIR"


def default_cache_directory() -> Path:
    """Return $XENTCHECK_CACHE_DIR/jax-..., or jax-... in the user's cache directory for xentcheck.

    The last part names the processor: compiled programs use its instructions, and home directories are shared by
    machines that do not have the same ones.
    """
    return base_directory() / f"jax-{_processor()}"


def base_directory() -> Path:
    """Return $XENTCHECK_CACHE_DIR, or the user's cache directory for xentcheck."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_cache_dir("xentcheck", appauthor=False))


def use_cache(directory: Path) -> bool:
    """Point jax's persistent compilation cache at `directory`, in this process; False if it cannot be written."""
    if not _writable(directory):
        return False
    import jax

    jax.config.update("jax_compilation_cache_dir", str(directory))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return True


def _writable(directory: Path) -> bool:
    """Whether a file can be made in the directory, which is created if need be."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def _processor() -> str:
    """Return a short digest of the machine's architecture and its processor's features."""
    features = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        features = next((line for line in lines if line.lower().startswith(("flags", "features"))), features)
    except OSError:
        pass
    return hashlib.sha256(f"{platform.machine()} {features}".encode()).hexdigest()[:12]
