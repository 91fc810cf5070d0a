"""Bugs from outside: written by people who had read the contract's documentation and nothing else of xentcheck.

On them the diagnosis is measured, since on the zoo itself its hypotheses were tuned. The keys of the mechanisms were
given by reading each bug and the sentences that hypotheses tell, before any was judged; a key that no hypothesis has
means that anything told of that bug is wrong. Once a hypothesis has been changed for the sake of one of these bugs the
set is no measure any more, and a new one is due; `WRITTEN` says when this one was.
"""

from __future__ import annotations

from xentcheck.zoo.outside import gradients, logits, reports
from xentcheck.zoo.specimen import Specimen, specimens_of

WRITTEN = "2026-11-28"
OUTSIDE: tuple[Specimen, ...] = tuple(
    specimen for module in (logits, gradients, reports) for specimen in specimens_of(module)
)
