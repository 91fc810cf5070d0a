"""Finding out which framework a target is of, by one small call."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.contract.declaration import OPTIONS
from xentcheck.contract.key import At
from xentcheck.targets.call.framework import NumpyFramework
from xentcheck.targets.call.frameworks import ROOTS, framework_named, imported
from xentcheck.targets.call.observe import EarlierResults
from xentcheck.targets.call.target import Target


def try_out(target: Target, own: NumpyFramework | None = None) -> None:
    """Call a target once, and settle whether it takes numpy arrays, torch tensors or jax arrays.

    Called only where torch or jax has been imported. A loss that refuses numpy arrays and takes tensors is torch's;
    one that returns a jax array is jax's. Where nothing answers, the question stays open for the first real
    call.

    Parameters
    ----------
    target : Target
    own : NumpyFramework, optional
        How tensors of its own would reach the target. It takes them if it answers them, and no arrays of numpy.
    """
    batch = small_batch(target.contract)
    if own is not None and _takes_its_own(target, own, batch):
        return
    outcome = target.evaluate(batch, ("loss",) if target.has_loss else ("gradient",))
    if outcome.raised is None and target.functions.loss is not None:
        native = ROOTS.get(target.returned_by, "numpy")
        if native != target.framework.name:
            _prefer(native, target, batch)
        if target.differentiated and not _differentiable(target, batch):
            target.framework.differentiates = False  # Such as a loss that leaves autograd on its way.
    target.earlier = EarlierResults()


def try_out_once(target: Target) -> None:
    """As `try_out`, whose result is taken up where the same call has been tried before.

    What a framework has compiled of that call is kept with it. A framework that is imported since makes another call.
    """
    batch = small_batch(target.contract)
    options = {name: np.asarray(value).tolist() for name, value in batch.options.items()}
    called = repr((imported(), target.convention, batch.dtype, batch.labels.dtype.name, batch.label_form, options))
    call = called, batch.scores.tobytes(), batch.labels.tobytes(), batch.scores.shape, batch.labels.shape
    if call in target.tried:
        target.framework, target.settled = target.tried[call]
        target.earlier = EarlierResults()
        return
    try_out(target)
    target.tried[call] = target.framework, target.settled


def _differentiable(target: Target, batch: Batch) -> bool:
    """Whether the framework's gradient is answered for one upstream gradient at least.

    A backward pass that writes into it in place refuses that of a sum, one number in the memory of all, and is judged.
    """
    ones = target.convention.ones(batch.n)
    return any(target.evaluate(batch, ("gradient",), upstream).raised is None for upstream in (None, ones))


def _takes_its_own(target: Target, own: NumpyFramework, batch: Batch) -> bool:
    """Settle on tensors of the target's own where nothing else is answered, in either order, of either form."""
    hot = one_hot(np.arange(batch.n) % batch.m, batch.m, batch.scores.dtype)
    trials = (batch, batch.replace(labels=hot, label_form="onehot"))
    usual = target.convention, target.framework
    takes = False
    for framework, turned in product((usual[1], own), (False, True)):
        first = usual[0].labels_first is not turned
        target.convention, target.framework = replace(usual[0], labels_first=first), framework
        answered = next((one for one in trials if target.evaluate(one, ("loss",)).raised is None), None)
        if answered is not None:
            takes = target.framework is own
            own.differentiates = takes and target.evaluate(answered, ("gradient",)).raised is None
            break
    target.convention, target.settled, target.earlier = usual[0], takes, EarlierResults()
    target.framework = own if takes else usual[1]
    return takes


def _prefer(native: str, target: Target, batch: Batch) -> None:
    """Settle on the framework whose arrays the loss returns, if it takes them too."""
    tried = target.framework
    target.framework = framework_named(native)
    if target.evaluate(batch, ("loss",)).raised is not None:
        target.framework = tried


def small_batch(contract: Any) -> Batch:
    """Return a harmless batch of two rows that a contract allows, as far as it can be told from its mapping."""
    domain = contract.get("domain") or {}
    n = max(2, int((domain.get("rows") or [0])[0]))
    least, most = (int(number or 3) for number in domain.get("classes") or (1, 3))
    m = max(least, min(3, most))
    dtypes = contract.get("dtypes") or ["float32"]
    dtype = next((name for name in dtypes if name in ("float32", "float64", "float16")), "float32")
    probabilities = np.arange(1.0, m + 1.0) / (m * (m + 1) / 2)
    kind = contract.get("input", "logits")
    row = probabilities if kind == "probabilities" else np.log(probabilities)
    scores = np.tile(row, (n, 1)).astype(dtype)
    sparse = np.arange(n, dtype=np.int64) % m
    form = (contract.get("labels") or ["sparse"])[0]
    if form == "sparse":
        wide = "(n,1)" in (contract.get("label_shapes") or [])[:1]
        labels = sparse.reshape(-1, 1) if wide else sparse
    else:
        labels = one_hot(sparse, m, dtype)
    single = {key: option for key, option in OPTIONS.items() if option.kind not in ("weights", "rows")}
    options = {key: option.value(option.plain, At(m)) for key, option in single.items()}
    options["class_weights"] = np.ones(m, dtype)
    options["row_weights"] = np.ones(n, bool if contract.get("row_weights_as") == "bool" else dtype)
    for group in contract.get("exclusive") or ():
        names = [name for name in group if name != form]
        if set(names) <= {*options}:
            del options[names[0]]
    return Batch(scores, labels, form, options)
