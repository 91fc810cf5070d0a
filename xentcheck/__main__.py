"""``python -m xentcheck``."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        # The working directory, where any file may lie. If this package does, it is found by its own path.
        from os.path import abspath, dirname

        sys.path[:1] = []
        sys.path.append(dirname(dirname(abspath(__file__))))
    from xentcheck.cli.main import main

    sys.exit(main())
