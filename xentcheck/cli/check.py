"""``xentcheck check``: the main job."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from xentcheck.cli import arguments, output_files
from xentcheck.cli.check_run import CheckRun

if TYPE_CHECKING:
    from xentcheck.targets import TargetSpecification

DEFAULT_TARGETS = ("reference", "reference.summed_guarded", "reference.averaged_clipped")
_CALLABLES = ("gradient", "value_and_gradient", "hessian_vector", "vjp")


@click.command(short_help="Judge cross-entropies.")
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option(
    "--contract",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="A convention that the target promises; VALUE is JSON or a bare word.",
)
@click.option("--contract-file", metavar="FILE", help="The same from a JSON or TOML file; --contract goes above it.")
@click.option("--gradient", metavar="CALLABLE", help="The gradient; it takes the arguments of the loss.")
@click.option("--value-and-gradient", metavar="CALLABLE", help="Loss and gradient in one call.")
@click.option("--hessian-vector", metavar="CALLABLE", help="Called with scores, labels and v.")
@click.option(
    "--vjp",
    metavar="CALLABLE",
    help="The gradient for a given upstream gradient: called with scores, labels and upstream.",
)
@click.option(
    "--profile",
    type=click.Choice(["quick", "standard", "thorough"]),
    default="quick",
    show_default=True,
    help="How much is tried.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same batches, same verdict."
)
@click.option("--properties", multiple=True, metavar="NAME,...", help="Only these laws, by name or number.")
@click.option("--dtypes", multiple=True, metavar="DTYPE,...", help="Only these dtypes.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Worker processes.")
@click.option("-x", "--fail-fast", is_flag=True, help="Stop at the first finding, once it is reduced.")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="A call that takes longer, and does so again when it is repeated, is a finding.",
)
@click.option(
    "--first-time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the import may take, and a call before it is repeated, since a first one may compile.",
)
@output_files.options
@click.option(
    "--reproducers", type=click.Path(file_okay=False), metavar="DIR", help="Write a Python script for each finding."
)
@click.option("--github", is_flag=True, help="Print annotations for GitHub Actions, too.")
def check(**given: Any) -> int:
    """Judge each TARGET against certified values.

    A TARGET is the NAME of a registered one (`xentcheck targets` lists them), package.module:attribute, or
    path/file.py:attribute. Without any: the reference and its two presets.

    \b
    xentcheck check optax.softmax_cross_entropy
    xentcheck check mine.py:loss --gradient mine.py:gradient --contract reduction=sum
    xentcheck check mine.py:loss --contract input=probabilities --contract labels='["onehot"]'
    """  # noqa: D301 (click reads the character)
    output_files.require(given)
    stated = arguments.declared(given["assignments"], given["contract_file"])
    laws = arguments.laws(given["properties"])
    dtypes = arguments.dtypes(given["dtypes"])
    specifications = _specifications(given, stated)
    run = CheckRun(given, laws=laws, dtypes=dtypes, several=len(specifications) > 1)
    for name, specification in specifications:
        if not run.judge(name, specification, _command(given, name)):
            break
    return run.close()


def _specifications(given: dict[str, Any], stated: dict[str, Any]) -> list[tuple[str, TargetSpecification]]:
    """Return what is to be judged, with the names by which messages call it."""
    from xentcheck.targets import TargetSpecification

    callables = {role: given[role] for role in _CALLABLES if given[role] is not None}
    targets = given["targets"]
    if callables and len(targets) > 1:
        option = "--" + next(iter(callables)).replace("_", "-")
        raise click.ClickException(
            f"{option} belongs to one target, but {len(targets)} were given; check them one by one."
        )
    if callables:
        loss = targets[0] if targets else None
        name = loss or next(iter(callables.values()))
        return [(name, TargetSpecification(loss=loss, **callables, changes=stated))]
    if stated and not targets:
        raise click.ClickException("A contract was given without a TARGET; say which one promises it.")
    return [(name, TargetSpecification(loss=name, changes=stated)) for name in targets or DEFAULT_TARGETS]


def _command(given: dict[str, Any], name: str) -> str:
    """Return the command line that repeats the run on one target; what is written to disk is left out."""
    words = ["xentcheck", "check"]
    words += [] if given["targets"] == () and any(given[role] for role in _CALLABLES) else [name]
    for role in _CALLABLES:
        words += [f"--{role.replace('_', '-')}", given[role]] if given[role] else []
    for assignment in given["assignments"]:
        words += ["--contract", assignment]
    words += ["--contract-file", given["contract_file"]] if given["contract_file"] else []
    words += ["--profile", given["profile"]] if given["profile"] != "quick" else []
    for option in ("properties", "dtypes"):
        chosen = arguments.listed(given[option])
        words += [f"--{option}", ",".join(chosen)] if chosen else []
    words += ["--fail-fast"] if given["fail_fast"] else []
    for option, default in (("time_limit", 10.0), ("first_time_limit", 120.0)):
        words += [f"--{option.replace('_', '-')}", f"{given[option]:g}"] if given[option] != default else []
    return shlex.join(words)
