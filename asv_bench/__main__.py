"""``python -m asv_bench smoke``, ``gate``, ``history`` or ``publish``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from asv_bench.tools import gate, history, publish, smoke
from asv_bench.tools.errors import BrokenError

_COMMANDS = {"smoke": smoke, "gate": gate, "history": history, "publish": publish}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 fine, 1 found something, 2 could not do its work."""
    parser = argparse.ArgumentParser(prog="python -m asv_bench", description="Benchmarks across commits.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in _COMMANDS.items():
        description = (module.__doc__ or "").strip()
        first = description.partition("\n")[0]
        one = commands.add_parser(
            name, help=first, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        module.add_arguments(one)
    given = parser.parse_args(arguments)
    try:
        return _COMMANDS[given.command].run(given)
    except BrokenError as error:
        print(f"asv_bench {given.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
