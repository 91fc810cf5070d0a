"""Reports that were kept: a JSON file of one target, or of several."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from xentcheck.contract.harmless import harmless
from xentcheck.report import encoding
from xentcheck.report.report import Report

SEVERAL = "xentcheck-reports/1"


def several(reports: Sequence[Report], errors: Mapping[str, str]) -> str:
    """Return the JSON text of several reports, and why a target could not be used, by its name."""
    stated = {"schema": SEVERAL, "reports": [report.as_mapping() for report in reports], "errors": dict(errors)}
    return encoding.text(stated)


def reports_in(path: str) -> list[Report]:
    """Return the reports that `xentcheck check --json` wrote to a file.

    Raises
    ------
    ValueError
        With one sentence, for a file that cannot be read, or that holds no such report.
    """
    try:
        stated = encoding.parsed(Path(path).read_text(encoding="utf-8"))
        each = stated.get("reports") if stated.get("schema") == SEVERAL else [stated]
        if not isinstance(each, list) or not all(isinstance(one, dict) for one in each):
            raise ValueError("its key reports is no list of reports.")
        return [Report.from_mapping(one) for one in each]
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} cannot be read: it is not UTF-8 text.") from None
    except RecursionError:
        raise ValueError(f"{path} cannot be read: it is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} cannot be used: it is no JSON, or damaged from line {error.lineno} on ({error.msg})."
        ) from None
    except ValueError as error:
        raise ValueError(f"{path} cannot be used: {harmless(str(error).rstrip('.'))}.") from None
