"""One table of a file of waivers: what cannot be read is refused, and so is what no finding could ever match."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from xentcheck.batches.input_space import BatchError
from xentcheck.batches.storage import digest, from_mapping
from xentcheck.contract.harmless import harmless
from xentcheck.contract.keys_inputs import LABEL_FORMS
from xentcheck.contract.keys_loss import OUTPUTS
from xentcheck.contract.nearest import nearest
from xentcheck.contract.values import DTYPES
from xentcheck.properties.registry import LAWS
from xentcheck.report.waivers import Waiver, element
from xentcheck.targets.outcome import PARTS

DEADLY = (
    "what ends the target's process cannot be waived, since the rest is not judged after it; "
    "narrow the contract instead (domain, dtypes)."
)
_FIELDS = {field.name: field for field in fields(Waiver) if field.name != "digest"}
_TEXTS = ("target", "law", "dtype", "labels", "reason", "event", "part", "mechanism", "cause", "versions")
_WORDS = {
    "law": tuple(law.name for law in LAWS),
    "dtype": DTYPES,
    "labels": LABEL_FORMS,
    "part": tuple(dict.fromkeys((*PARTS, *OUTPUTS))),
}
"""What a field may be, of which a finding has no other."""


class WaiverError(ValueError):
    """A file of waivers that cannot be used; the message is one sentence."""


def deadly(event: str) -> bool:
    """Return whether the target's process ended."""
    return event.startswith("ended") or event.endswith(": ended")


def waiver(table: Any, where: str) -> Waiver:
    """Return the waiver that a table states, which messages call `where`; raises WaiverError."""
    if not isinstance(table, Mapping):
        raise WaiverError(f"{where} is {harmless(repr(table), 60)}, but must be a table.")
    for key in table:
        if key not in _FIELDS:
            meant = nearest(key, list(_FIELDS))
            raise WaiverError(f"{where} has a key {key!r}{meant}; the keys are {', '.join(_FIELDS)}.")
    if not str(table.get("reason", "")).strip():
        raise WaiverError(f"{where} has no reason; say why the finding is accepted.")
    for name, field in _FIELDS.items():
        if name not in table and field.default is MISSING:
            raise WaiverError(f"{where} has no {name!r}; `xentcheck waive` writes all that is needed.")
        if name in _TEXTS and not isinstance(table.get(name, ""), str):
            raise WaiverError(f"{where}: {name} is {harmless(repr(table[name]), 60)}, but must be a text.")
    _require_words(table, where)
    expires = table.get("expires")
    if expires is not None and (isinstance(expires, datetime) or not isinstance(expires, date)):
        raise WaiverError(f"{where}: expires is {harmless(repr(expires), 60)}, but must be a date such as 2027-01-31.")
    _require_range(table.get("versions", ""), where)
    try:
        batch = json.loads(table["batch"])
        mark = digest(from_mapping(batch))
    except (BatchError, ValueError, TypeError, RecursionError) as error:
        said = harmless(str(error).partition(": line")[0]).rstrip(".")
        raise WaiverError(f"{where}: its batch cannot be read: {said}.") from None
    if deadly(table["event"]):
        raise WaiverError(f"{where}: {DEADLY}")
    for name in ("upstream", "vector", "tangent"):
        if name in table and not _is_array(table[name]):
            raise WaiverError(f"{where}: {name} is {harmless(repr(table[name]), 60)}, but must hold numbers.")
    got = table.get("got")
    if isinstance(got, bool) or not isinstance(got, (int, float, str, type(None))):
        raise WaiverError(f"{where}: got is {harmless(repr(got), 60)}, but must be a number or a text.")
    return Waiver(**{**table, "batch": batch, "digest": mark, "got": float(got) if isinstance(got, int) else got})


def _require_words(table: Mapping[str, Any], where: str) -> None:
    """Refuse a word that no finding has in its place."""
    for name, words in _WORDS.items():
        word = element(table.get(name, ""))
        if word not in words and (word or name != "part"):
            known = "`xentcheck properties` lists the names" if name == "law" else f"it may be {', '.join(words)}"
            raise WaiverError(f"{where}: {name} is {harmless(repr(word), 60)}{nearest(word, words)}; {known}.")


def _require_range(versions: str, where: str) -> None:
    """Refuse what is no range of versions, or one in which no version is."""
    try:
        stated = SpecifierSet(versions)
    except InvalidSpecifier:
        raise WaiverError(f"{where}: versions is {versions!r}, but must be a range such as '>=1.2,<2'.") from None
    if not any(stated.contains(version, prereleases=True) for version in _around(stated)):
        raise WaiverError(f"{where}: no version is within {versions!r}, so that it would waive nothing.")


def _around(stated: SpecifierSet) -> Iterator[Version]:
    """Yield the versions where a range may begin, and those next to them: if none is inside it, no other is."""
    yield Version("0")
    for one in stated:
        try:
            end = Version(one.version.removesuffix(".*"))
        except InvalidVersion:  # === takes any text
            continue
        yield end
        release = end.release
        for place in range(len(release)):
            yield Version(".".join(map(str, (*release[:place], release[place] + 1))))
        yield Version(f"{'.'.join(map(str, release))}{'.0' * 8}.1")


def _is_array(value: Any) -> bool:
    """Return whether a value is a number, or a list of such values."""
    if isinstance(value, list):
        return all(map(_is_array, value))
    return isinstance(value, (int, float)) and not isinstance(value, bool)
