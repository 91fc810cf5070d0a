"""The process beside xentcheck in which a target runs.

It builds the target from its plan, or imports it ahead of that, then answers calls until the channel closes.
Started by `host.WorkerHost`. It needs the standard library, numpy and what the target needs, nothing else. All that
it needs itself is imported before the folders of the target are on the path, so that no file there is taken for it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import sys
import traceback
from dataclasses import asdict
from typing import Any

from xentcheck.batches.batch import Batch
from xentcheck.contract import ContractError
from xentcheck.targets.call.build import build, follow, prepare
from xentcheck.targets.call.frameworks import FRAMEWORKS
from xentcheck.targets.call.observe import Environment, processor_state
from xentcheck.targets.call.signature import numbers_in, parameters_of, settings_of
from xentcheck.targets.call.target import Target
from xentcheck.targets.call.trace import said_of
from xentcheck.targets.errors import TargetError
from xentcheck.targets.find.installed import prefer_installed
from xentcheck.targets.host.channel import Channel, ChannelClosedError
from xentcheck.targets.host.memory import limit_memory
from xentcheck.targets.host.shared_file import SharedFile
from xentcheck.targets.host.surroundings import Surroundings
from xentcheck.targets.host.versions import loaded_versions
from xentcheck.targets.outcome import PARTS


def main(descriptor: int) -> None:
    """Serve one target over a channel; returns when the other side closes it."""
    os.set_inheritable(descriptor, False)
    faulthandler.enable()
    channel = Channel(descriptor, SharedFile.taken_from(descriptor))
    with contextlib.suppress(ChannelClosedError):
        order = channel.receive()[0]
        prefer_installed(FRAMEWORKS)
        plan, surroundings = order["plan"], Surroundings()
        if not plan["python"]:
            sys.path[:] = order["path"]
        limit_memory(order["memory"])
        if plan["base"] and plan["base"] not in sys.path[:1]:
            sys.path.insert(0, plan["base"])
        if order["ahead"]:
            with contextlib.suppress(Exception):  # what it is will be said of the plan that comes
                prepare(plan)
            plan = channel.receive()[0]["plan"]
        try:
            target = build(plan, before_trial=lambda: channel.send({"trial": True}))
            target.environment = Environment(exclusive=True)
            greeting = {**_described(target, plan["python"]), "processor": processor_state()}
            json.dumps(greeting)
        except ChannelClosedError:
            raise
        except (TargetError, ContractError) as error:
            channel.send({"error": str(error)})
            return
        except Exception as error:
            channel.send({"error": f"{plan['name']} cannot be prepared: {said_of(error)}."})
            return
        channel.send(greeting)
        while True:
            _answer(channel, target, plan["python"], surroundings)


def _described(target: Target, elsewhere: str) -> dict[str, Any]:
    """Return what is told of a target, and of this interpreter if it is another one than that of xentcheck."""
    stated: dict[str, Any] = {"description": target.stated()}
    if elsewhere:
        packages = loaded_versions(target.package, "ml_dtypes")
        stated["interpreter"] = {"python": sys.version.split()[0], "packages": packages}
    return stated


def _answer(channel: Channel, target: Target, elsewhere: str, surroundings: Surroundings) -> None:
    """Answer one message: the calls in it one after the other, each as soon as it has returned."""
    header, arrays = channel.receive()
    if header.get("modules"):
        channel.send({"modules": sorted(sys.modules)})
        return
    if "follow" in header:
        follow(target, header["follow"], header["framework"])
        channel.send(_described(target, elsewhere))
        return
    if header.get("parameters"):
        stated = {"parameters": parameters_of(target.called), "settings": settings_of(target.called)}
        told = {key: [asdict(one) for one in found] for key, found in stated.items()}
        channel.send({**told, "numbers": numbers_in(target.called)})
        return
    calls = header["calls"]
    for call in calls:
        given, arrays = arrays[: call["given"]], arrays[call["given"] :]
        channel.send(*_evaluated(target, call, given, elsewhere, surroundings), inline=len(calls) > 1)


def _evaluated(
    target: Target, header: dict[str, Any], arrays: list[Any], elsewhere: str, surroundings: Surroundings
) -> tuple[dict[str, Any], list[Any]]:
    """Return the answer to a call and its arrays."""
    try:
        return _outcome(target, header, arrays, elsewhere)
    except MemoryError:
        raise  # ends the process, as what is too large for the target may be too large for its answer
    except Exception as error:
        # What the target raises is part of an outcome; this is a fault of xentcheck and must not pass for one, unless
        # the target has taken away what this code stands on.
        damage = surroundings.damage()
        if not damage:
            traceback.print_exc()
        return {"failure": said_of(error), "damage": damage}, []


def _outcome(
    target: Target, header: dict[str, Any], arrays: list[Any], elsewhere: str
) -> tuple[dict[str, Any], list[Any]]:
    options = dict(header["options"])
    further = arrays[2:]
    upstream = further.pop(0) if header["has_upstream"] else None
    vector = further.pop(0) if header["has_vector"] else None
    tangent = further.pop(0) if header["has_tangent"] else None
    for name, array in zip(header["option_arrays"], further):  # noqa: B905 (Python 3.9 has no strict)
        options[name] = array
    batch = Batch(arrays[0], arrays[1], header["label_form"], options, header["layout"])
    before = target.framework.name, bool(elsewhere) and len(sys.modules)
    outcome = target.evaluate(batch, header["want"], upstream, vector, tangent)
    answer: dict[str, Any] = {
        "parts": [part for part in PARTS if getattr(outcome, part) is not None],
        "raised": None if outcome.raised is None else asdict(outcome.raised),
        "observations": outcome.observations,
    }
    if before != (target.framework.name, bool(elsewhere) and len(sys.modules)):
        answer.update(_described(target, elsewhere))
    return answer, [getattr(outcome, part) for part in answer["parts"]]
