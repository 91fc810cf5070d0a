"""``python -m xentcheck``."""

from __future__ import annotations

import sys

from xentcheck.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
