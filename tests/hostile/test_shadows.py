"""Files named as modules that we need, where a user has them: nobody imports them but the user's own module."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.targets import TargetSpecification, open_host
from xentcheck.witnesses.jax_process import JaxProcess

ROOT = Path(__file__).parents[2]
NAMES = ("json", "types", "re", "random", "numpy", "jax", "xentcheck", "typing", "secrets", "platform", "click", "rich")
MINE = """
import helper
import json
import numpy as np
import numpy.random
import scipy.special
import xentcheck


def loss(logits, labels):
    assert json.loads("[1]") == [1] and xentcheck.check and helper.VALUE == 7
    z = logits.astype(np.float64)
    return logits.dtype.type(-np.mean(scipy.special.log_softmax(z, axis=1)[np.arange(len(z)), labels]))
"""
BATCH = Batch(np.zeros((2, 3)), np.array([0, 1]))
FEW = ("--properties", "value", "--dtypes", "float32", "--contract", 'domain={"rows":[1,2],"classes":[2,3]}')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a target, its neighbour, and files that note who imports them."""
    for name in NAMES:
        noted = f"open({str(tmp_path / 'imported')!r}, 'a').write('{name} ')"
        (tmp_path / f"{name}.py").write_text(f"{noted}\nraise RuntimeError('{name}.py was imported')\n")
    (tmp_path / "helper.py").write_text("VALUE = 7")
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def imported(folder: Path) -> str:
    """Return which of the files have been imported."""
    log = folder / "imported"
    return log.read_text() if log.exists() else ""


@pytest.mark.parametrize("location", ["mine.py:loss", "mine:loss"])
def test_a_worker_imports_none_of_them_and_a_target_its_neighbour(folder: Path, location: str) -> None:
    """What the target imports of libraries is what they import anywhere else."""
    with open_host(TargetSpecification(location)) as host:
        assert host.evaluate(BATCH).loss == pytest.approx(np.log(3))
    assert imported(folder) == ""


def test_a_target_s_own_import_finds_its_neighbour(folder: Path) -> None:
    """Even of a name that the standard library has, as in Python; only the frameworks are always those installed."""
    (folder / "random.py").write_text("VALUE = 8")
    (folder / "mine.py").write_text("import random\ndef loss(z, y): return z.dtype.type(random.VALUE)")
    with open_host(TargetSpecification("mine.py:loss")) as host:
        assert [host.evaluate(BATCH).loss for _ in range(2)] == [8.0, 8.0]
    assert imported(folder) == ""


def test_an_installed_package_finds_its_own_extension(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That cv2 has: its folder put on the path, where a module of the same name takes its place."""
    site = tmp_path_factory.mktemp("site")
    (site / "eyes" / "inner").mkdir(parents=True)
    (site / "eyes" / "inner" / "eyes.py").write_text("VALUE = 9")
    (site / "eyes" / "__init__.py").write_text(
        "import importlib, os, sys\n"
        "if hasattr(sys, 'loading_eyes'): raise ImportError('recursion')\n"
        "sys.loading_eyes = True\n"
        "sys.path.insert(1, os.path.join(os.path.dirname(__file__), 'inner'))\n"
        "sys.modules.pop('eyes')\n"
        "VALUE = importlib.import_module('eyes').VALUE\n"
        "import random\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{site}")
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    (folder / "mine.py").write_text("import eyes\ndef loss(z, y): return z.dtype.type(eyes.VALUE)")
    with open_host(TargetSpecification("mine.py:loss")) as host:
        assert host.evaluate(BATCH).loss == 9.0
    assert imported(folder) == ""


@pytest.mark.slow
def test_jax_is_the_installed_one(folder: Path) -> None:
    """For the target, whose framework it is, and for the witness."""
    (folder / "mine.py").write_text(
        "import jax\ndef loss(z, y): return -jax.nn.log_softmax(z)[jax.numpy.arange(len(y)), y].mean()"
    )
    with open_host(TargetSpecification("mine.py:loss")) as host:
        assert host.evaluate(BATCH).loss == pytest.approx(np.log(3))
        assert host.description.framework == "jax"
    witness = JaxProcess()
    (answer,) = witness.answer([(np.zeros((1, 2)), np.array([[0.0, 1.0]]))])
    witness.close()
    assert answer[0] == pytest.approx(np.log(2))
    assert imported(folder) == ""


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("door", ["script", "-P -m", "-m"])
def test_the_judge_imports_none_of_them(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, door: str, jobs: str
) -> None:
    """Nor do its pool and its witness. With `python -m`, Python itself imports types.py and xentcheck.py there."""
    script = tmp_path_factory.mktemp("bin") / "xentcheck"
    script.write_text("import sys\nfrom xentcheck.cli import main\nif __name__ == '__main__':\n    sys.exit(main())\n")
    words = [str(script)] if door == "script" else [*door.split(), "xentcheck"]
    if door == "-m":
        for name in ("types", "xentcheck"):
            (folder / f"{name}.py").unlink()
    few = FEW if jobs == "1" else tuple("float32,float64" if word == "float32" else word for word in FEW)
    command = [sys.executable, *words, "check", "mine.py:loss", *few, "--jobs", jobs, "--json", "report"]
    paths = [str(ROOT), *(entry for entry in sys.path if entry and "site-packages" in entry)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr
    assert imported(folder) == ""
    witnesses = {one["name"]: one for one in json.loads(Path("report").read_text())["witnesses"]}
    assert witnesses["jax autodiff"]["compared"] == witnesses["jax autodiff"]["agreed"] > 0
