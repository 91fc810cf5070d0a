"""Makes the helper modules of this folder importable however pytest is started."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = str(Path(__file__).parents[3])
if _ROOT not in sys.path:
    # Last, so that an installed package is still the one under test.
    sys.path.append(_ROOT)
