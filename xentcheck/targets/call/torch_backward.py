"""A backward pass of torch, watched: what it overwrites of its upstream gradient and of what its graph keeps."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

_CLOSE = 0.01
"""By what share of the largest entry two gradients may differ: sums by several threads do in their last bits, 16-bit
ones by more, and a gradient that is scaled twice, or overwritten, by far more."""
_SMALL, _SELDOM = 64, 4
"""Of scores of so many numbers at most, one batch in so many is gone through once more after another loss."""


def pulled_back(
    torch: Any, value: Any, leaf: Any, cotangent: Callable[[], Any], loss: Callable[[Any], Any]
) -> tuple[Any, tuple[str, ...]]:
    """Return the gradient of a leaf, and what was noticed, among `outcome.OBSERVATIONS`.

    Where a function written by hand is in the graph, the graph is kept and gone through once more: of
    ``retain_graph=True`` a user expects the same gradient again. Of some batches it is gone through a third time when
    the loss of other scores has been taken, as that of the next part of a batch whose losses are added up before the
    backward pass. An error is a refusal, which is as good.

    Parameters
    ----------
    torch : module
    value, leaf : Tensor
        The loss, and the scores that it is to be differentiated by.
    cotangent : callable
        Returns the upstream gradient, in the shape of the loss, each time in memory of its own.
    loss : callable
        Returns the loss of scores of the same shape.
    """
    upstream, before = cotangent(), cotangent()
    again = any(_by_hand(torch, node) for node in _nodes(value.grad_fn))
    gradient = torch.autograd.grad(value, leaf, upstream, retain_graph=again)[0]
    noticed = () if torch.equal(before, upstream) else ("upstream-changed",)
    if not again:
        return gradient, noticed
    first = gradient.clone()
    another = _has_turn(leaf)
    try:
        second = torch.autograd.grad(value, leaf, before, retain_graph=another)[0]
        if not _same(torch, first, second):
            return first, (*noticed, "second-backward-differs")
        if another:
            with suppress(Exception):  # of scores that are not as those asked about nothing is judged
                loss(leaf.detach().flip(tuple(range(leaf.ndim))).requires_grad_(True))
            third = torch.autograd.grad(value, leaf, cotangent())[0]
            if not _same(torch, first, third):
                return first, (*noticed, "graph-overwritten")
    except Exception:
        return first, noticed
    return first, noticed


def _has_turn(leaf: Any) -> bool:
    """Whether the graph of these scores is one of those gone through a third time; it is so each time."""
    if leaf.numel() > _SMALL:
        return False
    return zlib.crc32(leaf.detach().double().contiguous().numpy().tobytes()) % _SELDOM == 0


def _nodes(root: Any) -> Iterator[Any]:
    """Yield the nodes of a graph, each once."""
    seen, left = set(), [root]
    while left:
        node = left.pop()
        if node is not None and node not in seen:
            seen.add(node)
            yield node
            left.extend(before for before, _ in node.next_functions)


def _by_hand(torch: Any, node: Any) -> bool:
    """Whether a node is of a `torch.autograd.Function` that is not torch's own, as that of a compiled loss is."""
    if not isinstance(node, torch.autograd.function.BackwardCFunction):
        return False
    return not type(node)._forward_cls.__module__.startswith("torch.")


def _same(torch: Any, first: Any, second: Any) -> bool:
    """Whether two gradients are the same but for rounding."""
    one, two = first.double(), second.double()
    size = torch.nan_to_num(one, posinf=0.0, neginf=0.0).abs().max() if one.numel() else 0.0
    return bool(torch.allclose(one, two, rtol=0.0, atol=_CLOSE * float(size), equal_nan=True))
