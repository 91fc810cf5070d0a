"""Finding targets: names, modules, files, classes, declarations; and the sentences said where that fails."""

from __future__ import annotations

import importlib.metadata
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract, ContractError
from xentcheck.targets import TargetDescription, TargetError, TargetSpecification, available, open_host
from xentcheck.targets.find.registered import TARGETS, by_name, names
from xentcheck.targets.find.understand import understand
from xentcheck.targets.specification import build_plan

PLANTED = str(Path(__file__).with_name("planted.py"))
BATCH = Batch(np.zeros((2, 3)), np.array([0, 1]))


def described(name: str, **options: Any) -> TargetDescription:
    with open_host(TargetSpecification(name, **options), in_process=True) as host:
        return host.ready()


def loss_of(name: str, **options: Any) -> Any:
    with open_host(TargetSpecification(name, **options), in_process=True) as host:
        return host.evaluate(BATCH).loss


def refusal(name: str, **options: Any) -> str:
    """Return the sentence with which a target is refused."""
    with pytest.raises(TargetError) as caught:
        described(name, **options)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("name", "factor", "has_gradient"),
    [
        ("loss", 1, False),
        ("Static", 1, True),
        ("Bound", 2, True),
        ("bound", 2, True),
        ("Bound.loss", 2, False),
        ("Static.loss", 1, False),
        ("bound.loss", 2, False),
        ("Forward", 3, True),
        ("Callable", 1, True),
        ("demanding", 4, False),
    ],
)
def test_functions_classes_and_instances(name: str, factor: float, has_gradient: bool) -> None:
    """Each of them is understood, with its gradient where it has one."""
    location = f"{PLANTED}:{name}"
    assert loss_of(location) == pytest.approx(factor * math.log(3))
    assert described(location).has_gradient == has_gradient


@pytest.mark.parametrize("name", ["Layer", "Leaving", "LeavingLayer", "OfLabels", "Upstream"])
def test_a_gradient_of_what_was_asked_last(name: str) -> None:
    """A backward without scores, or without either, follows the loss; what returns nothing leaves a gradient behind.

    One that takes the derivative by the loss alone is given 1.
    """
    expected = np.array([[-2.0, 1.0, 1.0], [1.0, -2.0, 1.0]]) / 6.0
    with open_host(TargetSpecification(f"{PLANTED}:{name}"), in_process=True) as host:
        host.evaluate(Batch(np.ones((2, 3)), np.array([2, 2])), ("loss",))
        for want in (("gradient",), ("loss", "gradient")):
            assert host.evaluate(BATCH, want).gradient == pytest.approx(expected)


def test_a_gradient_that_wants_what_nobody_gives() -> None:
    """A backward that takes neither scores and labels nor nothing is not called wrongly: it is refused."""
    said = refusal(f"{PLANTED}:OfACache")
    assert "OfACache.backward takes (cache), and neither scores and labels nor nothing" in said
    assert said.endswith("or name the loss alone: " + f"{PLANTED}:OfACache.forward.")
    assert described(f"{PLANTED}:OfACache.forward").has_gradient is False


def test_a_backward_of_a_framework_is_no_gradient() -> None:
    """Each layer of paddle has one, which refuses every call."""
    assert described(f"{PLANTED}:LayerOfAFramework").has_gradient is False
    assert loss_of(f"{PLANTED}:LayerOfAFramework") == pytest.approx(math.log(3))


def test_arguments_by_keyword_alone() -> None:
    """They are given in the order in which they stand; what is needed beside them keeps its name."""
    assert loss_of(f"{PLANTED}:by_keyword") == pytest.approx(math.log(3))
    specification = TargetSpecification(
        f"{PLANTED}:one_by_keyword",
        contract=Contract(temperature={"argument": "scale"}),
    )
    with open_host(specification, in_process=True) as host:
        assert [one.name for one in host.parameters()] == ["logits", "labels", "scale"]
        scaled = Batch(np.ones((2, 3)), np.array([2, 2]), options={"temperature": 5.0})
        assert host.evaluate(scaled, ("loss",)).loss == pytest.approx(5 * math.log(3))


def test_a_file_of_a_package_is_named_by_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that imports its neighbours relatively is no file of its own."""
    (tmp_path / "mine_of_a_package").mkdir()
    (tmp_path / "mine_of_a_package" / "base.py").write_text("def loss(z, y):\n    return 5.0\n")
    (tmp_path / "mine_of_a_package" / "sub.py").write_text("from .base import loss\n")
    monkeypatch.chdir(tmp_path)
    said = refusal("mine_of_a_package/sub.py:loss")
    assert said.endswith("; it is part of a package: name it mine_of_a_package.sub:loss.")
    with open_host(TargetSpecification("mine_of_a_package.sub:loss")) as host:
        assert host.evaluate(BATCH).loss == 5.0


def test_a_file_deep_in_packages_is_named_from_the_outermost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file imports may be above its own folder, so that only the outermost package is sure to hold it."""
    deep = tmp_path / "src" / "outer_of_two" / "inner"
    deep.mkdir(parents=True)
    for folder in (deep, deep.parent):
        (folder / "__init__.py").write_text("")
    (deep.parent / "base.py").write_text("def loss(z, y):\n    return 7.0\n")
    (deep / "sub.py").write_text("from ..base import loss\n")
    monkeypatch.chdir(tmp_path)
    said = refusal("src/outer_of_two/inner/sub.py:loss")
    assert said.endswith("; it is part of a package: from the folder src, name it outer_of_two.inner.sub:loss.")
    monkeypatch.chdir(tmp_path / "src")
    with open_host(TargetSpecification("outer_of_two.inner.sub:loss")) as host:
        assert host.evaluate(BATCH).loss == 7.0


def test_forward_and_calculate() -> None:
    """The loss is `calculate`, or `forward` where the contract reduces nothing."""
    assert loss_of(f"{PLANTED}:Calculating").shape == ()
    assert loss_of(f"{PLANTED}:Calculating", changes={"reduction": "none"}).shape == (2,)


def test_a_path_is_relative_to_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file imports its neighbours, and modules of the current directory can be named, in a worker too."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "mine.py").write_text("from neighbour import loss\n")
    (tmp_path / "inside" / "neighbour.py").write_text("def loss(z, y):\n    return 5.0\n")
    (tmp_path / "my_module.py").write_text("def loss(z, y):\n    return 6.0\n")
    monkeypatch.chdir(tmp_path)
    for location, value in (("inside/mine.py:loss", 5.0), ("my_module:loss", 6.0)):
        with open_host(TargetSpecification(location)) as host:
            assert host.evaluate(BATCH).loss == value
            assert host.description.name == location
            assert host.description.contract_source == "default"


def test_a_project_declares_targets(tmp_path: Path) -> None:
    """Tables of pyproject.toml name functions relative to that file, and a contract."""
    (tmp_path / "mine.py").write_text("def loss(z, y):\n    return 5.0\n\ndef slope(z, y):\n    return z\n")
    (tmp_path / "pyproject.toml").write_text(
        "[tool.xentcheck.targets.mine]\nloss = 'mine.py:loss'\ngradient = 'mine.py:slope'\n"
        "contract = {reduction = 'sum'}\n"
        "[tool.xentcheck.targets.stricter]\nloss = 'reference'\ncontract = {accuracy = 'C'}\n"
    )
    below = tmp_path / "deep" / "deeper"
    below.mkdir(parents=True)
    with open_host(TargetSpecification("mine"), directory=str(below)) as host:
        description = host.ready()
        assert (description.contract.reduction, description.has_gradient) == ("sum", True)
        assert (description.name, description.contract_source) == ("mine", "declared")
        assert host.evaluate(BATCH).loss == 5.0
    stricter = build_plan(TargetSpecification("stricter"), str(tmp_path))
    assert stricter.contract is not None
    held_to = {**stricter.contract, **stricter.changes}
    assert (held_to["accuracy"], held_to["output_dtype"]) == ("C", "same")
    listed = {target.name: target for target in available(str(below))}
    assert (listed["mine"].source, listed["mine"].location) == ("pyproject.toml", "mine.py:loss")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.xentcheck.targets.mine]\nlos = 'mine.py:loss'\n", "did you mean 'loss'?"),
        ("[tool.xentcheck.targets.mine]\ncontract = {}\n", "has none of loss, gradient and value_and_gradient"),
        ("[tool.xentcheck.targets]\nmine = 'mine.py:loss'\n", "must be a table"),
        ("[tool", "cannot be read"),
        ("tool = 7\n", "tool is '7', but must be a table"),
        ("[tool.xentcheck]\ntargets = [1]\n", "targets is '[1]', but must be a table"),
        ("a = " + "[" * 10_000 + "]" * 10_000, "nested too deeply"),
        ("a = " + "9" * 5000, "Exceeds the limit"),
        (b"a = '\xff'", "cannot be read"),
    ],
)
def test_a_wrong_declaration(tmp_path: Path, text: str | bytes, said: str) -> None:
    """One sentence says which table or file is wrong."""
    (tmp_path / "pyproject.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(TargetError, match=r"pyproject\.toml|tool\.xentcheck") as caught:
        build_plan(TargetSpecification("mine"), str(tmp_path))
    assert said in str(caught.value)


def test_a_table_is_laid_over_what_the_target_itself_declares(tmp_path: Path) -> None:
    """A mapping says how it is called; a table that names it, or a table that names that table, says the rest."""
    (tmp_path / "mine.py").write_text(
        "def loss(z, y, weight):\n    return 5.0\n\n"
        "LOSS = {'loss': loss, 'contract': {'class_weights': {'argument': 'weight'}, 'reduction': 'sum'}}\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        "[tool.xentcheck.targets]\n"
        "first = {loss = 'mine.py:LOSS', contract = {accuracy = 'C'}}\n"
        "second = {loss = 'first', contract = {accuracy = 'B+'}}\n"
        "own = {loss = 'other'}\nother = {loss = 'own'}\n"
    )
    for name, accuracy in (("first", "C"), ("second", "B+")):
        with open_host(TargetSpecification(name), directory=str(tmp_path)) as host:
            contract = host.description.contract
            assert (contract.accuracy, contract.reduction, contract.arguments) == (
                accuracy,
                "sum",
                {"class_weights": "weight"},
            )
    with pytest.raises(TargetError, match=r"The target own of pyproject\.toml names itself"):
        build_plan(TargetSpecification("own"), str(tmp_path))


def test_an_installed_package_registers_a_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pip leaves it: a module, and a folder of metadata that has the entry point."""
    (tmp_path / "acme_losses.py").write_text(
        "def loss(z, y):\n    return 5.0\n\nLOSS = {'loss': loss, 'contract': {'reduction': 'sum'}}\n"
    )
    metadata = tmp_path / "acme_losses-1.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme_losses\nVersion: 1.5\n")
    (metadata / "entry_points.txt").write_text("[xentcheck.targets]\nacme.cross_entropy = acme_losses:LOSS\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    listed = {target.name: target for target in available()}["acme.cross_entropy"]
    assert (listed.source, listed.importable, listed.location) == ("entry point", True, "acme_losses:LOSS")
    assert "acme_losses" not in sys.modules
    with open_host(TargetSpecification("acme.cross_entropy")) as host:
        description = host.description
        assert host.evaluate(BATCH).loss == 5.0
    assert (description.contract.reduction, description.contract_source) == ("sum", "declared")
    assert description.version == "1.5"
    assert "acme_losses" not in sys.modules


def test_packages_register_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point names a function, or a mapping that has a contract too; nothing is imported to list it."""
    points = [
        importlib.metadata.EntryPoint("theirs", f"{PLANTED}:DECLARED", "xentcheck.targets"),
        importlib.metadata.EntryPoint("absent", "no_such_package.losses:loss", "xentcheck.targets"),
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)
    description = described("theirs")
    assert description.contract == Contract(argument_order="labels_first")
    assert (description.has_gradient, description.contract_source) == (True, "declared")
    listed = {target.name: target for target in available()}
    assert (listed["absent"].source, listed["absent"].importable) == ("entry point", False)
    assert "no module 'no_such_package'" in refusal("absent")


def test_contracts_are_laid_over_one_another() -> None:
    """The target's own, then single keys; or a whole contract instead."""
    assert described("reference").contract.accuracy == "B+"
    changed = described("reference", changes={"reduction": "sum"})
    assert (changed.contract.accuracy, changed.contract.reduction) == ("B+", "sum")
    assert described("reference", contract=Contract(dtypes=("float64",))).contract == Contract(dtypes=("float64",))
    with pytest.raises(ContractError, match="reduction"):
        open_host(TargetSpecification("reference", changes={"reduction": "avg"}))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("refrence", ["no target 'refrence'", "did you mean 'reference'?"]),
        ("optax.softmax_cross_entropi", ["did you mean 'optax.softmax_cross_entropy'?"]),
        ("zzz", ["no target 'zzz'", "package.module:attribute"]),
        ("no_such_file.py:loss", ["no_such_file.py does not exist"]),
        ("no_such_module:loss", ["no module 'no_such_module'"]),
        (PLANTED, ["names no attribute", ":loss"]),
        (f"{PLANTED}:", ["names no attribute"]),
        (f"{PLANTED}:los", ["no attribute 'los'", "did you mean 'loss'?"]),
        (f"{PLANTED}:Bound.los", ["no attribute 'los'", "did you mean 'loss'?"]),
        (f"{PLANTED}:not-a-name", ["'not-a-name'"]),
        (f"{PLANTED}:number", ["number is int, which cannot be called"]),
        (f"{PLANTED}:Nothing", ["a class without loss, forward or calculate"]),
        (f"{PLANTED}:Demanding", ["needs constructor arguments", "'scale'"]),
        (f"{PLANTED}:Demanding.loss", ["needs constructor arguments", "'scale'"]),
        (f"{PLANTED}:MISDECLARED", ["key 'gradeint'"]),
    ],
)
def test_refusals(name: str, parts: list[str]) -> None:
    """Each says in one sentence what was given and what is wanted."""
    sentence = refusal(name)
    for part in parts:
        assert part in sentence


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("import no_such_thing", ["broken.py could not be imported", "no_such_thing", "broken.py:1"]),
        ("\n1 / 0", ["ZeroDivisionError", "broken.py:2"]),
        ("raise SystemExit(3)", ["SystemExit"]),
        ("def loss(", ["SyntaxError"]),
        ("import os; os._exit(3)", ["ended before it was ready (exit status 3)"]),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", ["SIGSEGV", "Segmentation fault"]),
    ],
)
def test_imports_that_fail(tmp_path: Path, source: str, parts: list[str]) -> None:
    """The reason and the place are in the sentence, whatever the import did."""
    (tmp_path / "broken.py").write_text(source)
    host = open_host(TargetSpecification("broken.py:loss"), directory=str(tmp_path))
    with host, pytest.raises(TargetError) as caught:
        host.ready()
    for part in parts:
        assert part in str(caught.value)


def test_a_missing_package_comes_with_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registered target whose framework is absent is refused before any process starts."""
    monkeypatch.setattr("xentcheck.targets.specification.find_spec", lambda name: None)
    assert "needs torch, not installed here; use pip install" in refusal("torch.nn.functional.cross_entropy")


def test_nothing_given() -> None:
    """A specification without a callable is refused."""
    with pytest.raises(TargetError, match="No target was given"):
        build_plan(TargetSpecification())


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_registered_contracts_are_contracts(target: Any) -> None:
    """Every contract of the table is accepted, and every name finds its target."""
    Contract.from_mapping(target.contract)
    assert by_name(target.name) is target
    assert all(by_name(alias) is target for alias in target.aliases)


def test_names_are_distinct() -> None:
    """No alias hides another target."""
    assert len(set(names())) == len(names())


def test_an_option_that_a_gradient_needs_is_passed_by_name() -> None:
    """It is none of the scores and labels, and no reason to refuse the class."""

    class Ignoring:
        def loss(self, z: Any, y: Any, ignore_index: int) -> float:
            return 0.5

        def gradient(self, z: Any, y: Any, ignore_index: int) -> int:
            return ignore_index

    functions = understand(Ignoring(), "m.py:Ignoring")
    assert functions.gradient is not None
    assert functions.gradient([[0.0]], [0], ignore_index=-100) == -100


def test_methods_of_one_object_named_one_by_one(tmp_path: Path) -> None:
    """A loss and a backward of one instance are as those of the instance; of two instances they are refused."""
    path = tmp_path / "layers.py"
    path.write_text(
        "class Layer:\n"
        "    def forward(self, z, y):\n        self.y = y\n        return z[:, 0]\n"
        "    def backward(self, dout=1.0):\n        return self.y[:, None] * dout\n"
        "one, other = Layer(), Layer()\n"
        "ONE = {'loss': one.forward, 'gradient': one.backward, 'contract': {'reduction': 'none'}}\n"
        "TWO = {'loss': one.forward, 'gradient': other.backward, 'contract': {'reduction': 'none'}}\n"
    )
    batch = Batch(np.zeros((2, 1)), np.array([0, 5]))
    with open_host(TargetSpecification(f"{path}:ONE"), in_process=True) as host:
        assert host.evaluate(batch).gradient.tolist() == [[0.0], [5.0]]
    with open_host(TargetSpecification(f"{path}:TWO"), in_process=True) as host:
        assert host.evaluate(batch).raised.kind == "TypeError"
