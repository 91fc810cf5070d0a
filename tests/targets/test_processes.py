"""The worker process: crashes, hangs, output, restarts, what it imports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.targets import TargetError, TargetSpecification, open_host
from xentcheck.targets.call.trace import innermost
from xentcheck.targets.find.locate import split
from xentcheck.targets.host.base import Host
from xentcheck.targets.host.patience import Patience

PLANTED = str(Path(__file__).with_name("planted.py"))
HARMLESS = Batch(np.zeros((2, 3)), np.array([0, 1]))
PROVOKING = Batch(np.zeros((2, 3)), np.array([1, 0]))


def opened(name: str, **options: object) -> Host:
    return open_host(TargetSpecification(f"{PLANTED}:{name}"), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "died"), [("crash", "killed by signal 11 (SIGSEGV)"), ("leave", "exit status 3")], ids=["crash", "exit"]
)
def test_a_death_is_an_outcome_and_the_next_batch_is_answered(name: str, died: str) -> None:
    """A crash and an exit are told apart, lose nothing but their batch, and restart the worker."""
    with opened(name) as host:
        assert host.evaluate(HARMLESS).loss == pytest.approx(np.log(3))
        outcome = host.evaluate(PROVOKING)
        assert outcome.died == died
        assert outcome.loss is None
        assert host.evaluate(HARMLESS).loss == pytest.approx(np.log(3))
        assert host.restarts == 1  # type: ignore[attr-defined]


def test_what_is_done_meanwhile_is_done_once_and_loses_no_answer() -> None:
    """Its failure is the caller's, and the answer that nobody took is not given to the next batch."""
    other = Batch(np.array([[1.0, 0.0]]), np.array([0]))

    def fails() -> None:
        raise ZeroDivisionError

    with opened("crash") as host:
        done: list[str] = []
        assert host.evaluate(HARMLESS, meanwhile=lambda: done.append("once")).loss == pytest.approx(np.log(3))
        assert done == ["once"]
        with pytest.raises(ZeroDivisionError):
            host.evaluate(HARMLESS, meanwhile=fails)
        assert host.evaluate(other).loss == pytest.approx(np.log1p(np.exp(-1)))


def test_what_a_crashed_process_printed_is_kept() -> None:
    """The end of its output shows what it did last, the fault handler's trace included."""
    with opened("crash") as host:
        host.evaluate(PROVOKING)
        output = host.last_output  # type: ignore[attr-defined]
    assert "about to crash" in output
    assert "Segmentation fault" in output
    assert "in crash" in output


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (
            "[sys.modules.pop(name) for name in list(sys.modules) if name.startswith('numpy.')]",
            "taken out of sys.modules",
        ),
        ("builtins.dict = 1", "the built-in dict was replaced"),
    ],
    ids=["module", "built-in"],
)
def test_taking_away_what_the_worker_stands_on_is_a_death(tmp_path: Path, done: str, said: str) -> None:
    """It is the target's doing and no fault of xentcheck; the next batch is answered, by another process."""
    path = tmp_path / "losses.py"
    path.write_text(f"import builtins, sys\ndef loss(z, y):\n    if y[0] == 1: {done}\n    return z.mean()\n")
    with open_host(TargetSpecification(f"{path}:loss")) as host:
        assert said in host.evaluate(PROVOKING).died
        assert host.evaluate(HARMLESS).loss == 0


def test_a_hang_ends_at_the_time_limit() -> None:
    """A call without end is killed; the next batch is answered by a new process."""
    with opened("hang", time_limit=0.3, first_time_limit=2.0) as host:
        # Not within the limit of what may compile; once that is known, no longer than any other call.
        assert host.evaluate(PROVOKING).died == "no answer within 2 s"
        assert host.evaluate(PROVOKING).died == "no answer within 0.3 s"
    with opened("hang", time_limit=0.3, first_time_limit=30.0) as host:
        host.hurry()
        assert host.evaluate(PROVOKING).died == "no answer within 0.3 s"  # another host has waited for it before
    with opened("hang", time_limit=30.0) as host:
        assert host.evaluate(HARMLESS).died == ""


def clock_of(monkeypatch: pytest.MonkeyPatch, *seconds: float) -> None:
    """Have the calls of a host take as long as is said."""
    ticks = iter(np.cumsum([[0.0, taken] for taken in seconds]).tolist())
    monkeypatch.setattr("xentcheck.targets.host.isolated.perf_counter", lambda: next(ticks))


def test_what_compiles_for_longer_than_the_limit_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of 11 s is made again; quick then, it is no death, and what it answered first counts."""
    clock_of(monkeypatch, 11.0, 1.0)
    with opened("count_calls") as host:
        assert [float(host.evaluate(HARMLESS).loss) for _ in range(2)] == [1.0, 3.0]
        assert host.restarts == 0  # type: ignore[attr-defined]


def test_what_is_as_slow_again_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that is made again has the ordinary limit, whatever a first one may take."""
    clock_of(monkeypatch, 11.0)
    with opened("hang_when_repeated", time_limit=0.3) as host:
        assert host.evaluate(HARMLESS).died == "no answer within 0.3 s"


def test_patience_is_lost_once() -> None:
    """A target that has not ended is not waited for as long again, unless it has been seen to be slow."""
    patience = Patience(10.0, 120.0)
    assert (patience.limit, patience.ended(9.0), patience.ended(11.0)) == (120.0, False, True)
    assert patience.limit == 120.0
    patience.ran_out()
    assert patience.limit == 33.0
    assert patience.ended(50.0)
    assert patience.limit == 120.0
    quick = Patience(10.0, 2.0)
    assert quick.limit == 10.0
    quick.ran_out()
    assert quick.limit == 10.0


def test_output_of_the_target_is_not_mixed_with_ours(capfd: pytest.CaptureFixture[str]) -> None:
    """Prints of Python and of C code go to neither of our streams and disturb no message."""
    with opened("print_much") as host:
        for _ in range(300):
            assert host.evaluate(HARMLESS).loss is not None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "kind"), [("stop", "SystemExit"), ("interrupt", "KeyboardInterrupt")])
def test_leaving_by_exception_counts_as_raised(name: str, kind: str) -> None:
    """sys.exit and a KeyboardInterrupt of the target's own do not end the worker."""
    with opened(name) as host:
        for _ in range(2):
            raised = host.evaluate(HARMLESS).raised
            assert raised is not None
            assert (raised.kind, raised.call) == (kind, "loss")
        assert host.restarts == 0  # type: ignore[attr-defined]


def test_a_numpy_worker_imports_no_framework() -> None:
    """The process beside a numpy target has loaded nothing of what judges it."""
    with opened("loss") as host:
        modules = set(host.loaded_modules())  # type: ignore[attr-defined]
    assert "numpy" in modules
    heavy = {"jax", "torch", "scipy", "hypothesis", "flint", "rich", "click", "ml_dtypes", "sklearn", "pytest"}
    assert not heavy & {name.partition(".")[0] for name in modules}
    assert not {name for name in modules if name.startswith(("xentcheck.truth", "xentcheck.engine"))}


def test_the_state_of_a_process_lasts_between_batches() -> None:
    """Batches are answered by one process, not by one each."""
    with opened("count_calls") as host:
        assert [float(host.evaluate(HARMLESS).loss) for _ in range(3)] == [1.0, 2.0, 3.0]


def test_closing_ends_the_process_and_is_harmless_twice() -> None:
    """No process outlives its host; a closed host says so."""
    host = opened("loss")
    host.ready()
    running = host._process._running  # type: ignore[attr-defined]
    assert os.getpgid(running.pid) != os.getpgid(0)  # Ctrl-C is for the parent to handle.
    host.close()
    host.close()
    assert not running.alive()
    with pytest.raises(TargetError, match="closed"):
        host.evaluate(HARMLESS)


def test_the_process_ends_with_its_parent() -> None:
    """A worker in the middle of an endless call ends when the parent is killed."""
    script = f"""
import os, signal, numpy as np
from xentcheck.batches.batch import Batch
from xentcheck.targets import TargetSpecification, open_host
host = open_host(TargetSpecification({PLANTED + ":hang"!r}))
host.ready()
host._process.channel.send({{"want": ["loss"], "label_form": "sparse", "layout": "C", "has_upstream": False,
    "option_arrays": [], "options": {{}}}}, [np.zeros((2, 3)), np.array([1, 0])])
print(host._process._running.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    orphan = int(ran.stdout)
    state = Path(f"/proc/{orphan}/stat")
    if not state.parent.parent.joinpath("self").exists():
        pytest.skip("there is no /proc to look the process up in")
    for _ in range(200):
        try:
            if state.read_text().split()[2] == "Z":
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        subprocess.run([sys.executable, "-S", "-c", ""], check=True)
    os.kill(orphan, signal.SIGKILL)
    pytest.fail(f"process {orphan} still runs")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_dtype_travels(dtype: str) -> None:
    """Scores arrive, and results come back, bit by bit in each of the formats; bfloat16 too."""
    import ml_dtypes

    kind = np.dtype(getattr(ml_dtypes, dtype) if dtype == "bfloat16" else dtype)
    scores = np.array([[-np.inf, 1.5, np.nan], [-0.0, 0.0, 2.0**-14]]).astype(kind)
    with opened("return_the_scores") as host:
        returned = host.evaluate(Batch(scores, np.array([0, 1]))).loss
    assert returned.dtype == kind
    assert returned.tobytes() == scores[:, 0].tobytes()


def test_large_and_empty_arrays_travel() -> None:
    """Messages larger than any buffer of the channel, and arrays without elements."""
    scores = np.arange(600_000, dtype=np.float64).reshape(3, -1)
    with opened("loss") as host, open_host(TargetSpecification(gradient=f"{PLANTED}:gradient")) as slopes:
        assert host.evaluate(Batch(scores, np.array([0, 1, 2]))).loss.shape == ()
        empty = slopes.evaluate(Batch(np.zeros((0, 5), np.float32), np.zeros(0, np.int64)))
        assert empty.gradient is None or empty.gradient.shape == (0, 5)
        assert slopes.evaluate(Batch(scores, np.array([0, 1, 2]))).gradient.shape == scores.shape


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64", reason="rounding modes of x86"
)
def test_a_changed_rounding_mode_is_seen_and_does_not_last() -> None:
    """It cannot be undone from outside, so the process is replaced."""
    with opened("round_upwards") as host:
        assert host.evaluate(HARMLESS).observations == ()
        assert host.evaluate(PROVOKING).observations == ("rounding-changed",)
        assert host.restarts == 1  # type: ignore[attr-defined]
        assert host.evaluate(HARMLESS).observations == ()


def test_the_worker_finds_the_package_and_none_of_its_rooms_by_a_bare_name(tmp_path: Path) -> None:
    """A target's `import contract` means a module of its own; and xentcheck is found however the judge found it."""
    source = tmp_path / "mine.py"
    source.write_text(
        "import importlib.util, pathlib, sys\n"
        "import xentcheck\n"
        "home = pathlib.Path(xentcheck.__file__).resolve().parents[1]\n"
        "if importlib.util.find_spec('contract') or str(home) not in sys.path:\n"
        "    raise RuntimeError(f'the path is {sys.path}')\n"
        "def loss(z, y):\n"
        "    return 0.0\n"
    )
    with open_host(TargetSpecification(f"{source}:loss")) as host:
        assert host.description.has_loss


def test_frames_of_every_room_of_targets_are_ours() -> None:
    """What is told of an exception is the innermost place outside them."""
    with pytest.raises(TargetError) as raised:
        split("no location at all:")
    assert innermost(raised.value).endswith("in test_frames_of_every_room_of_targets_are_ours")
