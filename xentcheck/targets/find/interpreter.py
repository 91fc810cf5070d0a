"""The interpreter that a target runs in, where that is another one than this: asked what it is."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from xentcheck.contract.harmless import harmless
from xentcheck.processes.supervised import Supervised
from xentcheck.targets.errors import TargetError

OLDEST = (3, 8)
_PATIENCE = 30.0  # seconds for an interpreter to import numpy; the first time, from a slow disk
_LONGEST_ANSWER = 2**16  # bytes
_LONGEST_VERSION = 40
_MARK = b"\nxentcheck:"
# What this interpreter was told of where its modules are, none of which is any other's business.
_OF_THIS_ONE = ("PYTHONPATH", "PYTHONHOME", "PYTHONEXECUTABLE", "PYTHONPLATLIBDIR", "__PYVENV_LAUNCHER__")
# Any Python has to understand it, and a shell must not: what it calls `import` takes pictures of the screen. An `if`
# without its `then` is read to the end and never carried out.
_QUESTION = f"""if 1:
    import sys
    sys.path[:] = [entry for entry in sys.path if entry]
    import json
    told = {{"version": list(sys.version_info[:3]), "numpy": "", "failure": "", "missing": []}}
    if sys.version_info >= {OLDEST}:
        try:
            import numpy
            told["numpy"] = numpy.__version__
        except BaseException as error:
            told["failure"] = type(error).__name__ + ": " + str(error)
        from importlib.util import find_spec
        told["missing"] = [name for name in sys.argv[1:] if find_spec(name) is None]
    sys.stdout.write("\\nxentcheck:" + json.dumps(told) + "\\n")
    sys.stdout.flush()
"""


@dataclass(frozen=True)
class Interpreter:
    """Another interpreter than this one, in which a target runs.

    Parameters
    ----------
    path : str
    python : str
        Its version.
    packages : mapping
        Name to version: numpy, and what else the target has imported.
    """

    path: str
    python: str
    packages: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return how a report names it."""
        return f"Python {self.python} with numpy {self.packages.get('numpy', '')} ({harmless(self.path, 300)})"


@cache
def asked(path: str, modules: tuple[str, ...] = ()) -> tuple[Interpreter, tuple[str, ...]]:
    """Ask an interpreter what it is; once in the life of this process.

    Parameters
    ----------
    path : str
        As `interpreter_path.interpreter_path` returns it.
    modules : tuple of str
        Top modules that the target needs.

    Returns
    -------
    interpreter : Interpreter
    missing : tuple of str
        Those of the modules that it has not.

    Raises
    ------
    TargetError
        If it is no Python, too old a one, or has no numpy.
    """
    told = _answer(path, modules)
    version = ".".join(map(str, told["version"]))
    if tuple(told["version"]) < OLDEST:
        raise TargetError(f"The interpreter {path} is Python {version}, but a target needs Python 3.8 or a newer one.")
    if told["failure"].startswith("ModuleNotFoundError: No module named 'numpy'"):
        raise TargetError(
            f"The interpreter {path}, Python {version}, has no numpy, which is needed beside any target; "
            f"use {path} -m pip install numpy."
        )
    if told["failure"]:
        raise TargetError(f"The interpreter {path}, Python {version}, cannot import numpy: {told['failure'][:300]}.")
    numpy = harmless(told["numpy"], _LONGEST_VERSION)
    return Interpreter(path, version, {"numpy": numpy}), tuple(name for name in modules if name in told["missing"])


def environment_of(path: str) -> dict[str, str]:
    """Return the environment for an interpreter: for another one without what only concerns this one."""
    return {name: value for name, value in os.environ.items() if not path or name not in _OF_THIS_ONE}


def _answer(path: str, modules: Sequence[str]) -> dict[str, Any]:
    """Return what an interpreter says of itself; raises TargetError if it says nothing of the kind."""
    said, ended = _output([path, "-c", _QUESTION, *modules], path)
    _, mark, answer = said.rpartition(_MARK)
    with contextlib.suppress(ValueError, LookupError, TypeError):
        told = json.loads(answer.partition(b"\n")[0]) if mark else {}
        texts = (told["numpy"], told["failure"], *told["missing"])
        if all(type(part) is int for part in told["version"]) and all(isinstance(text, str) for text in texts):
            return dict(told)
    if not ended:
        raise TargetError(f"The interpreter {path} is no Python, or hangs: no answer within {_PATIENCE:g} s.")
    words = said.decode(errors="replace").strip().splitlines()
    first = f"; its first words: {words[0][:100].strip().rstrip('.')}" if words else ""
    raise TargetError(f"The interpreter {path} is no Python: asked for its version, it does not tell one{first}.")


def _output(command: Sequence[str], path: str) -> tuple[bytes, bool]:
    """Return what a command prints, and whether it came to an end; nothing of it is left afterwards."""
    read, write = os.pipe()
    ours, theirs = socket.socketpair()
    said, ended = b"", False
    with os.fdopen(read, "rb", 0) as output, ours, theirs:
        with os.fdopen(write, "wb", 0) as given:
            running = Supervised(command, theirs.fileno(), environment_of(path), given)
        until = time.monotonic() + _PATIENCE
        try:
            while len(said) < _LONGEST_ANSWER and _MARK not in said[: said.rfind(b"\n")]:
                ready, _, _ = select.select([output], [], [], max(0.0, until - time.monotonic()))
                more = output.read(_LONGEST_ANSWER) if ready else b""
                ended = bool(ready) and not more
                if not more:
                    break
                said += more
        finally:
            running.end()
    return said, ended or bool(said)
