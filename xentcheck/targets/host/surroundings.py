"""Whether a target has taken away what the code beside it stands on: built-in functions, and imported modules."""

from __future__ import annotations

import builtins
import sys


class Surroundings:
    """What the worker's own code stands on, as it was before the target was built."""

    def __init__(self) -> None:
        self._modules = dict(sys.modules)
        self._builtins = dict(vars(builtins))

    def damage(self) -> str:
        """Return in words what of it is gone or replaced, one thing of it; "" where all is as it was."""
        now = vars(builtins)
        for name, value in self._builtins.items():
            if now.get(name) is not value:
                return f"the built-in {name} was replaced"
        for name, module in self._modules.items():
            if sys.modules.get(name) is not module:
                return f"the module {name} was taken out of sys.modules, or another put in its place"
        return ""
