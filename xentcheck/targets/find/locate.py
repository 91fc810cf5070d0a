"""Finding what ``package.module:attribute`` and ``path/file.py:attribute`` name."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from types import ModuleType
from typing import Any

from xentcheck.contract.nearest import nearest
from xentcheck.targets.call.trace import innermost, kind_of, message_of
from xentcheck.targets.errors import TargetError


def split(location: str) -> tuple[str, str]:
    """Return module or file, and attribute; raises TargetError if the text is not of the form MODULE:ATTRIBUTE."""
    module, colon, attribute = location.rpartition(":")
    if not colon or not module or not attribute:
        bare = location.strip(":") or "mine.py"
        raise TargetError(f"{location!r} names no attribute; write {bare}:ATTRIBUTE, for example {bare}:loss.")
    if not all(part.isidentifier() for part in attribute.split(".")):
        raise TargetError(
            f"{attribute!r} in {location!r} is no attribute; write MODULE:ATTRIBUTE or FILE.py:ATTRIBUTE."
        )
    return module, attribute


def is_file(module: str) -> bool:
    """Whether the first half of a location names a file rather than a module."""
    return module.endswith(".py") or os.sep in module or "/" in module


def file_path(module: str, base: str) -> str:
    """Return the absolute path of a file; raises TargetError if there is none."""
    path = os.path.abspath(os.path.join(base, os.path.expanduser(module)))
    if not os.path.isfile(path):
        what = "is a directory, not a file" if os.path.isdir(path) else "does not exist"
        raise TargetError(f"The file {module} {what} (looked for {path}); give an existing path/file.py:attribute.")
    return path


def locate(location: str, base: str = ".", hint: str = "") -> Any:
    """Return the object that a location names, importing its module.

    Parameters
    ----------
    location : str
        "package.module:attribute" or "path/file.py:attribute"; attributes may be dotted. On the way a class is
        instantiated, without arguments, where the attribute after it is a method that needs an instance.
    base : str
        The directory that paths are relative to.
    hint : str
        Said after a failed import: how to install what is wanted.

    Raises
    ------
    TargetError
    """
    module_name, attribute = split(location)
    if is_file(module_name):
        module = _import_file(file_path(module_name, base), attribute, base)
    else:
        module = _import(module_name, hint)
    found: Any = module
    so_far = module_name
    for part in attribute.split("."):
        found = _attribute(found, part, so_far)
        so_far = f"{so_far}:{part}" if so_far == module_name else f"{so_far}.{part}"
    return found


def instance_of(class_: type, name: str) -> Any:
    """Return an instance of a class made without arguments; raises TargetError if it needs some."""
    try:
        inspect.signature(class_).bind()
    except TypeError as error:
        raise TargetError(
            f"The class {name} needs constructor arguments ({error}); name an instance of it or a function instead."
        ) from None
    except ValueError:
        pass  # Some classes written in C tell nobody their signature.
    try:
        return class_()
    except BaseException as error:
        raise TargetError(f"The class {name} cannot be instantiated without arguments: {_said(error)}.") from None


def needs_instance(class_: type, name: str) -> bool:
    """Whether an attribute of a class is a method that takes the instance first."""
    plain = inspect.getattr_static(class_, name, None)
    return not isinstance(plain, (staticmethod, classmethod)) and callable(plain)


def _attribute(owner: Any, name: str, shown: str) -> Any:
    if isinstance(owner, type) and hasattr(owner, name) and needs_instance(owner, name):
        owner = instance_of(owner, shown)
    try:
        return getattr(owner, name)
    except AttributeError:
        offered = [word for word in dir(owner) if not word.startswith("_")]
        raise TargetError(f"{shown} has no attribute {name!r}{nearest(name, offered)}.") from None
    except BaseException as error:
        raise TargetError(f"The attribute {name!r} of {shown} cannot be had: {_said(error)}.") from None


def _import(name: str, hint: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        absent = error.name is not None and f"{name}.".startswith(f"{error.name}.")
        missing = f"There is no module {error.name!r}" if absent else f"{name} could not be imported: {_said(error)}"
        advice = (
            f"install it with {hint}"
            if hint
            else "give a module that can be imported from here, or path/file.py:attribute"
        )
        raise TargetError(f"{missing}; {advice}.") from None
    except BaseException as error:
        advice = f"; install it with {hint}" if hint and isinstance(error, ImportError) else ""
        raise TargetError(f"{name} could not be imported: {_said(error)}{advice}.") from None


def _import_file(path: str, attribute: str, base: str) -> ModuleType:
    # A file is imported as Python would run it: its directory is importable for its neighbours.
    directory = os.path.dirname(path)
    if directory not in sys.path:
        sys.path.insert(0, directory)
    name = f"xentcheck_target_{os.path.basename(path)[:-3]}"
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__file__", None) == path:
        return loaded
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise TargetError(f"The file {path} is no Python file; give path/file.py:attribute.")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    try:
        specification.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        advice = ""
        if isinstance(error, ImportError) and "relative import" in str(error):
            folder, package = _package_of(directory)
            away = os.path.relpath(folder, base)
            place = "" if away == "." else f"from the folder {away}, "
            advice = f"; it is part of a package: {place}name it {package}.{os.path.basename(path)[:-3]}:{attribute}"
        raise TargetError(f"{os.path.basename(path)} could not be imported: {_said(error)}{advice}.") from None
    return module


def _package_of(directory: str) -> tuple[str, str]:
    """Return the folder that the package of a directory is imported from, and the package's whole name."""
    folder, package = os.path.split(directory)
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, outer = os.path.split(folder)
        package = f"{outer}.{package}"
    return folder, package


def _said(error: BaseException) -> str:
    """Return an exception in one line, with its place where that is in a file of the user's."""
    text = " ".join(message_of(error).split()).rstrip(".")[:300]
    where = innermost(error)
    place = f" ({where})" if where and not where.startswith("<") else ""
    return f"{kind_of(error)}: {text}{place}" if text else f"{kind_of(error)}{place}"
