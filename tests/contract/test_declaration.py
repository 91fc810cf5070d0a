"""The contract: its keys and values, and what is said of others."""

from __future__ import annotations

import json

import pytest

from xentcheck.contract import Argument, Boundary, Contract, ContractError, parse_assignment

EXAMPLES = {
    "input": ["logits", "probabilities", "log_probabilities"],
    "labels": [["sparse"], ["onehot", "soft"]],
    "label_dtypes": ["integers", ["int64"], ["float32", "int8"], ["same"]],
    "dense_label_dtypes": ["numbers", ["same"], ["bool", "uint16", "float16"]],
    "label_shapes": [["(n,)"], ["(n,)", "(n,1)"]],
    "reduction": ["mean", "sum", "none"],
    "argument_order": ["scores_first", "labels_first"],
    "boundary": [
        "exact",
        {"add": 1e-7},
        {"clip": [1e-7, 0.9999999]},
        {"clip": [0.0, 1.0], "normalise": True},
        {"clip": "eps"},
        {"clip": "eps", "normalise": True},
        {"clip": [1e-15, 1.0], "normalise": "after"},
        {"clip": "eps", "normalise": "after"},
    ],
    "output": ["loss", "log_probability", "entropy"],
    "gradient_wrt": ["logits", "probabilities"],
    "gradient_of": ["ideal", "loss", "p - t", "ideal at clip(p)"],
    "gradient_reduction": [None, "sum", "mean", "none"],
    "mean_over": ["rows", "kept", "weights"],
    "empty_mean": ["unspecified", "nan", "zero"],
    "label_smoothing": [
        0.0,
        0.1,
        {"argument": "smoothing"},
        {"argument": "smoothing", "range": [0.0, 0.9]},
        {"argument": "smoothing", "range": "[0, 1)"},
    ],
    "smoothing_over": ["all", "others"],
    "smoothing_weights": ["label", "class", "mean"],
    "class_weights": [None, [1.0, 2.0], {"argument": "weight"}],
    "class_weights_as": ["numbers", "signed"],
    "divisor": [None, {"argument": "num_items_in_batch"}],
    "row_weights": [None, {"argument": "sample_weight"}],
    "row_weights_as": ["numbers", "mask", "bool"],
    "ignore_index": [None, -100, 0, {"argument": "ignore_index"}],
    "z_loss": [0.0, 1e-4, {"argument": "z"}, {"argument": "z", "range": [0.0, 1e-3]}],
    "exclusive": [[], [["class_weights", "label_smoothing"], ["soft", "ignore_index", "z_loss"]]],
    "soft_cap": [None, 30.0, {"argument": "softcap"}, {"argument": "softcap", "range": [5.0, 50.0]}],
    "temperature": [None, 0.7, {"argument": "tau"}, {"argument": "tau", "range": "(0, 2]"}],
    "axis": [-1, 0, 1],
    "extra_axes": [[0], [2], [0, 1, 3]],
    "soft_rows": ["normalised", "any", "renormalised"],
    "nonfinite": [[], ["-inf"], ["-inf", "+inf", "nan"], ["-inf off the label", "nan"]],
    "invalid": ["unspecified", "raise", ["label_negative"], {"returns": -1.0}],
    "domain": [{}, {"rows": [1, 200], "classes": [2, 300], "magnitude": 1e4, "label_probability": "positive"}],
    "dtypes": [["float32", "float64"], ["float16", "bfloat16"]],
    "compute": [None, "float32", "same"],
    "output_dtype": ["any", "same", "float64"],
    "accuracy": ["B", "A*", "A", "B+", "C"],
    "shapes": ["measured", "few", "many"],
    "calls": ["measured", "few", "many"],
}
APART = {key: {"argument": key} for key in ("class_weights", "label_smoothing", "ignore_index", "z_loss")}
SIGNED = {"class_weights": [1.0, -1.0], "class_weights_as": "signed"}
SOFT = {"labels": ["onehot", "soft"], "soft_rows": "any"}


def test_every_key_has_an_example():
    """The table above misses no key."""
    assert set(EXAMPLES) == set(Contract().as_mapping())


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in EXAMPLES.items() for value in values])
def test_values_survive_json(key, value):
    """Each documented value is taken, and comes back the same through JSON."""
    beside = {"reduction": "sum"} if key == "divisor" else {}
    beside = {"class_weights": {"argument": "w"}} if key == "class_weights_as" else beside
    beside = {"labels": ["soft"], "soft_rows": "any"} if value == "p - t" else beside
    beside = {"boundary": {"clip": [1e-7, 1.0]}} if value == "ideal at clip(p)" else beside
    beside = {"input": "probabilities"} if key == "boundary" else beside
    beside = {**APART, "labels": ["soft"]} if key == "exclusive" else beside
    contract = Contract.from_mapping({**beside, key: value})
    stated = json.loads(json.dumps(contract.as_mapping()))
    assert stated[key] == value
    assert Contract.from_mapping(stated) == contract


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"reductoin": "sum"}, "did you mean 'reduction'"),
        ({"reduction": "average"}, "'mean', 'sum' or 'none'"),
        ({"labels": ["sparse", "dense"]}, "'sparse', 'onehot' or 'soft'"),
        ({"labels": []}, "at least one"),
        ({"labels": 3}, "must be a list"),
        ({"boundary": {"add": 1e-7, "clip": [0, 1]}}, "both add and clip"),
        ({"boundary": {"clip": [0.5]}}, r"must be \[low, high\]"),
        ({"boundary": {"eps": 1e-7}}, '"exact"'),
        ({"boundary": {"clip": "epsilon"}}, r'must be \[low, high\] or "eps"'),
        ({"boundary": {"add": "eps"}}, "must be a finite number"),
        ({"boundary": {"add": "small"}}, "must be a finite number"),
        ({"label_smoothing": 1.5}, r"must lie in \[0, 1\]"),
        ({"label_smoothing": True}, "must be a finite number"),
        ({"label_smoothing": {"arg": "eps"}}, "a constant or"),
        ({"label_smoothing": {"argument": "eps", "range": [0, 1.5]}}, r"label_smoothing lies in \[0, 1\]"),
        ({"label_smoothing": {"argument": "eps", "range": [0.5, 0.5]}}, "lowest < highest"),
        ({"label_smoothing": {"argument": "eps", "range": "0 to 1"}}, "where an end is left out"),
        ({"label_smoothing": {"argument": "eps", "range": "[0, 1"}}, "where an end is left out"),
        ({"label_smoothing": {"argument": "eps", "range": [0, "1"]}}, r"must be \[lowest, highest\]"),
        ({"label_smoothing": {"argument": "eps", "range": 1}}, r"must be \[lowest, highest\]"),
        ({"label_smoothing": {"argument": "eps", "least": 0}}, '"range": '),
        ({"temperature": {"argument": "tau", "range": [0, 2]}}, r"temperature lies in \(0, inf\)"),
        ({"z_loss": {"argument": "z", "range": "(-1, 2]"}}, r"z_loss lies in \[0, inf\)"),
        ({"class_weights": {"argument": "w", "range": [0, 1]}}, 'a constant or {"argument": NAME}.'),
        ({"ignore_index": {"argument": "i", "range": [0, 1]}}, 'a constant or {"argument": NAME}.'),
        ({"class_weights": "balanced"}, "must be null, a list of numbers or"),
        ({"gradient_of": "p-t"}, "did you mean 'p - t'"),
        ({"gradient_of": "p - t"}, r"gradient_of is 'p - t', but labels is \['sparse'\]: it needs soft labels"),
        ({**SOFT, "gradient_of": "p - t", "soft_rows": "renormalised"}, "but soft_rows is 'renormalised'"),
        ({**SOFT, "gradient_of": "p - t", "gradient_wrt": "probabilities"}, "but gradient_wrt is 'probabilities'"),
        ({**SOFT, "gradient_of": "p - t", "class_weights": {"argument": "w"}}, "takes no class_weights"),
        ({"class_weights": [1.0, -1.0]}, r"is -1.0, but must lie in \[0, inf\] unless class_weights_as is 'signed'"),
        ({"class_weights_as": "signed"}, "but there are no class_weights"),
        ({**SIGNED, "mean_over": "weights"}, "a mean over weights of both signs may divide by 0"),
        ({**SIGNED, "mean_over": "weights", "reduction": "sum", "gradient_reduction": "mean"}, "may divide by 0"),
        ({**SIGNED, "smoothing_weights": "mean"}, "the mean of weights of both signs may be 0"),
        ({**SIGNED, "labels": ["soft"]}, "it needs smoothing_weights 'class'"),
        ({"smoothing_weights": "row"}, "'label', 'class' or 'mean'"),
        (
            {"smoothing_weights": "mean", "smoothing_over": "others", "soft_rows": "any"},
            "over the others a label above 1",
        ),
        ({"divisor": 0.0, "reduction": "sum"}, "must be null, a positive number or"),
        ({"divisor": 8.0}, "it divides a sum, and reduction is 'mean'"),
        ({"row_weights": [1.0, 2.0]}, "must be null or .*each batch has its own"),
        ({"row_weights": {"argument": 3}}, "a constant or"),
        ({"row_weights_as": "boolean"}, "'numbers', 'mask' or 'bool'"),
        ({"ignore_index": 1.5}, "must be an integer"),
        ({"axis": 2}, "must be -1, 0 or 1"),
        ({"extra_axes": 4}, "extra_axes is 4, but must be a number of axes from 0 to 3 or a list of such"),
        ({"extra_axes": []}, "but must be a number of axes"),
        ({"extra_axes": [True]}, "but must be a number of axes"),
        ({"extra_axes": "two"}, "but must be a number of axes"),
        ({"exclusive": "class_weights"}, "exclusive is 'class_weights', but must be a list of lists of names"),
        ({"exclusive": 1}, "must be a list of lists"),
        ({"exclusive": ["soft"]}, "its items must be lists of names"),
        ({**APART, "exclusive": [["class_weight", "z_loss"]]}, "did you mean 'class_weights'"),
        ({**APART, "exclusive": [["class_weights", "class_weights"]]}, "at least two names"),
        ({**APART, "exclusive": [["soft", "onehot", "z_loss"]]}, "at most one of them of a form of labels"),
        ({"exclusive": [["class_weights", "z_loss"]]}, "names class_weights, which is no argument of the call"),
        ({**APART, "exclusive": [["soft", "z_loss"]]}, r"names soft labels, and labels is \['sparse'\]"),
        ({"soft_cap": 0.0}, "must be null, a positive number or"),
        ({"soft_cap": -30}, "must be null, a positive number or"),
        ({"soft_cap": "30"}, "must be a finite number"),
        ({"soft_cap": 30.0, "input": "probabilities"}, "it caps logits, and input is 'probabilities'"),
        ({"temperature": 0}, "must be null, a positive number or"),
        ({"temperature": 2.0, "input": "log_probabilities"}, "it divides logits, and input is 'log_probabilities'"),
        ({"nonfinite": ["-inf of the label"]}, "did you mean '-inf off the label'"),
        (
            {"output": "entropy", "label_smoothing": 0.1},
            "but label_smoothing is said of labels or of the loss's options",
        ),
        ({"output": "entropy", "labels": ["soft"]}, "but labels is said of labels"),
        ({"output": "entropy", "input": "log_probabilities"}, "log-probabilities it is not judged yet"),
        ({"output": "entropy", "gradient_wrt": "probabilities"}, "must be 'logits' or what the input is"),
        ({"output": "entropy", "boundary": {"add": 1e-8}}, "nothing is added or clipped"),
        ({"output": "entropy", "nonfinite": ["-inf off the label"]}, "there is no label: it is '-inf'"),
        ({"output": "entropy", "domain": {"label_probability": "positive"}}, "there is no label"),
        ({"invalid": {"gives": 0}}, "sentinel"),
        ({"invalid": ["label_missing"]}, "'label_out_of_range'"),
        ({"domain": {"rows": [5, 1]}}, r"\[lowest, highest\]"),
        ({"domain": {"row": [1, 5]}}, "did you mean 'rows'"),
        ({"accuracy": "D"}, "'A\\*'"),
    ],
)
def test_bad_values_are_one_sentence(given, words):
    """What was given, and what is wanted, in one line."""
    with pytest.raises(ContractError, match=words) as raised:
        Contract.from_mapping(given)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("reduction=sum", ("reduction", "sum")),
        ("label_smoothing=0.1", ("label_smoothing", 0.1)),
        ('labels=["onehot"]', ("labels", ["onehot"])),
        ('boundary={"add": 1e-7}', ("boundary", {"add": 1e-7})),
        ("class_weights=null", ("class_weights", None)),
    ],
)
def test_assignments(text, pair):
    """A value is JSON, or a bare word where it is none."""
    assert parse_assignment(text) == pair


def test_assignment_without_a_value():
    """KEY alone is refused with an example."""
    with pytest.raises(ContractError, match="KEY=VALUE"):
        parse_assignment("reduction")


def test_arguments_are_the_options_that_are_drawn():
    """Constants are not among them."""
    contract = Contract(label_smoothing=Argument("eps"), ignore_index=-100)
    assert contract.arguments == {"label_smoothing": "eps"}


def test_what_is_left_out_has_its_default():
    """An option that others exclude may be missing in a call, any other has to be there; constants stay."""
    contract = Contract.from_mapping({**APART, "temperature": 2.0, "exclusive": [["class_weights", "ignore_index"]]})
    assert contract.optional == {"class_weights", "ignore_index"}
    assert [contract.value_in(key, {}) for key in ("class_weights", "ignore_index", "temperature")] == [None, None, 2.0]
    assert contract.value_in("ignore_index", {"ignore_index": 3}) == 3
    with pytest.raises(KeyError):
        contract.value_in("z_loss", {})
    assert contract.refused("sparse", ["z_loss", "ignore_index", "class_weights"]) == ("class_weights", "ignore_index")
    assert contract.refused("sparse", ["z_loss", "class_weights"]) == ()


def test_replace_and_effective_gradient_reduction():
    """The gradient's reduction is the loss's unless it is declared; a contract is changed by making another."""
    contract = Contract(reduction="sum")
    assert contract.effective_gradient_reduction == "sum"
    other = contract.replace(gradient_reduction="mean", boundary={"add": 1e-7})
    assert other.effective_gradient_reduction == "mean"
    assert other.boundary == Boundary(add=1e-7)
    assert contract.boundary.exact
