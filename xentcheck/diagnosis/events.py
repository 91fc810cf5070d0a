"""Mechanisms of what happened in place of wrong numbers: exceptions, side effects, shapes, accepted nonsense."""

from __future__ import annotations

from xentcheck.diagnosis.cause import Cause
from xentcheck.properties.law import Violation
from xentcheck.targets.outcome import hung

SIDE_EFFECTS = {
    "scores-changed": "An operation in place writes into the scores that were passed in; work on a copy.",
    "labels-changed": "An operation in place writes into the labels that were passed in; work on a copy.",
    "options-changed": "An operation in place writes into an option that was passed in; work on a copy.",
    "scores-altered": "The scores that were passed in are reshaped or protected in place; work on a view of them.",
    "labels-altered": "The labels that were passed in are reshaped or protected in place; work on a view of them.",
    "options-altered": "An option that was passed in is reshaped or protected in place; work on a view of it.",
    "vector-altered": "The vector that was passed in is reshaped or protected in place; work on a view of it.",
    "tangent-altered": "The tangent that was passed in is reshaped or protected in place; work on a view of it.",
    "tangent-changed": "An operation in place writes into the tangent that was passed in; work on a copy.",
    "vector-changed": "An operation in place writes into the vector that was passed in; work on a copy.",
    "upstream-changed": "An operation in place writes into the upstream gradient that was passed in; work on a copy.",
    "upstream-altered": "The upstream gradient is reshaped or protected in place; work on a view of it.",
    "second-backward-differs": "The backward pass overwrites what the forward pass has saved; allocate the gradient.",
    "graph-overwritten": "What the backward pass needs is kept where the next forward pass writes; keep it in `ctx`.",
    "loss-aliases-input": "A view of an input is returned as the loss; return a copy.",
    "gradient-aliases-input": "The gradient is made in the memory of an input; allocate it.",
    "hessian_vector-aliases-input": "The product is made in the memory of an input; allocate it.",
    "jvp-aliases-input": "The derivative along the tangent is made in the memory of an input; allocate it.",
    "earlier-result-changed": "The memory of an earlier result is used again; allocate the result of each call.",
    "errstate-changed": "numpy's error state is set and not restored; use `with np.errstate(...)`.",
    "numpy-replaced": "A name in numpy is bound anew, for all code that runs after it; bind one of the target's own.",
    "rounding-changed": "The processor's rounding mode is set and not restored.",
    "flushing-changed": "The processor is set to flush subnormal numbers to zero, for all code that runs after it.",
    "numpy-seed-changed": "numpy's global generator is seeded or drawn from; use a generator of the target's own.",
    "python-seed-changed": "Python's global generator is seeded or drawn from; use a generator of the target's own.",
}
_WRITES = ("written-to tensor refers to a single memory location", "is read-only")
"""Refusals of torch and numpy to write into the memory of another array."""


def event(law: str, violation: Violation) -> Cause | None:
    """Return the mechanism that a violation shows by itself, or None where its numbers have to be looked at.

    Parameters
    ----------
    law : str
        The law's name.
    violation : Violation
    """
    title, got = violation.title, str(violation.got)
    if law == "purity" or got in SIDE_EFFECTS:
        return Cause(got, SIDE_EFFECTS.get(got, "The call changes what is not its own."))
    if "raised from its loss" in title and violation.batch.layout != "C" and any(mark in title for mark in _WRITES):
        return Cause("scores-changed", SIDE_EFFECTS["scores-changed"])
    if "the process running the target ended" in title or "ends the process" in title:
        late = hung(got)
        text = "A loop does not end, or takes very long" if late else "The process ended within the call"
        return Cause("hang" if late else "crash", f"{text}, on a batch {_of(violation)}.")
    if law == "bad-input":
        what = title.partition(" is ")[0]
        return Cause("bad_input_accepted", f"Nothing refuses {what}: check the labels and shapes before they are used.")
    if " has shape " in title:
        what = title[title.index("has shape") :].replace("has shape", "shape")
        return Cause("wrong_shape", f"The result is reduced, squeezed or kept in another shape than declared: {what}.")
    if law == "precision" or " has dtype " in title:
        if violation.got is None:  # no floating-point number at all
            got = title.partition(" has dtype ")[2].partition(",")[0]
        return Cause("output_dtype", f"The result is converted to {got}, or was calculated in it; convert it back.")
    return None


def _of(violation: Violation) -> str:
    batch = violation.batch
    return f"of {batch.n} x {batch.m} in {batch.dtype}"
