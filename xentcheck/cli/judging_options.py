"""What `check` and `campaign` are alike asked: which targets, under which contract, by which laws, what is accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xentcheck.cli.arguments import not_empty

if TYPE_CHECKING:
    from xentcheck.targets import TargetSpecification

DEFAULT_TARGETS = ("reference", "reference.summed_guarded", "reference.averaged_clipped")
CALLABLES = ("gradient", "value_and_gradient", "hessian_vector", "vjp", "jvp")
Command = TypeVar("Command", bound=Callable[..., Any])

_JUDGED = (
    click.argument("targets", nargs=-1, metavar="[TARGET]..."),
    click.option(
        "--contract",
        "assignments",
        multiple=True,
        metavar="KEY=VALUE",
        help="A convention that the target promises; VALUE is JSON or a bare word.",
    ),
    click.option(
        "--contract-file", metavar="FILE", help="The same from a JSON or TOML file; --contract goes above it."
    ),
    click.option("--gradient", metavar="CALLABLE", help="The gradient; it takes the arguments of the loss."),
    click.option("--value-and-gradient", metavar="CALLABLE", help="Loss and gradient in one call."),
    click.option("--hessian-vector", metavar="CALLABLE", help="Called with scores, labels and v."),
    click.option(
        "--vjp",
        metavar="CALLABLE",
        help="The gradient for a given upstream gradient: called with scores, labels and upstream.",
    ),
    click.option(
        "--jvp",
        metavar="CALLABLE",
        help="The derivative of the loss by forward mode: called with scores, labels and a tangent.",
    ),
    click.option(
        "--python",
        metavar="PATH",
        callback=not_empty,
        help="Another interpreter to run each TARGET in: Python 3.8 or newer, with numpy and what the TARGET needs.",
    ),
    click.option("--venv", metavar="DIR", callback=not_empty, help="The same by the virtual environment that has it."),
    click.option(
        "--profile",
        type=click.Choice(["quick", "standard", "thorough"]),
        default="quick",
        show_default=True,
        help="How much is tried.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="N",
        default=0,
        show_default=True,
        help="Same seed, same batches, same verdict.",
    ),
    click.option("--properties", multiple=True, metavar="NAME,...", help="Only these laws, by name or number."),
    click.option("--dtypes", multiple=True, metavar="DTYPE,...", help="Only these dtypes."),
)
_LIMITS = (
    click.option(
        "--time-limit",
        type=click.FloatRange(min=0, min_open=True),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="A call that takes longer, and does so again when it is repeated, is a finding.",
    ),
    click.option(
        "--first-time-limit",
        type=click.FloatRange(min=0, min_open=True),
        default=120.0,
        show_default=True,
        metavar="SECONDS",
        help="How long the import may take, and a call before it is repeated, since a first one may compile.",
    ),
    click.option(
        "--memory",
        metavar="SIZE",
        help="What each process of the target may have, for example 4GB or 512MiB; on Linux.",
    ),
)
_WAIVERS = (
    click.option("--waivers", metavar="FILE", help="Findings that are known and accepted; see `xentcheck waive`."),
    click.option("--strict-waivers", is_flag=True, help="Exit status 1 where the batch of a waiver passes: it can go."),
)


def what_is_judged(command: Command) -> Command:
    """Give a command the targets, their contracts, and how much is tried."""
    for option in reversed(_JUDGED):
        command = option(command)
    return command


def limits_of_calls(command: Command) -> Command:
    """Give a command how long calls may take, and how much memory the target's process."""
    for option in reversed(_LIMITS):
        command = option(command)
    return command


def what_is_accepted(command: Command) -> Command:
    """Give a command the file of waivers, and whether one that is stale counts."""
    for option in reversed(_WAIVERS):
        command = option(command)
    return command


def specifications_of(given: dict[str, Any], stated: dict[str, Any]) -> list[tuple[str, TargetSpecification]]:
    """Return what is to be judged, with the names by which messages call it."""
    from xentcheck.targets import TargetSpecification

    callables = {role: given[role] for role in CALLABLES if given[role] is not None}
    python, venv = given["python"] or "", given["venv"] or ""
    targets = given["targets"]
    if callables and len(targets) > 1:
        option = "--" + next(iter(callables)).replace("_", "-")
        raise click.ClickException(
            f"{option} belongs to one target, but {len(targets)} were given; check them one by one."
        )
    if callables:
        loss = targets[0] if targets else None
        name = loss or next(iter(callables.values()))
        return [(name, TargetSpecification(loss=loss, **callables, changes=stated, python=python, venv=venv))]
    if stated and not targets:
        raise click.ClickException("A contract was given without a TARGET; say which one promises it.")
    return [
        (name, TargetSpecification(loss=name, changes=stated, python=python, venv=venv))
        for name in targets or DEFAULT_TARGETS
    ]
