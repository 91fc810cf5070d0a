"""The file of waivers: read with one sentence for each mistake, written whole or not at all."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from xentcheck.contract.harmless import harmless
from xentcheck.contract.nearest import nearest
from xentcheck.report.files import write_whole
from xentcheck.report.finding import Finding
from xentcheck.report.waiver_table import DEADLY, WaiverError, deadly, waiver
from xentcheck.report.waivers import Waiver

NAME = "xentcheck-waivers.toml"
TABLE = "waiver"
_HEAD = """\
# Findings of xentcheck that are known and accepted. `xentcheck waive report.json` writes them, and
# `xentcheck check --waivers FILE` reads them. What is read: reason (why it is accepted), versions (of the target's
# package, such as ">=1.2,<2") and expires (a date) are yours to change; the rest tells the finding from any other.
"""


def read(path: str | Path) -> tuple[Waiver, ...]:
    """Return the waivers of a file; raises WaiverError."""
    try:
        return parsed(Path(path).read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise WaiverError(f"The waivers {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise WaiverError(f"The waivers {path} cannot be read: the file is not UTF-8 text.") from None


def parsed(text: str, path: str) -> tuple[Waiver, ...]:
    """Return the waivers that a text holds, which `path` is said to be; raises WaiverError."""
    try:
        stated = tomllib.loads(text)
    except RecursionError:
        raise WaiverError(f"The waivers {path} cannot be read: they are nested too deeply.") from None
    except ValueError as error:
        raise WaiverError(f"The waivers {path} cannot be read: {harmless(str(error)).rstrip('.')}.") from None
    for key in stated:
        if key != TABLE:
            raise WaiverError(f"{path} has a key {key!r}{nearest(key, [TABLE])}; waivers are tables [[{TABLE}]].")
    tables = stated.get(TABLE, [])
    if not isinstance(tables, list):
        raise WaiverError(f"{path} has one table [{TABLE}]; write [[{TABLE}]], of which there may be several.")
    return tuple(waiver(table, f"Waiver {place} of {path}") for place, table in enumerate(tables, 1))


def of_finding(target: str, finding: Finding, reason: str, versions: str, expires: date | None) -> list[dict[str, Any]]:
    """Return the tables that waive a finding, and what is beneath it.

    Raises
    ------
    WaiverError
        Where nothing tells the finding from others: it has no batch, or is of a report that does not say what happened.
    """
    tables = []
    for one in (finding, *finding.also):
        if not one.batch or not one.event:
            raise WaiverError(
                f"The finding on {one.property} cannot be waived: the report has no batch of it, or was written by an "
                "earlier version; judge the target again."
            )
        if deadly(one.event):
            raise WaiverError(f"The finding on {one.property}: {DEADLY}")
        table = {"target": target, "law": one.property, "reason": reason, "versions": versions, "expires": expires}
        kept = ("dtype", "labels", "mechanism", "cause", "event", "part", "got", "upstream", "vector", "tangent")
        table |= {name: getattr(one, name) for name in kept}
        table["batch"] = json.dumps(one.batch, ensure_ascii=True, allow_nan=False)
        tables.append({name: value for name, value in table.items() if value not in ("", None)})
    return tables


def append(path: Path, tables: Sequence[Mapping[str, Any]]) -> None:
    """Add tables to a file, which is made if it is not there; its comments stay.

    Raises
    ------
    WaiverError
        If the file is there and cannot be used: it is left as it is.
    OSError
        If it cannot be written.
    """
    before = ""
    if path.exists():
        read(path)
        before = path.read_text(encoding="utf-8")
    text = (before or _HEAD).rstrip("\n") + "\n" + "".join(f"\n{_table(table)}" for table in tables)
    parsed(text, str(path))
    write_whole(path, text)


def _table(table: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in table.items()]
    return "\n".join([f"[[{TABLE}]]", *lines]) + "\n"


def _value(value: Any) -> str:
    """Return a value as TOML, on one line."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        return repr(value)  # inf and nan as TOML has them
    if isinstance(value, str) and value.isascii() and value.isprintable() and "'" not in value and '"' in value:
        return f"'{value}'"
    text = value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
