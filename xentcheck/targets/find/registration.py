"""What is known of a registered target."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHIMS = "xentcheck.targets.shims"
REDUCTION = {"reduction": {"contract": "reduction"}}
"""The reduction that the contract names, passed in every call."""
ALL_DTYPES = ["float16", "bfloat16", "float32", "float64"]
NARROW = ["float16", "bfloat16", "float32"]


@dataclass(frozen=True)
class Registered:
    """A target known by name.

    Parameters
    ----------
    name, description : str
    loss : str
        Where it is: "module:attribute".
    contract : mapping
        As the library documents it, in the JSON form.
    gradient, value_and_gradient, vjp : str
        Where these are, or "".
    framework : str
        "numpy", or one of `call.frameworks.FRAMEWORKS`.
    package : str
        Whose version is reported, where it is not that of `loss`.
    requires : tuple of str
        Modules that must be importable.
    install : str
        How to install them: "pip install ...".
    python : str
        The newest Python that they run in, such as "3.9", where xentcheck needs a newer one: "" for any.
    keywords : mapping
        Arguments passed in every call; a value {"contract": KEY} is that of the contract.
    aliases : tuple of str
        Further names.
    expensive_shapes : bool
        Whether each new shape costs a compilation.
    tried : str
        Versions of its package that it was tried with, as in "2.13.0" or "3.14 to 3.15.1".
    documentation : str
        Where the library states what the contract holds it to.
    seen : mapping
        The keys of the contract that the documentation is silent about: what showed them.
    threads : mapping
        A mechanism, or a law, to where the library's developers speak of that finding.
    """

    name: str
    description: str
    loss: str
    contract: Mapping[str, Any]
    gradient: str = ""
    value_and_gradient: str = ""
    vjp: str = ""
    framework: str = "numpy"
    package: str = ""
    requires: tuple[str, ...] = ()
    install: str = ""
    python: str = ""
    keywords: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    expensive_shapes: bool = False
    tried: str = ""
    documentation: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)
    threads: Mapping[str, str] = field(default_factory=dict)

    @property
    def requirements(self) -> tuple[str, ...]:
        """What pip installs beside numpy: that of `install`, where it is no extra of xentcheck."""
        named = shlex.split(self.install.removeprefix("pip install").partition(",")[0])
        extra = any(one.startswith("xentcheck[") for one in named)
        return self.requires if extra else tuple(named)

    def advice(self, elsewhere: str = "") -> str:
        """Return how to install what it needs: in the interpreter of a path, here, or where `--venv` finds it."""
        if elsewhere:
            own = f"pip install {' '.join(self.requires)}"  # an extra of ours is of no use there
            return f"{elsewhere} -m {own if 'xentcheck[' in self.install else self.install}"
        if self.python:
            return f"python{self.python} -m venv ENV && ENV/bin/{self.install}, then --venv ENV"
        return self.install


def on_torch(package: str, install: str, tried: str, documentation: str) -> dict[str, Any]:
    """Return what is stated of each loss of a package that stands on torch, `install` being what pip calls it."""
    return {
        "framework": "torch",
        "package": package,
        "requires": ("torch", package),
        "install": f"pip install torch {install}",
        "tried": tried,
        "documentation": documentation,
    }
