"""Scripts carry what they need of a shim with them, and import nothing of it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.report.test_idioms import finding, ran
from xentcheck.contract import Contract
from xentcheck.report.reproducer import script
from xentcheck.report.reproducer_parts import in_order
from xentcheck.report.shim_source import shim_member, shim_source
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
NOT_ALONE = {"reference_vjp"}
"""Of xentcheck itself."""


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
    """What a shim sets when it is imported stands before the import that it is for; its own check is left out."""
    lines = shim_source(SHIMS + "keras_torch", "categorical_crossentropy").strip().split("\n")
    assert lines[:2] == ["import os", 'os.environ["KERAS_BACKEND"] = "torch"']
    assert lines[2:] == ["from keras.losses import categorical_crossentropy"]
    source = shim_source(SHIMS + "onnxruntime_session", "loss")
    assert source.index("import onnxruntime\n") < source.index("onnxruntime.set_default") < source.index("def loss(")
    assert "def model(" in source
    assert "def feed(" in source


def test_what_is_set_in_another_way_is_not_taken_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that binds no name and calls nothing, or one that imports what is no shim of ours."""
    monkeypatch.setattr(shims, "__path__", [*shims.__path__, str(tmp_path)])
    (tmp_path / "conditional.py").write_text("if True:\n    pass\n\ndef loss():\n    return 1\n")
    (tmp_path / "inward.py").write_text("from xentcheck.contract import Contract\n\ndef loss():\n    return Contract\n")
    (tmp_path / "plain.py").write_text("from xentcheck.contract import Contract\n\ndef loss():\n    return 1\n")
    assert shim_source(SHIMS + "conditional", "loss") == ""
    assert shim_source(SHIMS + "inward", "loss") == ""
    assert shim_source(SHIMS + "plain", "loss") == "def loss():\n    return 1\n\n\n"


def test_the_function_of_a_target_is_found() -> None:
    """Under its key, where one target is named or several at once; a function has no members."""
    assert shim_member(SHIMS + "sklearn_loss", "CROSS_ENTROPY", "value_and_gradient") == "loss_and_gradient"
    assert shim_member(SHIMS + "thinc_losses", "SEQUENCE", "value_and_gradient") == "sequence"
    assert shim_member(SHIMS + "thinc_losses", "CATEGORICAL", "loss") == ""
    assert shim_member(SHIMS + "scipy_special", "logsumexp_loss", "loss") == ""
    assert shim_member("numpy", "array", "loss") == ""


@pytest.mark.needs("sklearn")
@pytest.mark.parametrize(("part", "element"), [("loss", "[0]"), ("gradient[0, 0]", "[1]")])
@pytest.mark.parametrize("python", ["", sys.executable], ids=["here", "elsewhere"])
def test_the_script_of_a_loss_with_its_own_gradient(part: str, element: str, python: str, tmp_path: Path) -> None:
    """It takes of the answer what is meant; so it does for the Python of another environment, which lacks xentcheck."""
    target = TargetSpecification("sklearn.HalfMultinomialLoss", python=python)
    source = script(target, Contract.from_mapping({"reduction": "none"}), finding(part, "float64"), framework="numpy")
    assert f"returned = loss_and_gradient(scores, labels){element}\n" in source
    assert "xentcheck" not in source.replace("Written by xentcheck.", "")
    assert "Any" not in source  # nor what an older Python cannot read, as tuple[Any, Any]
    wrong = ran(source.replace("float(returned)", "float(returned[0])"), tmp_path / "right.py")
    assert wrong.returncode == 0, wrong.stderr


@pytest.mark.needs("torch")
def test_a_librarys_own_function_in_another_interpreter() -> None:
    """The script calls it as one of this interpreter's, and says which Python it is for."""
    target = TargetSpecification("torch.nn.functional.cross_entropy", python=sys.executable)
    source = script(target, Contract(), finding("loss", "float64"), framework="torch")
    assert "from torch.nn.functional import cross_entropy\n" in source
    assert "from xentcheck" not in source
    assert f"To be run by {sys.executable}\n" in source


def test_imports_are_put_in_order() -> None:
    """Those before the first statement: Python's own first, whole modules before parts of one."""
    given = "import torch\nimport os\nfrom math import inf\n\nos.environ['A'] = ''\nimport numpy\n"
    wanted = "import os\nfrom math import inf\n\nimport torch\n\nos.environ['A'] = ''\nimport numpy\n"
    assert in_order(given) == wanted
    assert in_order("x = 1\nimport os") == "x = 1\nimport os"


@pytest.mark.needs("torch")
def test_the_script_of_a_target_with_a_shim() -> None:
    """It needs the library alone."""
    target = TargetSpecification("torch.distributions.Categorical.log_prob")
    contract = Contract.from_mapping({"output": "log_probability", "reduction": "none"})
    source = script(target, contract, finding("loss", "float32"), framework="torch")
    assert "from torch.distributions import Categorical\n" in source
    assert "returned = log_prob(scores, labels)\n" in source
    assert "from xentcheck" not in source
    assert "import xentcheck" not in source


def test_types_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is imported for them alone, and whatever they are of; the functions are the same."""
    monkeypatch.setattr(shims, "__path__", [*shims.__path__, str(tmp_path)])
    (tmp_path / "typed.py").write_text(
        "from __future__ import annotations\n\nfrom typing import Any\n\n\n"
        "def loss(\n    z: Any, y: Any = 'a',\n    *more: int, w: dict[str, Any] | None = None\n) -> tuple[Any, Any]:\n"
        '    """Return it."""\n    seen: dict[str, Any] = {}\n    def inner(x: int) -> int:\n        return x\n'
        "    return z, (y, more, w, seen, inner(1))\n"
    )
    source = shim_source(SHIMS + "typed", "loss")
    assert source.startswith('def loss(z, y="a", *more, w=None):\n    """Return it."""\n    seen = {}\n')
    assert "Any" not in source
    names: dict[str, Any] = {}
    exec(source, names)
    assert names["loss"](1, 2, 3, w={}) == (1, (2, (3,), {}, {}, 1))
