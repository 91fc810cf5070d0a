"""The decorator: a mark that holds the targets until pytest collects."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import pytest

MARK = "xentcheck"


def parametrize(targets: Any, *, properties: Iterable[str] | None = None, **options: Any) -> pytest.MarkDecorator:
    """Make one test of each target and each law that applies to it; the test takes an argument `verify` and calls it.

    Parameters
    ----------
    targets : iterable, or one of what it may hold
        Whatever `xentcheck.check` takes as its loss, or dicts of its arguments.
    properties : iterable of str, optional
        Names or numbers; all by default.
    **options
        Passed on to `xentcheck.check`.

    Returns
    -------
    pytest.MarkDecorator
        To collect the tests, each target is imported. It is judged when its first test runs, once for all of them, in
        runs with xdist too. A law that met no batch is skipped with the reason; one that is broken fails with the
        evidence.

    Raises
    ------
    TypeError
        For an option that `xentcheck.check` does not have.

    Examples
    --------
    .. code-block:: python

        @xentcheck.parametrize(my_loss, gradient=my_gradient)
        def test_my_loss(verify):
            verify()


        @xentcheck.parametrize(["reference", {"loss": my_loss, "contract": {"reduction": "sum"}}])
        def test_two_losses(verify):
            verify()
    """
    from xentcheck.api import check

    known = inspect.signature(check).parameters
    if isinstance(targets, (str, dict)) or callable(targets):
        targets = [targets]
    given = [dict(target) if isinstance(target, dict) else {"loss": target} for target in targets]
    for name in [*options, *(key for one in given for key in one)]:
        if name not in known:
            raise TypeError(f"xentcheck.check has no argument {name!r}; it has {', '.join(known)}.")
    if properties is not None:
        options["properties"] = tuple(properties)
    mark: pytest.MarkDecorator = getattr(pytest.mark, MARK)
    return mark.with_args(*({**options, **one} for one in given))
