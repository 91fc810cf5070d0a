"""``xentcheck self-test``: which law kills which bug of the zoo, and that nothing right is failed."""

from __future__ import annotations

import click


@click.command("self-test", short_help="Test the suite itself with planted bugs.")
@click.option(
    "--profile",
    type=click.Choice(["quick", "standard"]),
    default="quick",
    show_default=True,
    help="How much is tried to fail the right ones; a bug is always searched in quick, then in standard.",
)
@click.option("--seeds", type=click.IntRange(1), metavar="N", default=1, show_default=True, help="How many, from 0 on.")
@click.option("--only", multiple=True, metavar="NAME", help="A specimen, or one of the files bugs_* and right_*.")
@click.option("--short", is_flag=True, help="A fixed part of the zoo, and of each bug the first finding.")
@click.option("--first", is_flag=True, help="Leave a bug as soon as a law that is expected to kill it has done so.")
@click.option(
    "--outside",
    type=click.Choice(["first", "second", "third", "fourth"]),
    help="In place of the zoo, a set of bugs by those who had not read it.",
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False), help="Where to write everything.")
@click.option("--markdown", type=click.Path(dir_okay=False), help="Where to write the matrix for the docs.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", default=1, show_default=True, help="Processes.")
def selftest(
    profile: str,
    seeds: int,
    only: tuple[str, ...],
    short: bool,
    first: bool,
    outside: str | None,
    json_file: str | None,
    markdown: str | None,
    jobs: int,
) -> int:
    """Judge planted bugs and unusual but right implementations.

    The first seed is searched by all laws to the end; with the others a bug's first finding is enough. Exit status 1
    if a bug survives, if more than one in twenty survives quick, if a right implementation is failed, or if a law kills
    nothing.
    """
    import json
    import sys
    import time
    from functools import partial
    from pathlib import Path

    from xentcheck.cli import selftest_matrix
    from xentcheck.cli.main import installed_version
    from xentcheck.cli.writable import require_writable, write, write_each
    from xentcheck.properties.registry import LAWS
    from xentcheck.report.terminal import console
    from xentcheck.selftest.examine_zoo import chosen, examine_all
    from xentcheck.selftest.summary import as_mapping, summarise

    require_writable({"--json": json_file, "--markdown": markdown})
    bugs, right = chosen(only, short=short, outside=outside or "")
    if not bugs and not right:
        raise click.UsageError(f"There is no specimen {', '.join(only)}; see docs/zoo.md for their names.")
    start, done = time.perf_counter(), []
    told = console(sys.stderr)
    for one in examine_all((*bugs, *right), profile=profile, seeds=seeds, only_first=short or first, jobs=jobs):
        done.append(one)
        if one.planted == (one.first is None):
            what = f"the bug {one.name} survives" if one.planted else f"{one.name} is right, and was failed"
            told.print(f"{what} with seed {one.seed}", style="red", soft_wrap=True)
    summary = summarise(
        done,
        version=installed_version(),
        profile=profile,
        seeds=seeds,
        laws=() if only or short or outside else [law.name for law in LAWS],
        expected={specimen.name: specimen.law for specimen in bugs if specimen.law},
        seconds=time.perf_counter() - start,
    )
    out = console(sys.stdout)
    selftest_matrix.print_matrix(out, [one for one in done if one.seed == 0], LAWS)
    out.print()
    for line in selftest_matrix.figures(summary):
        out.print(line, soft_wrap=True)
    writes = []
    if json_file:
        stated = json.dumps(as_mapping(summary, done), indent=1, default=str)
        writes.append(partial(write, "--json", json_file, stated))
    if markdown:
        page = Path(markdown)
        kept = selftest_matrix.by_hand(page.read_text(encoding="utf-8")) if page.exists() else ""
        text = selftest_matrix.markdown(summary, done, LAWS, short or first) + kept
        writes.append(partial(write, "--markdown", markdown, text))
    write_each(*writes)
    return 1 if summary.fails else 0
