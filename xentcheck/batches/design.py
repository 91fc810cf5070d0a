"""The design of a contract: the factors of a small batch, their levels, and which of them exclude each other.

What the contract fixes (reduction, boundary, constants) is no factor: every batch has it.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from itertools import combinations, product

from xentcheck.batches.covering import Level, Row, covering_rows
from xentcheck.batches.families import FAMILIES
from xentcheck.batches.input_space import InputSpace, holds
from xentcheck.batches.layout import LAYOUTS
from xentcheck.batches.shapes import Shape
from xentcheck.contract import Contract
from xentcheck.contract.declaration import OPTIONS
from xentcheck.contract.key import At
from xentcheck.truth.formats import FORMATS

KINDS: dict[str, tuple[str, ...]] = {
    "moderate": ("plain", "exact_grid", "ramps", "losses_of_4_to_40"),
    "confident": ("confident_right", "label_probability_near_one"),
    "wrong": ("confident_wrong",),
    "shifted": ("beyond_exponential_range",),
    "equal": ("ties",),
    "masked": ("masks",),
    "ends": ("probability_ends", "probability_at_constants", "probabilities_in_tenths"),
    "other sums": ("rows_not_summing_to_one",),
}
"""Kinds of scores and their families, which take turns; none whose allowances would hide what an option does."""
IGNORED_ROWS = ("none", "some", "all")
UNUSED = "unused"
SIGNED = "signed"
"""The level of class weights of which every second one is below 0."""
LEFT_OUT = "left out"
"""The level of an option that is not in the call, since others exclude it."""


def design(
    contract: Contract, dtypes: Sequence[str], shape: Shape, strength: int, *, few_graphs: bool = False
) -> tuple[Row, ...]:
    """Return rows in which all admissible pairs or triples of levels occur; always the same.

    Parameters
    ----------
    contract : Contract
    dtypes : sequence of str
        Those of the run: the rows are shared by its cells.
    shape : (int, int)
        Of the batches that are to be made of the rows.
    strength : int
        2 for pairs, 3 for triples.
    few_graphs : bool
        Whether the target compiles anew for each dtype of labels with each number among the options: then as few of
        these combinations as can be occur, and with pairs only those that are not `uncombined`.
    """
    settings = {form: InputSpace(contract, dtypes[0], form) for form in contract.labels}
    some = next(iter(settings.values()))
    factors: dict[str, tuple[Hashable, ...]] = {
        "dtype": tuple(dtypes),
        "labels": contract.labels,
        "scores": tuple(kind for kind in KINDS if families_of(some, kind)),
        "layout": LAYOUTS,
    }
    excluded: set[frozenset[Level]] = set()
    if "sparse" in settings:
        sparse = settings["sparse"]
        factors["label dtype"] = sparse.label_dtypes(shape[1])
        factors["label shape"] = contract.label_shapes
        factors["ignored rows"] = _ignored_rows(sparse, shape[0])
        excluded |= _not_held(sparse, factors, shape[1])
    if "soft" in settings:
        factors["soft rows"] = _soft_rows(settings["soft"], shape[0])
    dense = [form for form in settings if form != "sparse"]
    if dense:
        factors["dense label dtype"] = contract.promised_dense_dtypes
        excluded |= _without_fractions(factors)
    of_forms: dict[str, tuple[str, ...]] = {
        "label dtype": ("sparse",),
        "label shape": ("sparse",),
        "ignored rows": ("sparse",),
        "soft rows": ("soft",),
        "dense label dtype": tuple(dense),
    }
    for name, forms in of_forms.items():
        others = [other for other in settings if other not in forms]
        if factors.get(name) and others:
            excluded |= {frozenset({("labels", other), (name, level)}) for other in others for level in factors[name]}
            excluded |= {frozenset({("labels", form), (name, UNUSED)}) for form in forms}
            factors[name] += (UNUSED,)
    for key, declared in contract.drawn.items():
        factors[key] = OPTIONS[key].levels_of(declared) + ((LEFT_OUT,) if key in contract.optional else ())
    if contract.signed_weights and "class_weights" in factors:
        factors["class_weights"] += (SIGNED,)
    excluded |= _exclusive(contract, factors)
    return covering_rows(
        tuple((name, levels) for name, levels in factors.items() if levels),
        strength,
        frozenset(excluded),
        frozenset(_hiding(contract)),
        frozenset(_compiled(contract)) if few_graphs else frozenset(),
        uncombined(contract) if few_graphs and strength == 2 else frozenset(),
    )


def families_of(space: InputSpace, kind: str) -> tuple[str, ...]:
    """Return the families of a kind that may be drawn; no mask where a finite logit would replace it."""
    if kind == "masked" and space.positive and not space.contract.masks_off_label:
        return ()
    return tuple(name for name in KINDS[kind] if FAMILIES[name].suits(space))


def _hiding(contract: Contract) -> set[Level]:
    """Return the levels beside which options do not show: nothing counts, or the loss is infinite."""
    hiding: set[Level] = {("ignored rows", "all"), ("scores", "masked")}
    if contract.boundary.exact:
        hiding |= {("scores", "ends"), ("scores", "other sums")}
    return hiding


def _without_fractions(factors: dict[str, tuple[Hashable, ...]]) -> set[frozenset[Level]]:
    """Return dtypes of dense labels that have no fractions together with soft rows that need them."""
    whole = [name for name in factors["dense label dtype"] if str(name) not in ("same", *FORMATS)]
    return {
        frozenset({("dense label dtype", name), ("soft rows", rows)})
        for name in whole
        for rows in factors.get("soft rows", ())
        if rows != "pure"
    }


def _ignored_rows(space: InputSpace, n: int) -> tuple[str, ...]:
    if not space.drawn("ignore_index") and space.constant_ignore_index is None:
        return ()
    possible = {"none": True, "some": n > 1, "all": not space.empty_is_open or space.contract.mean_over == "rows"}
    return tuple(level for level in IGNORED_ROWS if possible[level])


def _not_held(space: InputSpace, factors: dict[str, tuple[Hashable, ...]], m: int) -> set[frozenset[Level]]:
    """Return label dtypes together with an ignored label that they cannot hold, where rows are to carry it."""
    constant = space.constant_ignore_index
    indices = (
        {level: index_of(level, m) for level in OPTIONS["ignore_index"].levels} if constant is None else {"": constant}
    )
    return {
        frozenset({("label dtype", name), ("ignored rows", share)} | ({("ignore_index", level)} if level else set()))
        for name in factors["label dtype"]
        for share in factors["ignored rows"]
        for level, index in indices.items()
        if share != "none" and not holds(str(name), index)
    }


def _exclusive(contract: Contract, factors: dict[str, tuple[Hashable, ...]]) -> set[frozenset[Level]]:
    """Return levels of options that exclude each other; rows without an ignored label where that is left out."""
    excluded: set[frozenset[Level]] = set()
    for group in contract.exclusive:
        levels = [
            [(name, level) for level in factors[name] if level != LEFT_OUT] if name in OPTIONS else [("labels", name)]
            for name in group
        ]
        excluded |= {frozenset(together) for together in product(*levels)}
    if "ignore_index" in contract.optional:
        rows = [level for level in factors.get("ignored rows", ()) if level in ("some", "all")]
        excluded |= {frozenset({("ignore_index", LEFT_OUT), ("ignored rows", level)}) for level in rows}
    return excluded


def _compiled(contract: Contract) -> set[str]:
    """Return the factors of which a target that compiles for each shape may compile each combination."""
    single = {name for name in contract.drawn if OPTIONS[name].kind in ("number", "integer")}
    return {"dtype", "labels", "label dtype", "label shape", "dense label dtype", *single}


def uncombined(contract: Contract) -> frozenset[frozenset[str]]:
    """Return the pairs of factors of whose levels each occurs, but not each with each, where combinations are compiled.

    Each number of an option occurs in each dtype of scores, and so do dtypes of dense labels, which are added to these.
    Those of class numbers are read as indices, whatever the scores are.
    """
    pairs = (frozenset(pair) for pair in combinations(_compiled(contract), 2))
    return frozenset(pair for pair in pairs if not pair & {"dtype", "labels"} or pair == {"dtype", "label dtype"})


def usual_numbers(contract: Contract, row: Row, fixed: Collection[str]) -> Row:
    """Return the numbers of a row that are neither of the first two levels, and not `fixed`, each as the second."""
    found: dict[str, Hashable] = {}
    for name, declared in contract.drawn.items():
        usual = OPTIONS[name].levels_of(declared)[:2]
        free = OPTIONS[name].kind == "number" and name in row and name not in fixed
        if free and row[name] not in (*usual, LEFT_OUT):
            found[name] = usual[-1]
    return found


def index_of(level: Hashable, m: int) -> int:
    """Return the ignored label that a level stands for among m classes."""
    return int(OPTIONS["ignore_index"].value(level, At(m)))


def _soft_rows(space: InputSpace, n: int) -> tuple[str, ...]:
    """Return kinds of soft rows: half pure, one-hot, uniform, and where the contract takes them other sums and none."""
    kind = space.contract.soft_rows
    more = () if kind == "normalised" else ("sums",)
    return ("mixed", "pure", "uniform", *more, *(("a zero row",) if kind == "any" and n > 1 else ()))
