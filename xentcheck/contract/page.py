"""The tables of docs/contract.md, made from the records: ``python -m xentcheck.contract.page docs/contract.md``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from xentcheck.contract.declaration import GROUPS
from xentcheck.contract.key import records

HEAD = "| key | values | meaning | example |\n| --- | --- | --- | --- |\n"


def rewritten(text: str) -> str:
    """Return the page with the table under the heading of each group of keys as the records have it.

    Raises
    ------
    ValueError
        If a group has no heading with a table below it.
    """
    for group in GROUPS:
        heading = f"## {(group.__doc__ or '').rstrip('.')}\n"
        rows = [f"| `{one.name}` | {one.words} | {one.meaning} | `{one.example}` |\n" for one in records(group)]
        table = heading + HEAD + "".join(rows)
        text, found = re.subn(f"(?m)^{re.escape(heading)}(\\|.*\n)+", table.replace("\\", r"\\"), text)
        if found != 1:
            raise ValueError(f"The page has {found} tables under {heading.strip()!r}, but should have one.")
    return text


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(rewritten(page.read_text(encoding="utf-8")), encoding="utf-8")
