"""Reproducers: scripts that make the same arrays, bit for bit, and show the finding on their own."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xentcheck.contract
from xentcheck.api import check
from xentcheck.batches.batch import Batch
from xentcheck.batches.layout import LAYOUTS
from xentcheck.batches.storage import to_mapping
from xentcheck.contract import Contract
from xentcheck.report.finding import Finding
from xentcheck.report.literals import array_source
from xentcheck.report.reproducer import script, short_script
from xentcheck.targets import TargetSpecification
from xentcheck.truth.formats import FORMATS

SETTINGS = settings(derandomize=True, database=None, deadline=None, max_examples=60)
MINE = """
import numpy as np


def loss(z, y):
    lse = np.log(np.sum(np.exp(z.astype(np.float64)), axis=1))
    return np.sum(lse - z[np.arange(len(y)), np.asarray(y).reshape(-1)])


class CrossEntropy:
    def loss(self, z, y):
        return loss(z, y)


def labels_first(y, z, weight=None):
    return loss(z * weight, y)
"""


def finding(batch: Batch, **changes: Any) -> Finding:
    """Return a finding on a batch."""
    fields: dict[str, Any] = {"part": "loss", "got": 0.0, "certified": (0.5, 0.75), "allowance": 1e-6, "times": 5e5}
    return Finding(
        "value",
        1,
        "The loss is right.",
        batch.dtype,
        batch.label_form,
        "off",
        to_mapping(batch),
        **{**fields, **changes},
    )


def evaluated(source: str) -> Any:
    """Return the array of an expression."""
    return eval(source, {"np": np, "ml_dtypes": ml_dtypes, "inf": np.inf, "nan": np.nan})


def run(source: str, folder: Path, status: int = 0) -> str:
    """Run a script in a process of its own, which has to end with the status, and return what it prints."""
    path = folder / "again.py"
    path.write_text(source, encoding="utf-8")
    packages = str(Path(xentcheck.contract.__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": packages}
    command = [sys.executable, str(path)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """A file of someone who never saw the project."""
    path = tmp_path / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", FORMATS)
def test_arrays_are_exact(name: str) -> None:
    """The source of an array makes it again, every bit of it: subnormals, infinities and runs."""
    kind = FORMATS[name].dtype
    bits = st.integers(0, 2 ** (8 * kind.itemsize) - 1)

    @SETTINGS
    @given(st.lists(bits, min_size=1, max_size=6), st.integers(1, 30))
    def holds(patterns: list[int], repeats: int) -> None:
        array = np.repeat(np.array(patterns, f"u{kind.itemsize}").view(kind), repeats).reshape(1, -1)
        array[np.isnan(array.astype(np.float64))] = 1
        again = evaluated(array_source(to_mapping(Batch(array, np.zeros(1, np.int64)))["scores"]))
        assert again.dtype == array.dtype
        assert again.shape == array.shape
        assert again.tobytes() == array.tobytes()

    holds()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 3), np.float32),
        np.zeros((2, 0), np.float32),
        np.arange(5, dtype=np.uint8),
        np.arange(6, dtype=np.int64).reshape(6, 1),
        np.arange(300, dtype=np.float64).reshape(3, 100),
        np.array([[1.5, np.inf], [-0.0, -np.inf]], np.float16),
        np.full((40, 3), 2.5, np.float32),
        np.tile(np.arange(7.0), (40, 1)),
        np.repeat(np.arange(3.0), 30).reshape(1, 90),
        np.arange(40).reshape(20, 2),
    ],
)
def test_arrays_of_every_shape(array: np.ndarray[Any, Any]) -> None:
    """Empty arrays, labels and long arrays without runs."""
    stored = {"dtype": array.dtype.name, "shape": list(array.shape), "layout": "C"}
    values = array.reshape(-1).tolist()
    stored["values"] = [float(v).hex() for v in values] if array.dtype.kind == "f" else values
    again = evaluated(array_source(stored))
    assert again.dtype == array.dtype
    assert again.tobytes() == array.tobytes()
    assert again.shape == array.shape


def test_a_function_in_a_file_is_called_directly(mine: str, tmp_path: Path) -> None:
    """Nothing of ours is needed, and the script says how far the answer is off."""
    batch = Batch(np.array([[1.0, 1.0]], np.float32), np.array([0]))
    exact = (0.6931471805599453, 0.6931471805599454)
    source = script(
        TargetSpecification(loss=f"{mine}:loss"),
        Contract(reduction="sum"),
        finding(batch, certified=exact),
        framework="numpy",
    )
    assert "import xentcheck" not in source
    assert "from xentcheck" not in source
    printed = run(source, tmp_path)
    assert "got        0.693147180559945" in printed
    assert "certified  [0.6931471805599453, 0.6931471805599454]" in printed


def test_options_and_order_are_those_of_the_contract(mine: str, tmp_path: Path) -> None:
    """Labels first, and a weight passed by the target's name for it."""
    contract = Contract(argument_order="labels_first", class_weights={"argument": "weight"})  # type: ignore[arg-type]
    weights = np.array([2.0, 2.0], np.float64)
    batch = Batch(np.array([[1.0, 2.0]]), np.array([1]), options={"class_weights": weights})
    source = script(TargetSpecification(loss=f"{mine}:labels_first"), contract, finding(batch), framework="numpy")
    assert "weight = np.array([2.0, 2.0], np.float64)\n" in source
    assert "labels_first(labels, scores, weight=weight)" in source
    assert "got        0.1269280110429" in run(source, tmp_path, status=1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_layouts_are_made_again(mine: str, tmp_path: Path, layout: str) -> None:
    """The script lays the arrays out in memory as the target was given them."""
    batch = Batch(np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([0, 0]), layout=layout)
    source = script(TargetSpecification(loss=f"{mine}:loss"), Contract(), finding(batch), framework="numpy")
    shown = "print(scores.strides, scores.flags.writeable, scores.flags.aligned)\n"
    source = source.replace("raise SystemExit", f"{shown}raise SystemExit")
    given_scores, _ = batch.present()
    expected = f"{given_scores.strides} {given_scores.flags.writeable} {given_scores.flags.aligned}"
    assert expected in run(source, tmp_path, status=1)


def test_an_infinite_answer_is_told(mine: str, tmp_path: Path) -> None:
    """An overflow has an infinite error."""
    batch = Batch(np.array([[1000.0, 0.0]]), np.array([0]))
    source = script(TargetSpecification(loss=f"{mine}:loss"), Contract(), finding(batch), framework="numpy")
    source = source.replace("import numpy as np", "import numpy as np\n\nnp.seterr(all='ignore')", 1)
    assert "error      inf" in run(source, tmp_path, status=1)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"certified": (0.5, 0.75)}, 0),
        ({"certified": (0.75, 0.875)}, 1),
        ({"certified": (0.75, 0.875), "allowance": 0.1}, 0),
        ({"certified": (np.inf, np.inf), "allowance": 0.0}, 1),
        ({"certified": (np.nan, np.nan), "allowance": None}, 1),
        ({"certified": (0.0, 0.0), "allowance": None}, 1),
        ({"certified": (0.5, 0.75), "allowance": None}, 0),
    ],
)
@pytest.mark.parametrize("name", ["loss", "CrossEntropy"])
def test_the_status_is_1_while_the_number_is_wrong(
    mine: str, tmp_path: Path, name: str, changes: dict[str, Any], status: int
) -> None:
    """Called directly, or as xentcheck calls it; the loss is log 2."""
    batch = Batch(np.array([[1.0, 1.0]]), np.array([0]))
    source = script(
        TargetSpecification(loss=f"{mine}:{name}"), Contract(), finding(batch, **changes), framework="numpy"
    )
    run(source, tmp_path, status)


@pytest.mark.parametrize(("got", "status"), [("float64", 1), ("float16", 0)])
def test_the_status_is_1_while_the_dtype_is_the_one_found(mine: str, tmp_path: Path, got: str, status: int) -> None:
    """The loss of float32 scores is float64, and was found to be of some dtype."""
    batch = Batch(np.array([[1.0, 1.0]], np.float32), np.array([0]))
    found = dataclasses.replace(finding(batch, certified=None, got=got), property="precision")
    run(script(TargetSpecification(loss=f"{mine}:loss"), Contract(output_dtype="same"), found), tmp_path, status)


@pytest.mark.parametrize(
    ("law", "label", "status"), [("answers", 0, 0), ("answers", 2, 1), ("bad-input", 0, 1), ("bad-input", 2, 0)]
)
def test_the_status_is_1_while_a_call_does_what_it_must_not(
    mine: str, tmp_path: Path, law: str, label: int, status: int
) -> None:
    """Raise on a valid batch, or take a bad one; here class 2 of 2 raises."""
    batch = Batch(np.array([[1.0, 1.0]]), np.array([label]))
    found = dataclasses.replace(finding(batch, certified=None, part=""), property=law)
    contract = Contract(invalid="raise")
    run(script(TargetSpecification(loss=f"{mine}:loss"), contract, found), tmp_path, status)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_class_is_called_as_xentcheck_calls_it(mine: str, tmp_path: Path, dtype: str) -> None:
    """What is no plain function goes through the targets of xentcheck."""
    batch = Batch(np.array([[1.0, 1.0]]).astype(FORMATS[dtype].dtype), np.array([0]))
    source = script(TargetSpecification(loss=f"{mine}:CrossEntropy"), Contract(), finding(batch))
    assert "open_host" in source
    printed = run(source, tmp_path)
    assert "0.69" in printed
    assert "died       no" in printed


def test_a_registered_target_is_called_by_its_name(tmp_path: Path) -> None:
    """Side effects have no certified number: the script shows the whole outcome."""
    batch = Batch(np.zeros((1, 2)), np.array([0]))
    source = script(TargetSpecification(loss="reference"), Contract(), finding(batch, certified=None, part="", got="x"))
    assert "loss='reference'" in source
    assert "no side effect" in run(source, tmp_path)


def test_a_closure_is_left_to_the_reader() -> None:
    """A function of a session has no place to be imported from; the script is Python all the same."""
    batch = Batch(np.zeros((1, 2)), np.array([0]))
    source = script(TargetSpecification(loss=lambda z, y: 0.0), Contract(), finding(batch))
    compile(source, "again.py", "exec")
    assert "Define or import it here" in source


def test_a_closure_says_what_it_has_to_return() -> None:
    """A finding on the gradient is about another function than the loss."""
    batch = Batch(np.zeros((1, 2)), np.array([0]))
    source = script(TargetSpecification(loss=lambda z, y: 0.0), Contract(), finding(batch, part="gradient[0, 1]"))
    assert "returns the gradient." in source


def test_a_function_of_a_module_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One given as an object, with its gradient: the script calls the one that the finding is about."""
    package = tmp_path / "somewhere" / "own_losses"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "mine.py").write_text(f"{MINE}\n\ndef gradient(z, y):\n    return np.full(z.shape, 0.25)\n")
    monkeypatch.syspath_prepend(package.parent)
    mine = importlib.import_module("own_losses.mine")
    batch = Batch(np.array([[1.0, 1.0]]), np.array([0]))
    specification = TargetSpecification(loss=mine.loss, gradient=mine.gradient)
    wrong = finding(batch, part="gradient[0, 1]", certified=(0.5, 0.5))
    source = script(specification, Contract(), wrong, framework="numpy")
    assert "from own_losses.mine import gradient\n" in source
    assert "from xentcheck" not in source
    assert "got        0.25" in run(source, tmp_path, status=1)


def test_a_row_of_the_gradient_is_summed(mine: str, tmp_path: Path) -> None:
    """As the law does that is about the sum; the status is 0 where it is right."""
    Path(mine).write_text(f"{MINE}\n\ndef gradient(z, y):\n    return np.array([[0.25, -0.5, 0.125]])\n")
    batch = Batch(np.zeros((1, 3)), np.array([0]))
    for certified, status in (((0.0, 0.0), 1), ((-0.125, -0.125), 0)):
        wrong = finding(batch, part="gradient[0, :]", certified=certified)
        source = script(TargetSpecification(gradient=f"{mine}:gradient"), Contract(), wrong, framework="numpy")
        assert "got        -0.125" in run(source, tmp_path, status)


def test_a_file_may_import_its_neighbours(mine: str, tmp_path: Path) -> None:
    """From where it lies, and from where xentcheck was called, as when it was judged."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "file.py").write_text("from mine import loss as other\n\nloss = other\n")
    (tmp_path / "inside" / "near.py").write_text("from file import loss\n")
    batch = Batch(np.array([[1.0, 1.0]]), np.array([0]))
    plan = TargetSpecification(loss=str(tmp_path / "inside" / "near.py") + ":loss")
    with contextlib.chdir(tmp_path):
        source = script(plan, Contract(reduction="sum"), finding(batch), framework="numpy")
    (tmp_path / "elsewhere").mkdir()
    run(source, tmp_path / "elsewhere")


def test_quotes_in_a_title_do_no_harm(mine: str, tmp_path: Path) -> None:
    """What a target said stands in the script as text."""
    batch = Batch(np.zeros((1, 2)), np.array([0]))
    odd = dataclasses.replace(finding(batch), title='raised """\\N{oops}"""', cause='"""', law="a\\")
    run(script(TargetSpecification(loss=f"{mine}:loss"), Contract(), odd, framework="numpy"), tmp_path)


def test_no_batch_no_script() -> None:
    """A finding without a batch has nothing to repeat."""
    bare = Finding("answers", 0, "", "float32", "sparse", "died")
    assert script(TargetSpecification(loss="reference"), Contract(), bare) == ""


@pytest.mark.parametrize("name", ["criterion", "Criterion"])
def test_a_method_is_not_called_as_a_function(tmp_path: Path, name: str) -> None:
    """An object of lower case has no other mark: its worker says that its loss is a method of it."""
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "class Criterion:\n"
        "    def loss(self, z, y):\n"
        "        return np.float64(0.25)\n"
        "criterion = Criterion()\n",
        encoding="utf-8",
    )
    report = check(f"{tmp_path}/mine.py:{name}", properties=["value"], dtypes=["float64"])
    source = report.findings[0].reproducer
    assert "open_host(" in source
    (tmp_path / "shown.py").write_text(source, encoding="utf-8")
    ended = subprocess.run([sys.executable, tmp_path / "shown.py"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "got        0.25" in ended.stdout


@pytest.mark.parametrize(("factor", "status"), [(0.5, 1), (1.0, 0)])
def test_a_pair_that_does_not_belong_together(tmp_path: Path, factor: float, status: int) -> None:
    """Nothing is certified of it: the script has the law judge the batch, and ends with 0 when it is mended."""
    source = (
        "import numpy as np\n"
        "def loss(z, y):\n"
        "    d = z - z.max(axis=1, keepdims=True)\n"
        "    return {} * np.mean(np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(d)), y])\n"
        "def gradient(z, y):\n"
        "    p = np.exp(z - z.max(axis=1, keepdims=True))\n"
        "    p /= p.sum(axis=1, keepdims=True)\n"
        "    p[np.arange(len(p)), y] -= 1.0\n"
        "    return p / len(p)\n"
    )
    file = tmp_path / "mine.py"
    file.write_text(source.format(0.5), encoding="utf-8")
    report = check(f"{file}:loss", f"{file}:gradient", properties=["own-gradient"], dtypes=["float64"])
    (tmp_path / "shown.py").write_text(report.findings[0].reproducer, encoding="utf-8")
    file.write_text(source.format(factor), encoding="utf-8")
    ended = subprocess.run([sys.executable, tmp_path / "shown.py"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (status, "")
    assert ("along a direction the gradient says" if status else "holds on this batch") in ended.stdout


@pytest.mark.parametrize(("shape", "status"), [("[:, None]", 1), ("", 0)])
def test_the_status_is_1_while_the_shape_is_wrong(tmp_path: Path, shape: str, status: int) -> None:
    """So it is of every finding about no number that does not show in the answer itself."""
    source = (
        "import numpy as np\n"
        "def loss(z, y):\n"
        "    d = z - z.max(axis=1, keepdims=True)\n"
        "    return (np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(d)), y]){}\n"
    )
    file = tmp_path / "mine.py"
    file.write_text(source.format("[:, None]"), encoding="utf-8")
    report = check(f"{file}:loss", properties=["layout"], dtypes=["float64"], contract={"reduction": "none"})
    (tmp_path / "shown.py").write_text(report.findings[0].reproducer, encoding="utf-8")
    file.write_text(source.format(shape), encoding="utf-8")
    ended = subprocess.run([sys.executable, tmp_path / "shown.py"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (status, "")
    assert ("but must have" if status else "holds on this batch") in ended.stdout


@pytest.mark.needs("torch")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tensors_lie_in_memory_as_they_did(layout: str, tmp_path: Path) -> None:
    """What a tensor can keep of a layout of numpy; else its numbers are written as they are."""
    (tmp_path / "mine.py").write_text("import torch\n\n\ndef loss(z, y):\n    print(z.stride())\n    return z[0, 0]\n")
    batch = Batch(np.array([[0.0, 1.0], [0.0, 1.0]], np.float32), np.array([0, 0]), layout=layout)
    target = TargetSpecification(loss=f"{tmp_path}/mine.py:loss")
    source = script(target, Contract(), finding(batch), framework="torch")
    kept = {"F": (1, 2), "strided": (8, 2), "broadcast": (0, 1)}
    assert f"{kept.get(layout, (2, 1))}\n" in run(source, tmp_path, status=1)
    assert ("np.array" in source) == (layout in kept)


def test_a_short_script_is_what_a_user_would_write(mine: str) -> None:
    """The call, and the number with a remark; nothing where the script calls it as xentcheck does."""
    batch = Batch(np.array([[1.0, 1.0]], np.float32), np.array([0]))
    written = short_script(TargetSpecification(loss="scipy.special.log_softmax"), Contract(), finding(batch), "nan\nb")
    assert written.endswith(
        "\n\n\nscores = np.array([[1.0, 1.0]], np.float32)\nlabels = np.array([0], np.int64)\n"
        "returned = log_softmax_loss(scores, labels)\nprint(float(returned))  # nan\\nb\n"
    )
    assert "from math" not in written
    class_target = TargetSpecification(loss=f"{mine}:CrossEntropy")
    assert short_script(class_target, Contract(), finding(batch), "") == ""
    summed = finding(batch, part="loss[:]")
    assert short_script(TargetSpecification(loss="scipy.special.log_softmax"), Contract(), summed, "") == ""


@pytest.mark.needs("torch")
def test_axes_of_an_array_are_those_of_the_target(tmp_path: Path) -> None:
    """Few numbers are written as they are given; a name that the script needs itself is not taken from it."""
    (tmp_path / "mine.py").write_text(
        "def scores(z, y):\n    print(list(z.shape), list(y.shape))\n    return z.sum()\n"
    )
    contract = Contract.from_mapping({"extra_axes": [1], "axis": 1})
    batch = Batch(np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1]))
    target = TargetSpecification(loss=f"{tmp_path}/mine.py:scores")
    source = script(target, contract, finding(batch), framework="torch")
    assert "np." not in source.partition("returned.detach()")[0].partition("scores = ")[2]
    assert "[2, 2, 2] [2, 2]" in run(source, tmp_path, status=1)
