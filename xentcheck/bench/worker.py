"""The process in which targets are timed: beside xentcheck, since they may crash, and all together, for the ratios."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import Any

from xentcheck.bench.figures import FORMS, REFERENCE, Case
from xentcheck.bench.measure import common_part, measure
from xentcheck.bench.paths import Path, reference_path
from xentcheck.bench.project import described
from xentcheck.processes.parentage import end_with_parent
from xentcheck.targets.call.build import build
from xentcheck.targets.errors import TargetError
from xentcheck.targets.host.channel import Channel, ChannelClosedError


def main(descriptor: int) -> None:
    """Carry out one order that comes over a channel, and send each result as soon as it is there."""
    channel = Channel(descriptor)
    with contextlib.suppress(ChannelClosedError):
        order = channel.receive()[0]
        try:
            _carry_out(order, channel)
        except TargetError as error:
            channel.send({"error": str(error)})
        except Exception:
            channel.send({"failure": traceback.format_exc()})
        else:
            channel.send({"done": True})


def _carry_out(order: dict[str, Any], channel: Channel) -> None:
    if order.get("one_core") and hasattr(os, "sched_setaffinity"):  # before the targets make their threads
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    paths: dict[tuple[str, str], Path] = {}
    locations = []
    for plan in order["plans"]:
        if plan["base"] and plan["base"] not in sys.path[:1]:
            sys.path.insert(0, plan["base"])
        target = build(plan)
        if target.contract.get("output") == "entropy":
            raise TargetError(f"{plan['name']} returns an entropy; it is losses that are timed beside the reference.")
        if order["describe"]:
            locations.append(described(target, plan))
        for form in forms(target.contract):
            paths[plan["name"], form] = Path(target, form)
    if order["describe"]:
        channel.send({"targets": locations})
        return
    if not paths:
        raise TargetError("None of the targets takes sparse or one-hot labels; there is nothing to time.")
    part = order["part"] or common_part(list(paths.values()))
    contract = dict(next(iter(paths.values())).target.contract)
    if REFERENCE not in {name for name, _ in paths}:
        paths.update({(REFERENCE, form): _alike(contract, form) for form in FORMS})
    for stated in order["cases"]:
        result = measure(paths, Case(**{**stated, "part": part}), order["seconds"])
        channel.send({"result": result.as_mapping()})


def forms(contract: Any) -> list[str]:
    """Return the label forms to time: soft labels are dense too, and go by the one-hot ones."""
    offered = contract.get("labels", ["sparse"])
    return [form for form in FORMS if form in offered or (form == "onehot" and "soft" in offered)]


def _alike(contract: dict[str, Any], form: str) -> Path:
    path = reference_path(contract, form)
    path.target.contract = {key: contract[key] for key in ("input", "reduction") if key in contract}
    return path


if __name__ == "__main__":
    end_with_parent(int(sys.argv[2]))
    main(int(sys.argv[1]))
