"""The start of a process of ours: it imports what is meant, whatever lies in the working directory.

Called by its path, as ``python -P boot.py NUMBER MODULE PATH``: the folder of a script, the working directory and
what the parent has added to its path come last, if at all, and the package is that of this very file. Another
interpreter than the parent's is given nothing of the parent's path; it need not have this package, nor know ``-P``.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys


def command(module: str, number: int, python: str = "") -> list[str]:
    """Return the command of a process that imports a module of this package and calls its `main`.

    Parameters
    ----------
    module : str
    number : int
        Handed to `main`: a descriptor that it inherits, or the like.
    python : str
        The path of another interpreter than this one.
    """
    if python:
        return [python, "-u", os.path.abspath(__file__), str(number), module, "[]"]
    path = json.dumps([entry for entry in sys.path if entry])
    return [sys.executable, "-P", "-u", os.path.abspath(__file__), str(number), module, path]


def main() -> None:
    """Carry out the command line."""
    _, number, module, path = sys.argv
    if not getattr(sys.flags, "safe_path", False):  # Python 3.11 has it, and `-P`
        del sys.path[0]  # the folder of this file
    sys.path += [entry for entry in json.loads(path) if entry not in sys.path]
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    package = module.partition(".")[0]
    found = importlib.util.spec_from_file_location(package, os.path.join(home, "__init__.py"))
    assert found is not None
    assert found.loader is not None
    sys.modules[package] = importlib.util.module_from_spec(found)
    found.loader.exec_module(sys.modules[package])
    importlib.import_module(module).main(int(number))


if __name__ == "__main__":
    main()
