"""A backward pass of torch, watched: what it overwrites of its upstream gradient and of what its graph keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

_CLOSE = 0.01
"""By what share of the largest entry two gradients may differ: sums by several threads do in their last bits, 16-bit
ones by more, and a gradient that is scaled twice, or overwritten, by far more."""


def pulled_back(torch: Any, value: Any, leaf: Any, cotangent: Callable[[], Any]) -> tuple[Any, tuple[str, ...]]:
    """Return the gradient of a leaf, and what was noticed, among `outcome.OBSERVATIONS`.

    Where a function written by hand is in the graph, the graph is kept and gone through once more: of
    ``retain_graph=True`` a user expects the same gradient again. An error is a refusal, which is as good.

    Parameters
    ----------
    torch : module
    value, leaf : Tensor
        The loss, and the scores that it is to be differentiated by.
    cotangent : callable
        Returns the upstream gradient, in the shape of the loss, each time in memory of its own.
    """
    upstream, before = cotangent(), cotangent()
    twice = any(_by_hand(torch, node) for node in _nodes(value.grad_fn))
    gradient = torch.autograd.grad(value, leaf, upstream, retain_graph=twice)[0]
    noticed = () if torch.equal(before, upstream) else ("upstream-changed",)
    if not twice:
        return gradient, noticed
    first = gradient.clone()
    try:
        second = torch.autograd.grad(value, leaf, before)[0]
    except Exception:
        return first, noticed
    return first, noticed if _same(torch, first, second) else (*noticed, "second-backward-differs")


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
