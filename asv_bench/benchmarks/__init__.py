"""The benchmarks that asv runs on every commit, one idea a module.

They must be importable on any commit, old ones too: asv gives up the whole suite for one import that fails. So
xentcheck is imported where it is called, by `subject`, and what a commit does not have fails in that benchmark alone.
"""

from __future__ import annotations

import ctypes


def _keep_freed_memory() -> None:
    """Have glibc give no memory back, so that no sample pays for the page faults of another.

    Without this, times of arrays of megabytes alternate by a factor of 2 between samples. It must happen before
    numpy allocates; elsewhere than on glibc nothing happens.
    """
    trim_threshold, mmap_max, most = -1, -4, 2**31 - 1
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    mallopt(mmap_max, 0)
    mallopt(trim_threshold, most)


_keep_freed_memory()
