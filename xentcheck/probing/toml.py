"""An inference as TOML, ready to paste: each key with its evidence as a comment above it."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from xentcheck.contract.declaration import KEYS
from xentcheck.contract.project import toml_key
from xentcheck.probing.inference import Finding, Inference

_WIDTH = 118


def as_toml(inference: Inference, name: str = "") -> str:
    """Return the contract as TOML that `--contract-file` reads, or as tables of pyproject.toml.

    Parameters
    ----------
    inference : Inference
    name : str
        Of the target in pyproject.toml; "" for the keys alone.
    """
    lines = _comment(f"Inferred by `xentcheck probe` from {inference.calls} calls of {inference.location}.")
    if name:
        header = toml_key(name)
        lines.append(f"[tool.xentcheck.targets.{header}]")
        lines += [f"{role} = {_value(location)}" for role, location in inference.callables.items()]
        lines += [f"[tool.xentcheck.targets.{header}.contract]"]
    for one in inference.findings.values():
        if one.status == "told":
            lines += ["", *_told(one)]
    lines += _list("Cannot be told", [one for one in inference.findings.values() if one.status == "untold"])
    lines += _list("Contradictions", inference.contradictions)
    if inference.notes:
        lines += ["", "# Seen beside that:", *(line for note in inference.notes for line in _comment(f"- {note}"))]
    return "\n".join(lines) + "\n"


def _told(one: Finding) -> list[str]:
    also = f" Not told from {', '.join(_value(value) for value in one.also)}." if one.also else ""
    lines = _comment(f"{one.evidence}.{also}")
    if one.value is None:
        return [*lines, f"# {one.key} is none, which is the default"]
    default = KEYS[one.key].to_json(KEYS[one.key].default)
    return [*lines, f"{one.key} = {_value(one.value)}{'  # the default' if one.value == default else ''}"]


def _list(title: str, findings: list[Finding]) -> list[str]:
    if not findings:
        return []
    return ["", f"# {title}:", *(line for one in findings for line in _comment(f"- {one.key}: {one.evidence}"))]


def _comment(text: str) -> list[str]:
    flat = " ".join(text.split())
    return textwrap.wrap(flat, _WIDTH, initial_indent="# ", subsequent_indent="#   ", break_long_words=False)


def _value(value: Any) -> str:
    """Return a JSON value as TOML, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)
