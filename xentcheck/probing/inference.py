"""What was inferred of a target: each key with its evidence, what cannot be told, what contradicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xentcheck.contract import Contract
from xentcheck.contract.declaration import KEYS

SCHEMA = "xentcheck-probe/1"


@dataclass(frozen=True)
class Finding:
    """One key of the contract.

    Parameters
    ----------
    key : str
    status : {"told", "untold", "contradicted"}
    value : object
        In its JSON form; None where it is not told.
    evidence : str
        What was asked and what came back, or why it cannot be told.
    also : tuple
        Values that what was asked cannot tell from this one.
    """

    key: str
    status: str
    value: Any = None
    evidence: str = ""
    also: tuple[Any, ...] = ()

    def as_mapping(self) -> dict[str, Any]:
        """Return it in JSON types."""
        return {
            "key": self.key,
            "status": self.status,
            "value": self.value,
            "evidence": self.evidence,
            "also": list(self.also),
        }


@dataclass
class Inference:
    """All that was inferred of one target.

    Parameters
    ----------
    name, location : str
    callables : dict
        The callables that were given by a location: role to location.
    findings : dict of str to Finding
        By key, in the order in which they were told.
    structure : dict of str to Finding
        Where no convention explains the answers: how the target is called and read all the same.
    required : dict of str to str
        The options without which the target cannot be called: key to the argument's name.
    ignored_by : str
        The setting of the target's object that says which label is ignored, where it is the one that is told; or "".
    classes : int
        The only number of classes that is answered; 0 where others are, too.
    notes : list of str
        What was seen and is no key of a contract.
    calls : int
        How often the target was asked.
    seconds : float
    """

    name: str
    location: str
    callables: dict[str, str] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
    structure: dict[str, Finding] = field(default_factory=dict)
    required: dict[str, str] = field(default_factory=dict)
    ignored_by: str = ""
    classes: int = 0
    notes: list[str] = field(default_factory=list)
    calls: int = 0
    seconds: float = 0.0

    def tell(self, key: str, value: Any, evidence: str, also: tuple[Any, ...] = ()) -> None:
        """Note what a key is."""
        self.findings[key] = Finding(key, "told", KEYS[key].to_json(KEYS[key].read(key, value)), evidence, also)

    def suppose(self, key: str, value: Any, evidence: str) -> None:
        """Note what a key is of a target whose answers no convention explains."""
        self.structure[key] = Finding(key, "told", value, evidence)

    def cannot_tell(self, key: str, why: str) -> None:
        """Note that a key cannot be told."""
        self.findings[key] = Finding(key, "untold", None, why)

    def contradict(self, key: str, why: str) -> None:
        """Note that no value of a key gives what came back."""
        self.findings[key] = Finding(key, "contradicted", None, why)

    @property
    def told(self) -> dict[str, Any]:
        """The keys that are told, with their JSON values."""
        return {key: one.value for key, one in self.findings.items() if one.status == "told"}

    @property
    def contract(self) -> Contract:
        """The contract that they make; what is not told has its default."""
        return Contract.from_mapping(self.told)

    @property
    def contradictions(self) -> list[Finding]:
        """The keys that no convention explains."""
        return [one for one in self.findings.values() if one.status == "contradicted"]

    def as_mapping(self) -> Mapping[str, Any]:
        """Return the JSON report."""
        return {
            "schema": SCHEMA,
            "target": {"name": self.name, "location": self.location},
            "contract": self.told,
            "keys": [one.as_mapping() for one in self.findings.values()],
            "notes": list(self.notes),
            "calls": self.calls,
            "seconds": round(self.seconds, 3),
        }
