"""Scripts carry what they need of a shim with them, and import nothing of it."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from tests.report.test_idioms import finding
from xentcheck.contract import Contract
from xentcheck.report.reproducer import script
from xentcheck.report.shim_source import shim_source
from xentcheck.targets import TargetSpecification, shims
from xentcheck.targets.shims import scipy_special

SHIMS = "xentcheck.targets.shims."
FILES = sorted(path for path in Path(shims.__file__).parent.glob("*.py") if path.stem != "__init__")
FUNCTIONS = [
    (path.stem, one.name)
    for path in FILES
    for one in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(one, ast.FunctionDef) and not one.name.startswith("_")
]
NOT_ALONE = {"onnx_reference", "onnxruntime_session", "reference_vjp"}
"""These take more of xentcheck."""


@pytest.mark.parametrize(("module", "name"), FUNCTIONS, ids=".".join)
def test_every_shim_is_carried_along(module: str, name: str) -> None:
    """What is needed of its file compiles by itself, names nothing of xentcheck and lacks no name of that file."""
    source = shim_source(SHIMS + module, name)
    if module in NOT_ALONE:
        assert source == ""
        return
    tree = ast.parse(source)
    assert "xentcheck" not in source
    defined = {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
    whole = ast.parse((Path(shims.__file__).parent / f"{module}.py").read_text(encoding="utf-8"))
    own = {one.name for one in whole.body if isinstance(one, ast.FunctionDef)}
    assert name in defined
    assert {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)} & own <= defined


def test_it_gives_the_same() -> None:
    """The lines, executed where nothing else is, make the function of the shim; what it does not need is left out."""
    source = shim_source(SHIMS + "scipy_special", "logsumexp_gradient")
    names: dict[str, object] = {}
    exec(source, names)
    scores, labels = np.array([[0.5, -1.0, 2.0]]), np.array([2])
    again = names["logsumexp_gradient"]
    assert callable(again)
    np.testing.assert_array_equal(again(scores, labels), scipy_special.logsumexp_gradient(scores, labels))
    assert "log_softmax_loss" not in source


@pytest.mark.parametrize("module", ["numpy", "xentcheck.targets.shims.of_nothing", "tests.report.test_idioms"])
def test_only_shims_are(module: str) -> None:
    """Whatever else is named is imported from where it is."""
    assert shim_source(module, "finding") == ""


def test_settings_of_a_file_are_not_left_out() -> None:
    """A shim that sets something when it is imported is not taken apart."""
    assert shim_source(SHIMS + "keras_torch", "categorical_crossentropy") == ""


def test_the_script_of_a_target_with_a_shim() -> None:
    """It needs the library alone."""
    target = TargetSpecification("torch.distributions.Categorical.log_prob")
    contract = Contract.from_mapping({"output": "log_probability", "reduction": "none"})
    source = script(target, contract, finding("loss", "float32"), framework="torch")
    assert "from torch.distributions import Categorical\n" in source
    assert "target = log_prob\n" in source
    assert "from xentcheck" not in source
    assert "import xentcheck" not in source
