"""What mistake would give just the values that a target returned: a name for it, where the pattern is known.

The door is `Diagnosis`: from a violation, and a target that may be asked for more, to a `Cause`.
"""

from __future__ import annotations

from xentcheck.diagnosis.cause import Cause
from xentcheck.diagnosis.evidence import observed
from xentcheck.diagnosis.mechanism import Explanation
from xentcheck.diagnosis.naming import UNSTEADY, Diagnosis
from xentcheck.diagnosis.nearby_batches import variations
from xentcheck.diagnosis.observation import STRICT, Observation
from xentcheck.diagnosis.second import SecondHost

__all__ = [
    "STRICT",
    "UNSTEADY",
    "Cause",
    "Diagnosis",
    "Explanation",
    "Observation",
    "SecondHost",
    "observed",
    "variations",
]
