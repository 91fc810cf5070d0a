"""Laws on what must not matter, or must matter in a known way: 3, 4, 5, 6, 22."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.batches.input_space import InputSpace, dtype_named, holds, reads_as_classes
from xentcheck.batches.layout import LAYOUTS, few_layouts
from xentcheck.batches.shapes import space_of
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities, Found, Violation, law, of_labels, uncapped_logits
from xentcheck.truth.formats import FORMATS

OFFSETS = (2.0**27, -(2.0**27), 2.0**20, -(2.0**20), 8192.0, -128.0)


@law(
    3,
    "shift",
    "Adding one number to all logits of a row changes neither loss nor gradient.",
    formula="loss(z + c·1, y) = loss(z, y) and g(z + c·1, y) = g(z, y)",
    sources="pytorch 11752, 38839; optax 1792; mlx 4188",
    needs="any",
    applies=uncapped_logits,
)
def shift(case: Case) -> Iterator[Found]:
    """Offsets +-1e2 to +-1e8; the rounded logits are the new batch, so the truth is exact for what was passed."""
    format_ = FORMATS[case.batch.dtype]
    random = case.random("shift")
    usable = [offset for offset in OFFSETS if abs(offset) < format_.largest / 8]
    scores = case.batch.scores.astype(np.float64)
    if not scores.size or not np.all(np.abs(scores[np.isfinite(scores)]) < format_.largest / 8):
        return
    offset = usable[int(random.integers(len(usable)))]
    moved = case.batch.replace(scores=(scores + offset).astype(format_.dtype))
    yield case.check(moved, f"after {offset:.0f} was added to every logit")


@law(
    4,
    "class-permutation",
    "Renaming the classes renames the gradient's columns and leaves the loss as it is.",
    formula="loss(π(z), π(y)) = loss(z, y) and g(π(z), π(y)) = π(g(z, y))",
    sources="pytorch 62897, 143644; Liger-Kernel 1338; Megatron-LM 737",
    needs="any",
)
def class_permutation(case: Case) -> Iterator[Found]:
    """Scores, labels and class weights are permuted together; a class that is ignored keeps its place."""
    batch = case.batch
    if batch.m < 2:
        return
    random = case.random("permute")
    order = random.permutation(batch.m)
    ignored = case.contract.value_in("ignore_index", batch.options)
    if isinstance(ignored, (int, np.integer)) and 0 <= ignored < batch.m:
        order = np.concatenate([order[order != ignored], [ignored]])
        order = np.insert(order[:-1], int(ignored), int(ignored))
    if isinstance(case.contract.class_weights, tuple):
        return  # constant weights belong to the classes as they are
    yield case.check(permute_classes(batch, order), f"with the classes in the order {_short(order)}")


def permute_classes(batch: Batch, order: np.ndarray) -> Batch:
    """Return the batch whose class j is the class order[j] of the one given."""
    options = dict(batch.options)
    if options.get("class_weights") is not None:
        options["class_weights"] = np.asarray(options["class_weights"])[order]
    if batch.label_form != "sparse":
        return batch.replace(scores=batch.scores[:, order], labels=batch.labels[:, order], options=options)
    position = np.empty(batch.m, np.int64)
    position[order] = np.arange(batch.m)
    labels = batch.labels.copy()
    inside = (labels.astype(np.int64) >= 0) & (labels.astype(np.int64) < batch.m)
    labels[inside] = position[labels[inside].astype(np.int64)].astype(labels.dtype)
    return batch.replace(scores=batch.scores[:, order], labels=labels, options=options)


@law(
    5,
    "row-independence",
    "A row's loss and gradient do not depend on the other rows, on their order or on their number.",
    formula="L_i depends on z_i and y_i alone",
    sources="pytorch 143644; ml-cross-entropy 59; Liger-Kernel 1298; verl 5349",
    needs="any",
)
def row_independence(case: Case) -> Iterator[Found]:
    """Rows reversed, or one row alone, or the rows repeated up to around a power of two: one of them a batch."""
    batch = case.batch
    if batch.n == 0:
        return
    random = case.random("rows")
    row = int(random.integers(batch.n))
    count = int(random.choice([7, 8, 9, 15, 16, 17, 31, 32, 33]))
    ways = [(batch.rows(slice(None, None, -1)), "with the rows in reverse order")]
    if not case.capabilities.expensive_shapes:
        ways.append((batch.rows([row]), f"with row {row} alone"))
        if batch.n * batch.m <= 64:
            ways.append((batch.rows(np.arange(count) % batch.n), f"with the rows repeated up to {count} rows"))
    yield case.check(*ways[int(random.integers(len(ways)))])


def _label_forms(contract: Contract, capabilities: Capabilities) -> str:
    if why := of_labels(contract, capabilities):
        return why
    dtypes = max(len(contract.promised_sparse_dtypes(scores)) for scores in contract.dtypes)
    sparse = "sparse" in contract.labels and (dtypes > 1 or len(contract.label_shapes) > 1)
    dense = contract.labels != ("sparse",) and len(contract.promised_dense_dtypes) > 1
    varied = len(contract.labels) > 1 or sparse or dense
    return "" if varied else "one label form, in one dtype and shape, is promised"


@law(
    6,
    "label-forms",
    "Sparse, one-hot and soft labels, in every label dtype and shape promised, give the same loss and gradient.",
    formula="loss(z, y) = loss(z, onehot(y)) in every dtype and shape of y",
    sources="pytorch 107680; tensorflow 8484; keras 15012, 23664; pytorch 39769; burn 5568",
    needs="any",
    applies=_label_forms,
)
def label_forms(case: Case) -> Iterator[Found]:
    """The same labels in another promised form, dtype or shape, first in a dtype with no number for some class."""
    integers = list(_other_integers(case))
    narrow = [(batch, said) for batch, said in integers if not holds(batch.labels.dtype.name, batch.m - 1)]
    ways = narrow or [*_other_forms(case), *integers, *_other_numbers(case), *_other_shapes(case)]
    if ways and case.may_compile:
        yield case.check(*ways[int(case.random("forms").integers(len(ways)))])


def _other_forms(case: Case) -> Iterator[tuple[Batch, str]]:
    """The labels in another form, where no row is ignored: dense labels have no way to say so."""
    contract, batch = case.contract, case.batch
    forms = [form for form in contract.labels if form != batch.label_form]
    if "ignore_index" in batch.options:
        return
    ignored = contract.value_in("ignore_index", batch.options)
    if batch.label_form == "sparse":
        flat = batch.labels.reshape(-1).astype(np.int64)
        if np.all((flat >= 0) & (flat < batch.m) & (flat != ignored)):
            for form in forms:
                dense = one_hot(flat, batch.m, batch.scores.dtype)
                yield batch.replace(labels=dense, label_form=form), f"with the labels as {form} rows"
    elif batch.label_form == "soft":
        dense = one_hot(batch.labels.astype(np.float64).argmax(axis=1), batch.m, batch.labels.dtype)
        yield batch.replace(labels=dense), "with all weight on each row's largest label"
    elif batch.label_form == "onehot" and _all_one_hot(batch):
        flat = batch.labels.astype(np.float64).argmax(axis=1)
        for form in forms:
            if form == "soft":
                yield batch.replace(label_form="soft"), "with the labels passed as soft ones"
            elif not np.any(flat == ignored):
                promised = contract.promised_sparse_dtypes(batch.dtype)
                highest = int(flat.max(initial=0))
                name = "int64" if "int64" in promised else next((one for one in promised if holds(one, highest)), "")
                if not name:
                    continue  # none of those promised has so high a number
                labels = flat.astype(dtype_named(name))
                yield batch.replace(labels=labels, label_form="sparse"), "with the labels as integers"


def _all_one_hot(batch: Batch) -> bool:
    dense = batch.labels.astype(np.float64)
    return bool(np.all(np.isin(dense, (0.0, 1.0))) and np.all(dense.sum(axis=1) == 1))


_NUMBERS_OF_UINT8 = 256


def _other_integers(case: Case) -> Iterator[tuple[Batch, str]]:
    """The class numbers in every other promised dtype that holds them.

    Where each costs a compilation, int32 and uint8 at the one shape of which batches have every dtype anyway, and else
    uint8 where it does not hold as many numbers as there are scores: an index may wrap round in it.
    """
    contract, batch = case.contract, case.batch
    if batch.label_form != "sparse":
        return
    promised = contract.promised_sparse_dtypes(batch.dtype)
    if case.capabilities.expensive_shapes:
        space = space_of(InputSpace(contract, batch.dtype, batch.label_form), batch.scores.shape)
        few = ("uint8",) if batch.scores.size > _NUMBERS_OF_UINT8 else ()
        promised = tuple(name for name in promised if name in (few if space.few_graphs else ("int32", "uint8")))
    values = batch.labels.astype(np.int64)
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    for name in promised:
        if holds(name, low) and holds(name, high) and name != batch.labels.dtype.name:
            yield batch.replace(labels=batch.labels.astype(dtype_named(name))), f"with labels of dtype {name}"


def _other_numbers(case: Case) -> Iterator[tuple[Batch, str]]:
    """One-hot and soft labels in every other promised dtype that holds them; just one where it costs a compilation."""
    batch = case.batch
    if batch.label_form == "sparse":
        return
    exact = batch.labels.astype(np.float64)
    promised = case.contract.promised_dense_dtypes
    for name in [name for name in promised if name == "int64"] if case.capabilities.expensive_shapes else promised:
        dtype = batch.scores.dtype if name == "same" else dtype_named(name)
        if dtype != batch.labels.dtype:
            with np.errstate(all="ignore"):
                other = batch.labels.astype(dtype)
            ambiguous = reads_as_classes(case.contract, batch.m, dtype)
            if not ambiguous and np.array_equal(other.astype(np.float64), exact):
                yield batch.replace(labels=other), f"with labels of dtype {dtype.name}"


def _other_shapes(case: Case) -> Iterator[tuple[Batch, str]]:
    """The labels in the other promised shape."""
    batch = case.batch
    if batch.label_form != "sparse":
        return
    for shape in case.contract.label_shapes:
        wanted = (batch.n,) if shape == "(n,)" else (batch.n, 1)
        if wanted != batch.labels.shape:
            yield batch.replace(labels=batch.labels.reshape(wanted)), f"with labels of shape {shape}"


@law(
    22,
    "layout",
    "The result has the declared shape, and how the input lies in memory does not matter.",
    sources="tensorflow 32231; keras 23451; pytorch 69617, 31829; scikit-learn 30910",
    needs="any",
)
def layout(case: Case) -> Iterator[Found]:
    """Shapes of the results; Fortran, strided, reversed, read-only, unaligned and zero-stride inputs."""
    for part in case.want:
        malformed = case.answer.malformed(part)
        if malformed:
            yield Violation(malformed, case.batch, part)
    random = case.random("layout")
    layouts = few_layouts(case.batch.dtype) if case.capabilities.expensive_layouts else LAYOUTS
    others = [name for name in layouts if name != case.batch.layout]
    name = others[int(random.integers(len(others)))]
    yield case.check(case.batch.replace(layout=name), f"with the input laid out {name}")


def _short(order: np.ndarray) -> str:
    shown = ", ".join(str(int(i)) for i in order[:8])
    return f"[{shown}{', ...' if order.size > 8 else ''}]"
