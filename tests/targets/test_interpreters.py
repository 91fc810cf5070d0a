"""Targets in another interpreter: it needs numpy alone, tells its versions, and gets nothing of this one's modules."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import numpy as np
import pytest

import xentcheck
from tests.targets.older_python import newer_than_3_8
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.engine.reporting import environment
from xentcheck.engine.run_directory import plan_of, stated_plan
from xentcheck.engine.run_plan import Options, planned
from xentcheck.report.finding import Finding
from xentcheck.report.report import Report
from xentcheck.report.reproducer import script
from xentcheck.report.results import Environment, TargetEnvironment, TargetSummary
from xentcheck.report.terminal import render
from xentcheck.targets import TargetError, TargetSpecification, available, open_host
from xentcheck.targets.find import interpreter
from xentcheck.targets.specification import build_plan

PLANTED = str(Path(__file__).with_name("planted.py"))
PACKAGE = Path(xentcheck.__file__).parent
BATCH = Batch(np.zeros((2, 3)), np.array([0, 1]))
LAZY = ("targets.call.framework_torch", "targets.call.framework_jax", "targets.shims.scipy_special")
"""What a worker imports only for some targets."""
LOSS = """
import numpy as np
def loss(z, y):
    z = z.astype(np.float64)
    top = z.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(z - top).sum(axis=1)) + top[:, 0] - z[np.arange(len(y)), y])
def gradient(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p / len(y)
"""


def test_a_target_is_called_where_there_is_nothing_but_numpy(with_numpy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It loads of ours only what it needs, of others numpy, and neither path nor settings of this process."""
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE.parent))
    with open_host(TargetSpecification(f"{PLANTED}:loss", venv=str(with_numpy))) as host:
        assert host.evaluate(BATCH).loss == pytest.approx(np.log(3))
        roots = {name.partition(".")[0] for name in host.loaded_modules()}  # type: ignore[attr-defined]
        found = host.description.elsewhere
    own = {"__main__", "__mp_main__", "xentcheck_target_planted", "numpy", "xentcheck"}
    assert {root for root in roots - own if not root.startswith("_")} <= set(sys.stdlib_module_names) | {
        "sitecustomize"
    }
    assert found is not None
    assert (found.path, found.python) == (str(with_numpy / "bin" / "python"), platform.python_version())
    assert found.packages == {"numpy": np.__version__}


def test_modules_of_this_interpreter_are_not_found_in_another(
    with_numpy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither those installed here nor those of PYTHONPATH; and no file of the working directory is taken for numpy."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "leaked.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    monkeypatch.chdir(tmp_path)
    for name in ("numpy", "json", "importlib"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong file')")
    interpreter.asked.cache_clear()
    finds = "import importlib.util as u\ndef loss(z, y):\n    return [u.find_spec(n) is not None for n in NAMES]\n"
    (tmp_path / "mine.py").write_text(f"NAMES = ('leaked', 'click', 'ml_dtypes', 'supervisor', 'numpy')\n{finds}")
    with open_host(TargetSpecification("mine.py:loss", venv=str(with_numpy))) as host:
        assert host.evaluate(BATCH).loss.tolist() == [False, False, False, False, True]


def test_the_worker_runs_in_python_3_8(with_numpy: Path) -> None:
    """No module that it may load has anything newer; the first of them is that by which it starts."""
    with open_host(TargetSpecification(f"{PLANTED}:loss", venv=str(with_numpy))) as host:
        loaded = host.loaded_modules()  # type: ignore[attr-defined]
    names = [name.removeprefix("xentcheck.") for name in loaded if name.startswith("xentcheck.")]
    assert "targets.host.worker" in names
    files = [PACKAGE / "processes" / "boot.py", PACKAGE / "__init__.py"]
    for name in (*names, *LAZY):
        module = PACKAGE.joinpath(*name.split("."))
        files.append(module / "__init__.py" if module.is_dir() else module.with_suffix(".py"))
    found = {str(file): newer_than_3_8(file.read_text(encoding="utf-8")) for file in files}
    assert {file: said for file, said in found.items() if said} == {}


@pytest.mark.parametrize(
    "source",
    [
        "match x:\n    case 1: pass",
        "from collections.abc import Callable\nF = Callable[..., int]",
        "x = list[int]",
        "x |= {key: 1 for key in y}",
        "x = y | {}",
        "zip(x, y, strict=True)",
        "isinstance(x, int | str)",
        "x.removeprefix('y')",
        "import tomllib",
        "from functools import cache",
        pytest.param(
            "with (open(x) as a, open(y) as b): pass",
            marks=pytest.mark.skipif(sys.version_info >= (3, 13), reason="Python 3.13 parses it for 3.8, too"),
        ),
    ],
)
def test_what_is_newer_is_noticed(source: str) -> None:
    """The look at the source is not vacuous; annotations may have anything."""
    assert newer_than_3_8(source) != []
    assert newer_than_3_8("def f(x: list[int] | None) -> dict[str, int]:\n    y: set[int] = set()") == []


def test_an_older_python_calls_a_target(older: str, tmp_path: Path) -> None:
    """Loss and gradient come back bit by bit, large arrays too, and a crash is told as anywhere."""
    (tmp_path / "mine.py").write_text(f"{LOSS}\ndef crash(z, y):\n    import ctypes\n    ctypes.string_at(0)\n")
    target = TargetSpecification(f"{tmp_path / 'mine.py'}:loss", f"{tmp_path / 'mine.py'}:gradient", python=older)
    with open_host(target) as host:
        assert host.ready().elsewhere.python != platform.python_version()  # type: ignore[union-attr]
        small, large = host.evaluate(BATCH), host.evaluate(Batch(np.zeros((2000, 50)), np.zeros(2000, np.int64)))
    assert small.loss == pytest.approx(np.log(3))
    third = np.ones(3) / np.ones(3).sum()
    assert small.gradient.tolist() == [((third - own) / 2).tolist() for own in np.eye(3)[:2]]
    assert large.gradient.shape == (2000, 50)
    with open_host(TargetSpecification(f"{tmp_path / 'mine.py'}:crash", python=older)) as host:
        assert host.evaluate(BATCH).died == "killed by signal 11 (SIGSEGV)"


@pytest.mark.slow
def test_an_older_python_is_judged(older: str, tmp_path: Path) -> None:
    """A whole check: a right loss conforms, and the report says in which interpreter."""
    (tmp_path / "mine.py").write_text(LOSS)
    where = str(tmp_path / "mine.py")
    report = xentcheck.check(f"{where}:loss", f"{where}:gradient", {"accuracy": "C"}, python=older, dtypes=["float64"])
    report.raise_for_findings()
    assert report.environment.target is not None
    assert report.environment.target.python.startswith("3.")


def test_bfloat16_is_not_judged_without_ml_dtypes(with_numpy: Path) -> None:
    """Its cells are left out of the plan; a batch that is handed over all the same is refused by us."""
    specification = TargetSpecification(
        f"{PLANTED}:loss", venv=str(with_numpy), contract=Contract(dtypes=["float32", "bfloat16"])
    )
    import ml_dtypes

    with open_host(specification) as host:
        assert [cell.dtype for cell in planned(specification, Options(), host).cells] == ["float32"]
        with pytest.raises(TargetError, match=r"bfloat16: Python .* has no ml_dtypes"):
            planned(specification, Options(dtypes=("bfloat16",)), host)
        raised = host.evaluate(BATCH.replace(scores=BATCH.scores.astype(ml_dtypes.bfloat16))).raised
        assert raised is not None
        assert "ml_dtypes" in raised.message
        assert host.evaluate(BATCH).loss == pytest.approx(np.log(3))


def test_a_report_tells_the_interpreter_of_the_target(with_numpy: Path) -> None:
    """Beside that of the judge: in JSON, which is read back, and on the terminal."""
    with open_host(TargetSpecification(f"{PLANTED}:loss", venv=str(with_numpy))) as host:
        found = environment(host.description)
    assert found.target is not None
    assert found.target.packages == {"numpy": np.__version__}
    elsewhere = TargetEnvironment("/opt/python", "3.8.18", {"numpy": "1.23.5", "numpy_ml": "0.1.2"})
    report = Report(TargetSummary("x"), environment=Environment(python="3.11.7", target=elsewhere))
    assert Report.from_json(report.to_json()) == report
    assert "in        Python 3.8.18 at /opt/python, with numpy 1.23.5, numpy_ml 0.1.2\n" in render(report)


def test_what_is_kept_of_a_run_has_the_interpreter(with_numpy: Path) -> None:
    """The plan of a run that is resumed, and the script of a finding."""
    specification = TargetSpecification(f"{PLANTED}:loss", venv=str(with_numpy))
    with open_host(specification) as host:
        made = planned(specification, Options(), host)
        assert plan_of(stated_plan(made, host.description)).specification == specification
    stored = {"dtype": "float64", "shape": [1, 1], "layout": "C", "values": ["0x0.0p+0"]}
    labels = {"dtype": "int64", "shape": [1], "layout": "C", "values": [0]}
    finding = Finding("value", 1, "law", "float64", "sparse", "wrong", part="loss", certified=(0.0, 0.0), allowance=0.0)
    object.__setattr__(finding, "batch", {"scores": stored, "labels": labels, "label_form": "sparse", "options": {}})
    assert f"python={str(with_numpy / 'bin' / 'python')!r}" in script(specification, Contract(), finding)


def test_a_project_says_where_its_targets_run(with_numpy: Path, tmp_path: Path) -> None:
    """In pyproject.toml, relative to that; what the caller says goes above it."""
    (tmp_path / "mine.py").write_text(LOSS)
    (tmp_path / "env").symlink_to(with_numpy)
    text = '[tool.xentcheck.targets]\na = { loss = "mine.py:loss", venv = "env" }\n'
    text += 'b = { loss = "mine.py:loss", python = "env/bin/python" }\nc = { loss = "mine.py:loss", python = 3.8 }\n'
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "below").mkdir()
    for name in ("a", "b"):
        plan = build_plan(TargetSpecification(name), str(tmp_path / "below"))
        assert plan.python == str(tmp_path / "env" / "bin" / "python")
    with pytest.raises(TargetError, match=r"^python is 3\.8, but must be the path of an interpreter\.$"):
        build_plan(TargetSpecification("c"), str(tmp_path))
    given = TargetSpecification("a", python=str(with_numpy / "bin" / "python"))
    assert build_plan(given, str(tmp_path)).python == str(with_numpy / "bin" / "python")


def test_what_a_registered_target_needs_is_asked_for_there(with_numpy: Path) -> None:
    """scipy is installed here and not there; xentcheck's own targets run here."""
    place = str(with_numpy)
    with pytest.raises(TargetError, match=r"scipy, which (.*/python) does not have; use \1 -m pip install scipy\.$"):
        build_plan(TargetSpecification("scipy.log_softmax", venv=place))
    with pytest.raises(TargetError, match="xentcheck's own"):
        build_plan(TargetSpecification("reference", venv=place))


def test_what_happens_in_this_process_is_refused_elsewhere(with_numpy: Path) -> None:
    """A callable exists here alone, and is not looked for in another interpreter."""
    with pytest.raises(TargetError, match="A callable is called in this interpreter"):
        xentcheck.check(lambda z, y: 0.0, venv=with_numpy)


def test_a_registered_target_says_which_python_it_needs(monkeypatch: pytest.MonkeyPatch, with_numpy: Path) -> None:
    """numpy-ml runs in none that xentcheck runs in: the sentence and the list say how to make an environment."""
    monkeypatch.setattr("xentcheck.targets.specification.find_spec", lambda name: None)
    advice = "python3.9 -m venv ENV && ENV/bin/pip install numpy-ml 'numpy<1.24', then --venv ENV"
    with pytest.raises(TargetError) as caught:
        build_plan(TargetSpecification("numpy_ml.CrossEntropy"))
    assert str(caught.value).endswith(f"needs numpy_ml, not installed here; use {advice}.")
    with pytest.raises(TargetError, match=r"use .*/venv/bin/python -m pip install torch\.$"):
        build_plan(TargetSpecification("torch.cross_entropy", venv=str(with_numpy)))
    assert {one.name: one.install for one in available()}["numpy_ml.CrossEntropy"] == advice
