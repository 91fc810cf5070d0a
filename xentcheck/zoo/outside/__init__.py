"""Bugs from outside: written by those who had read the contract's documentation and nothing else of xentcheck.

On them the diagnosis is measured, since on the zoo itself its hypotheses were tuned. The keys of the mechanisms were
given by reading each bug beside the sentences that the hypotheses tell, before any bug of the set was judged; a key
that no hypothesis has means that whatever is told of that bug is wrong. A set on which a hypothesis has been tuned is
no measure any more, and a new one is due: docs/zoo.md says how each figure was obtained.
"""

from __future__ import annotations

from xentcheck.zoo.outside import (
    first_gradients,
    first_logits,
    first_options,
    first_reports,
    fourth_strangers,
    fourth_unseen,
    second_threads,
    second_working,
    third_authors,
    third_threads,
)
from xentcheck.zoo.specimen import Specimen, specimens_of

_SETS = {
    "first": (first_logits, first_gradients, first_options, first_reports),  # of 2026-11-28; tuned on since
    "second": (second_working, second_threads),  # of 2026-11-28, written after that, and tuned on a little
    "third": (third_authors, third_threads),  # of 2026-11-28, judged once, after all tuning
    "fourth": (
        fourth_unseen,
        fourth_strangers,
    ),  # of 2026-11-29 and 30: the kinds that were new, on which the diagnosis has been tuned since
}
OUTSIDE: dict[str, tuple[Specimen, ...]] = {
    name: tuple(specimen for module in modules for specimen in specimens_of(module)) for name, modules in _SETS.items()
}
