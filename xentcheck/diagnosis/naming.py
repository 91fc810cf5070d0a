"""The likely mechanism of a finding: by what happened, by the state that a target keeps, or by its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.storage import same_content
from xentcheck.contract import Contract
from xentcheck.diagnosis.cause import Cause
from xentcheck.diagnosis.events import event
from xentcheck.diagnosis.evidence import Evidence, observed
from xentcheck.diagnosis.mechanism import likely_cause
from xentcheck.diagnosis.nearby_batches import LARGEST
from xentcheck.diagnosis.observation import MODELS, Observation
from xentcheck.diagnosis.refusals import refusal
from xentcheck.diagnosis.running import NEARBY, NONDETERMINISTIC, nearby, when_repeated
from xentcheck.diagnosis.second import SecondHost
from xentcheck.diagnosis.zeros import SILENCED, ZEROS, without_silenced, without_zeros
from xentcheck.properties.answer import Answer
from xentcheck.properties.case import Case
from xentcheck.properties.law import Law, Violation
from xentcheck.properties.side_effects import ALONE
from xentcheck.properties.twins import AFTER
from xentcheck.targets import Host

STATE_KEPT = Cause(
    "state_kept",
    "The target answers this batch rightly when it is asked nothing before: something of an earlier call is kept, "
    "or memory is read that this call has not written.",
)
CHANGED = Cause(
    "state_kept",
    "The same batch is not answered alike each time: what was asked before matters, or chance.",
)
LOSS_ALONE = Cause(
    "loss_alone",
    "Beside its gradient the loss of the same batch is right: asked alone it is calculated in another way, by a "
    "function of its own, or where nothing is to be differentiated.",
)
REMEMBERED = Cause(
    "state_kept",
    "An answer, or a part of one, is kept from the batch before, which has something in common with this one, and "
    "given again: it is looked up by that alone, while dtype, shape and every value of all arguments must be alike.",
)
MEMORY_ORDER = Cause(
    "memory_order",
    "The same numbers in C order are answered rightly: the array is read in its memory order and not by its strides.",
)
SUM_IN_MEMORY_ORDER = Cause(
    "sum_in_memory_order",
    "The same numbers in C order are answered within the allowance, and this is little beyond it: numbers are added up "
    "in the order in which they lie in memory, and the sum loses digits; add in pairs, or in a wider dtype.",
)
_LITTLE = 16.0
"""Up to so many times the allowance it is rounding: an array that is read in another order gives another number."""

LABEL_DTYPE = Cause(
    "label_dtype",
    "The same labels in the scores' dtype are answered rightly: arithmetic is done, or kept, in the labels' own dtype.",
)

NARROW_LABELS = Cause(
    "label_dtype",
    "The same labels as int64 are answered rightly: something that their own dtype cannot hold, such as the number of "
    "classes, is calculated in it; convert the labels to int64 first.",
)
OTHER_LABELS = Cause(
    "label_dtype",
    "The same labels as int64 are answered rightly, and their own dtype holds every class number and position here: "
    "they mean something else in it, as an index of uint8 is a mask in torch; convert the labels to int64 first.",
)
_OF_NARROW_LABELS = {"labels_wrapped", "labels_rounded", NARROW_LABELS.mechanism}
"""What says more exactly what becomes of labels in a dtype of their own."""

UNSTEADY = {STATE_KEPT.mechanism, NONDETERMINISTIC.mechanism}
"""Under these any answer may be wrong, by any number."""


def _holds_all(batch: Batch) -> bool:
    """Return whether the dtype of labels holds the place of each logit of a batch in bytes, and so all that is less."""
    return bool(8 * batch.scores.size <= np.iinfo(batch.labels.dtype).max)


class Diagnosis:
    """Names the mechanisms of the findings of one cell.

    Parameters
    ----------
    contract : Contract
    case_of : callable
        From a batch to its case.
    sweep : iterable of Batch
        What the target may be asked for further evidence; none where it is not to be asked any more.
    second : SecondHost, optional
        Another host of the same target.
    times : int or None
        For how many findings it may be asked; None for any number.
    ask : bool
        Whether the target may be asked at all.
    fresh : callable, optional
        From a batch to a case that has the target asked again whatever is known; by default `case_of`.
    """

    def __init__(
        self,
        contract: Contract,
        case_of: Callable[[Batch], Case],
        sweep: Iterable[Batch] = (),
        second: SecondHost | None = None,
        times: int | None = None,
        ask: bool = True,
        fresh: Callable[[Batch], Case] | None = None,
    ) -> None:
        self._contract = contract
        self._case_of = case_of
        self._fresh = fresh or case_of
        self._evidence = Evidence(case_of, sweep)
        self._second = second
        self._times = times
        self._ask = ask

    def cause(self, law: Law, violation: Violation, first: Violation, again: bool = True) -> Cause | None:
        """Return what a finding is likely to come from, or None.

        Parameters
        ----------
        law : Law
        violation, first : Violation
            On the minimal batch, and on that on which the law fell.
        again : bool
            Whether the first batch broke the law again when it was asked again.
        """
        told = event(law.name, violation)
        if told is not None:
            # The same shape was answered rightly before.
            return CHANGED if law.name == "determinism" and told.mechanism == "wrong_shape" else told
        if violation.event.startswith("raised "):
            raised, answered = self._evidence.of_event(violation.event) if self._ask else ([], [])
            return refusal(violation, [first.batch, *raised], answered, self._is_answered)
        part = violation.part.partition("[")[0]
        if violation.returned is None or part not in ("loss", "gradient", *MODELS):
            return None
        after = law.name == "determinism" and violation.title.startswith(AFTER)
        if law.name == "determinism" and violation.title.startswith(ALONE) and self._wrong_alone(violation.batch):
            return LOSS_ALONE
        if not again or (law.name == "determinism" and not after):
            told = self._repeated(violation, part) if self._ask and part not in MODELS else None
            return CHANGED if told in (None, NONDETERMINISTIC) else told
        told = self._by_behaviour(law, violation, part) if self._ask else None
        told = told or self._by_numbers(law, violation, first, part)
        exact = told is not None and told.shown and told.mechanism in (*UNSTEADY, *_OF_NARROW_LABELS)
        if not exact and self._right_by_plain_labels(law, violation, part):
            if violation.batch.label_form != "sparse":
                return LABEL_DTYPE
            return OTHER_LABELS if _holds_all(violation.batch) else NARROW_LABELS
        return told if told is not None and told.shown else self._by_zeros(law, violation, part) or told

    def _wrong_alone(self, batch: Batch) -> bool:
        """Return whether the loss is wrong each time it is asked alone, and right each time beside its gradient."""
        if not self._ask:
            return False
        case = self._fresh(batch)
        alone, beside = ([case.ask(batch, want=parts) for _ in range(2)] for parts in (("loss",), case.want))
        return all(one.violation("loss") is not None for one in alone) and all(
            one.held("loss") is not None and one.violation("loss") is None for one in beside
        )

    def _right_by_plain_labels(self, law: Law, violation: Violation, part: str) -> bool:
        """Return whether labels of another dtype are answered rightly as int64, or rows of them in that of the scores.

        Of what is asked with a cotangent or along a direction, loss and gradient of the same batch tell: one of them is
        wrong, too, and both are right by the plain labels.
        """
        batch = violation.batch
        usual = batch.plain_label_dtype
        classes = batch.label_form != "sparse" or batch.labels.dtype.kind in "iu"
        if not (self._ask and classes and batch.labels.dtype != usual):
            return False
        plain = self._case_of(batch.replace(labels=batch.labels.astype(usual)))
        if violation.upstream is None and part not in MODELS:
            return _right(law, plain, part)
        mine, its = self._case_of(batch).answer, plain.answer
        wrong = [one for one in ("loss", "gradient") if mine.violation(one) is not None]
        return bool(wrong) and all(its.held(one) is not None and its.violation(one) is None for one in wrong)

    def _is_answered(self, batch: Batch) -> bool:
        outcome = self._case_of(batch).answer.outcome
        return not outcome.died and outcome.raised is None

    def _by_behaviour(self, law: Law, violation: Violation, part: str) -> Cause | None:
        """Return a cause that asking once more shows: what matters is not the batch alone."""
        batch = violation.batch
        if part in MODELS:
            return None
        after = law.name == "determinism"
        running = self._repeated(violation, part)
        if running is not None and running != NONDETERMINISTIC:
            return running
        if self._right_when_fresh(law, violation, part) or (after and self._right_nearby(batch, part)):
            return REMEMBERED if after else STATE_KEPT
        if violation.upstream is not None:
            return None
        return self._repeated(violation, part) or self._by_memory(law, violation, part)

    def _by_memory(self, law: Law, violation: Violation, part: str) -> Cause | None:
        """Return a cause that another memory order or dtype of the same numbers shows."""
        batch = violation.batch
        little = (violation.times or np.inf) <= _LITTLE
        if self._by_layout(law, batch, part, little):
            return SUM_IN_MEMORY_ORDER if little else MEMORY_ORDER
        if batch.label_form != "sparse" and batch.labels.dtype != batch.plain_label_dtype:
            plain = batch.replace(labels=batch.labels.astype(batch.plain_label_dtype))
            if _right(law, self._case_of(plain), part):
                return LABEL_DTYPE
        return None

    def _by_layout(self, law: Law, batch: Batch, part: str, little: bool) -> bool:
        """Return whether a batch is answered rightly in C order, and so are like ones, which are not as it lies.

        Of a target whose errors are as by chance the same numbers in C order may happen to be within. Where it is
        `little` that is wrong, it need not be so with each of the others.
        """
        if batch.layout == "C" or not _right(law, self._case_of(batch.replace(layout="C")), part):
            return False
        near, tells = nearby(self._contract, batch), any if little else all
        return not near or (
            tells(not _right(law, self._case_of(one), part) for one in near)
            and all(_right(law, self._case_of(one.replace(layout="C")), part) for one in near)
        )

    def _right_when_fresh(self, law: Law, violation: Violation, part: str) -> bool:
        """Return whether a host in which nothing has been asked answers a batch rightly, with its cotangent if any."""
        if self._second is None or self._times == 0:
            return False
        if self._times is not None:
            self._times -= 1
        known = self._case_of(violation.batch)
        case = known

        def ask(host: Host) -> Answer:
            nonlocal case
            case = Case(known.contract, known.capabilities, host, violation.batch)
            if violation.upstream is None:
                return case.answer
            return case.ask(case.batch, np.asarray(violation.upstream), (part,))

        def right(answer: Answer) -> bool:
            if violation.upstream is None:
                return _right(law, case, part)
            return answer.held(part) is not None and answer.violation(part) is None

        found = self._second.right_when_fresh(part, np.asarray(violation.returned, np.float64), ask, right)
        if found and self._times is not None:
            self._times += 1  # a target that keeps something may show it in every finding, and numbers do not name it
        return found

    def _right_nearby(self, batch: Batch, part: str) -> bool:
        """Return whether logits that are a little larger or smaller are answered rightly, of which nothing is kept."""
        answers = [self._case_of(near).answer for near in nearby(self._contract, batch)]
        right = [one.held(part) is not None and one.violation(part) is None for one in answers]
        return len(right) == len(NEARBY) and all(right)

    def _repeated(self, violation: Violation, part: str) -> Cause | None:
        return None if violation.upstream is not None else when_repeated(self._fresh, violation.batch, part)

    def _by_zeros(self, law: Law, violation: Violation, part: str) -> Cause | None:
        """Return a cause of a nan that goes with the zeros, or the infinities, of what counts for nothing."""
        if not self._ask or violation.upstream is not None or part in MODELS:
            return None
        if np.isnan(np.asarray(violation.returned, np.float64)).any():
            for told, changed in ((ZEROS, without_zeros), (SILENCED, without_silenced)):
                plain = changed(self._contract, violation.batch)
                if plain is not None and _right(law, self._case_of(plain), part):
                    return told
        return None

    def _by_numbers(self, law: Law, violation: Violation, first: Violation, part: str) -> Cause | None:
        """Return the mistake that predicts what was returned, on this batch and on others."""
        both = (violation, first) if first.batch.scores.size <= LARGEST else (violation,)
        own = [one for one in (observed(self._contract, each) for each in both) if one is not None]
        others: list[Observation] = []
        if self._ask:
            if first.upstream is None and part not in MODELS:
                others += self._evidence.of_part(part)
            if violation.tangent is not None:
                others += self._evidence.along_tangents()
            elif law.name not in ("value", "gradient"):
                others += self._evidence.of_law(law, part)
            if part not in MODELS:
                others += self._evidence.nearby(violation, part)
        return likely_cause(own[:1] if first is violation else own, others)


def _right(law: Law, case: Case, part: str) -> bool:
    """Return whether a part is answered rightly, and the law that fell has nothing against this answer either."""
    answer = case.answer
    if answer.held(part) is None or answer.violation(part) is not None:
        return False
    asked = same_content(case.batch)  # a law may hand on a copy of the batch that it was asked about
    return not any(same_content(broken.batch) == asked for broken in law.judge(case))
