"""What an exhaustive campaign judges: a target, the part of its answer, and what its contract promises of it."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.campaign.exhaustive.bound import Curve
from xentcheck.campaign.exhaustive.pairs import HALVES, Numbers, numbers
from xentcheck.contract import Contract
from xentcheck.contract.reading import contract_of
from xentcheck.properties.answer import Answer
from xentcheck.properties.batch_truth import Truth
from xentcheck.targets.call.build import build
from xentcheck.targets.call.target import Target
from xentcheck.targets.errors import TargetError
from xentcheck.targets.host.base import described
from xentcheck.targets.outcome import Outcome
from xentcheck.targets.specification import ROLES, BuildPlan, TargetSpecification, build_plan
from xentcheck.truth.formats import Format

PARTS = ("loss", "gradient")
_PLAIN = {
    "class_weights": None,
    "row_weights": None,
    "divisor": None,
    "label_smoothing": 0.0,
    "z_loss": 0.0,
    "ignore_index": None,
}
"""Options that stay what the target makes of them unasked, where they are arguments of its call."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A target, built in this process, and the bounds by which one part of its answers is judged.

    `bounded` are the positions of finite numbers that are not so large that nothing is allowed for.
    """

    target: Target
    contract: Contract
    numbers: Numbers
    part: str
    label_form: str
    curve: Curve
    bounded: slice
    version: str

    @cached_property
    def promised(self) -> NDArray[np.bool_]:
        """The positions about which the contract promises something, shape (65536,)."""
        return self.numbers.declared(self.contract)

    @property
    def output(self) -> Format:
        """The format of results."""
        return self.curve.output

    def batch(self, scores: NDArray[Any], label: int) -> Batch:
        """Return rows of logits, shape (n, m), all with one label."""
        labels = np.full(len(scores), label, np.int64)
        given = labels if self.label_form == "sparse" else one_hot(labels, scores.shape[1], scores.dtype)
        return Batch(scores, given, self.label_form)

    def ask(self, batch: Batch) -> Outcome:
        """Return what the target answers."""
        return self.target.evaluate(batch, (self.part,))

    def answered(self, batch: Batch) -> tuple[NDArray[Any], NDArray[np.float64]] | str:
        """Return an answer as it came and in float64; where there is none, why."""
        outcome = self.ask(batch)
        if outcome.raised is not None:
            return f"{outcome.raised.kind}: {outcome.raised.message}"
        answer = Answer(self.contract, batch, outcome, Truth(self.contract, batch, None, False))
        got = answer.numbers(self.part)
        return answer.malformed(self.part) or "no answer" if got is None else (getattr(outcome, self.part), got)


def stated(target: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[BuildPlan, Contract, str]:
    """Return the plan of a target with one loss a row, its contract, and the form of labels that it is given.

    Parameters
    ----------
    target : mapping
        The callables by role, "changes" of the contract, and the "directory" that paths are relative to.
    settings : mapping
        "format" and "part".

    Raises
    ------
    TargetError, ContractError
        Also where the contract promises something that this campaign does not judge.
    """
    given = {role: target[role] for role in ROLES if target.get(role)}
    changes = dict(target.get("changes") or {})

    def planned(further: Mapping[str, Any]) -> BuildPlan:
        specification = TargetSpecification(**given, changes={**changes, **further})
        return build_plan(specification, target.get("directory"))

    plan = planned({})
    plan.require_here("A campaign over all pairs calls a target")
    contract = contract_of({**(plan.contract or {}), **plan.changes})
    further: dict[str, Any] = {key: value for key, value in _PLAIN.items() if key in contract.arguments}
    if contract.signed_weights and "class_weights" in further:
        further["class_weights_as"] = "numbers"
    if contract.exclusive:
        further["exclusive"] = []
    if contract.reduction != "none" and planned({"reduction": "none"}).keywords != plan.keywords:
        further["reduction"] = "none"  # the target is told its reduction
    plan = planned(further)
    contract = contract_of({**(plan.contract or {}), **plan.changes})
    _require(plan.name, contract, settings["format"])
    return plan, contract, "sparse" if "sparse" in contract.labels else "onehot"


def opened(target: Mapping[str, Any], settings: Mapping[str, Any]) -> Subject:
    """Return a target, imported into this process; one for all calls with the same parameters."""
    return _opened(json.dumps([target, {key: settings[key] for key in ("format", "part")}], sort_keys=True))


@lru_cache(maxsize=1)
def _opened(key: str) -> Subject:
    target, settings = json.loads(key)
    plan, contract, label_form = stated(target, settings)
    if plan.base and plan.base not in sys.path[:1]:
        sys.path.insert(0, plan.base)
    importlib.import_module("numpy.random")  # not by the target, in the midst of a call
    built = build({field.name: getattr(plan, field.name) for field in dataclasses.fields(plan)})
    part = settings["part"]
    if not getattr(built, f"has_{part}"):
        raise TargetError(f"{plan.name} has no {part}; give --part {'loss' if part == 'gradient' else 'gradient'}.")
    built.interrupts = True
    known = numbers(settings["format"])
    curve = Curve(contract, known.format, part, label_form)
    fine = np.flatnonzero(~curve.unbounded(known.values[known.finite])) + known.finite.start
    if contract.accuracy == "C" and len(fine) < known.finite.stop - known.finite.start:
        dtype = known.format.name
        raise TargetError(f"{plan.name} promises accuracy C, for which not all pairs of {dtype} have bounds.")
    version = described(built.stated(), declared=True).version
    bounded = slice(int(fine[0]), int(fine[-1]) + 1)
    return Subject(built, contract, known, part, label_form, curve, bounded, version)


def _require(name: str, contract: Contract, dtype: str) -> None:
    """Refuse what is no plain loss of two logits, one a row."""
    if dtype not in HALVES:
        raise TargetError(f"There is no exhaustive campaign for {dtype!r}; the formats are {', '.join(HALVES)}.")
    if dtype not in contract.dtypes:
        raise TargetError(f"{name} promises nothing of {dtype}; if it does, add --contract 'dtypes=[\"{dtype}\"]'.")
    if contract.reduction != "none" or contract.effective_gradient_reduction != "none":
        raise TargetError(f"{name} reduces its losses; this campaign needs one a row, by --contract reduction=none.")
    if contract.input != "logits" or not contract.boundary.exact or contract.gradient_wrt != "logits":
        raise TargetError(f"{name} is no plain loss of logits, the only kind that an exhaustive campaign judges.")
    if contract.is_entropy:
        raise TargetError(f"{name} returns an entropy; an exhaustive campaign judges losses.")
    options = [key for key, value in _PLAIN.items() if getattr(contract, key) != value]
    options += [key for key in ("soft_cap", "temperature") if getattr(contract, key) is not None]
    if options:
        raise TargetError(f"{name} has the option {options[0]}, which an exhaustive campaign does not know.")
    if contract.axis not in (-1, 1):
        raise TargetError(f"{name} has its classes along axis {contract.axis}; an exhaustive campaign has them last.")
    if contract.extra_axes != (0,):
        raise TargetError(f"{name} promises extra axes, of which an exhaustive campaign has none; add extra_axes=0.")
    if contract.compute == contract.output_dtype == "float64":
        raise TargetError(f"{name} promises the accuracy of float64, for which the bounds of all pairs are too wide.")
    domain = contract.domain or {}
    low, high = domain.get("classes", (1, 2))
    if not low <= 2 <= high or "magnitude" in domain or "rows" in domain:
        raise TargetError(f"{name} states a domain, beyond which an exhaustive campaign would go.")
