"""The commands around asv live beside the package and are not installed with it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# At the end: the package itself comes from where it is installed.
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))
