"""What a call changed besides returning: inputs, earlier results, numpy, the floating-point environment, seeds."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Numpy's own default, so that the target meets what its users meet.
DEFAULT_ERRSTATE = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}

_SEED = 20_240_229  # any that nobody is likely to set

_BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}  # by bytes of a number
_ONES = np.array([1.0, 1.0])
_TINY = np.array([2.0**-60, -(2.0**-60)])
_SUBNORMAL = np.array([2.0**-1022, 2.0**-1074])
_HALF = np.array([0.5, 1.0])


@dataclass(frozen=True, eq=False)
class Given:
    """An array as the target was given it, and what it held.

    Parameters
    ----------
    role : {"scores", "labels", "options"}
    array : ndarray
        The memory that the target was given.
    original : ndarray
        An untouched array with the same values.
    """

    role: str
    array: NDArray[Any]
    original: NDArray[Any]
    form: tuple[object, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Remember the form of the array."""
        object.__setattr__(self, "form", _form(self.array))

    @property
    def changed(self) -> bool:
        """Whether the memory differs, bit by bit, from what was given."""
        return not same_bits(self.array, self.original)

    @property
    def altered(self) -> bool:
        """Whether the array itself has another form now: it was reshaped or write-protected in place."""
        return self.form != _form(self.array)


def _form(array: NDArray[Any]) -> tuple[object, ...]:
    return array.shape, array.strides, array.dtype, array.flags.writeable


MANY, SMALL = 8, 4096
"""How many earlier results are watched, and how many bytes one has at most beyond the last two: a ring of buffers
comes round to one after as many calls as it has."""


class EarlierResults:
    """The results of the calls before, to see whether a later call overwrites them."""

    def __init__(self) -> None:
        self._kept: list[tuple[NDArray[Any], NDArray[Any]]] = []

    def keep(self, array: NDArray[Any]) -> None:
        """Remember an array that was returned and what it holds now; the last two, and of small ones some more."""
        older = [one for one in self._kept[1 - MANY : -1] if one[1].nbytes <= SMALL]
        self._kept = [*older, *self._kept[-1:], (array, array.copy())]

    def changed(self) -> bool:
        """Whether one of them holds something else now; it is then forgotten."""
        intact = [(array, content) for array, content in self._kept if same_bits(array, content)]
        changed = len(intact) < len(self._kept)
        self._kept = intact
        return changed


def same_bits(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Return whether two arrays of one shape and dtype hold the same, bit by bit: a nan is itself, -0.0 is not 0.0.

    Numbers of one width are compared where they lie, which takes a third of the time of two copies.
    """
    bits = _BITS.get(one.dtype.itemsize)
    if bits is None or one.dtype != other.dtype or one.shape != other.shape or one.dtype.hasobject:
        return one.tobytes() == other.tobytes()
    return bool((one.view(bits) == other.view(bits)).all())


def processor_state() -> tuple[bool, bool]:
    """Return whether the processor rounds to nearest, and whether it keeps subnormal numbers.

    Arithmetic on arrays, since the interpreter may fold constants.
    """
    to_nearest = (_ONES + _TINY).tobytes() == _ONES.tobytes()
    keeps_subnormals = bytes(8) not in ((_SUBNORMAL * _HALF).tobytes()[:8], (_SUBNORMAL * _HALF).tobytes()[8:])
    return to_nearest, keeps_subnormals


class Environment:
    """The state of this process that a call of the target must leave alone.

    Parameters
    ----------
    exclusive : bool
        Whether nobody but the target changes the global generators between two calls, as in a worker, so
        that their state, which is slow to read, need not be read before each call.
    """

    def __init__(self, exclusive: bool = False) -> None:
        self._modules, self._path = dict(sys.modules), list(sys.path)
        self._exclusive = exclusive
        self._numpy_seed: dict[str, Any] | None = None
        self._numpy = dict(vars(np))

    @contextmanager
    def watched(self, seen: set[str]) -> Iterator[None]:
        """Run a call in numpy's default error state without warnings; add to `seen` what it changed, and undo that.

        The processor's rounding mode and its treatment of subnormal numbers cannot be undone from here.
        """
        numpy_state = np.seterr(**DEFAULT_ERRSTATE)  # type: ignore[arg-type]
        processor = processor_state()
        numpy_seed = self._numpy_seed if self._exclusive and self._numpy_seed else _numpy_seed()
        python_seed = _python_seed()
        if not self._exclusive:
            self._numpy = dict(vars(np))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            if "numpy" not in sys.modules:  # the call has taken the modules away that what comes after it imports
                sys.modules.update({name: known for name, known in self._modules.items() if name not in sys.modules})
                sys.path[:] = sys.path or self._path
            self._restore_numpy(seen)
            if np.geterr() != DEFAULT_ERRSTATE:
                seen.add("errstate-changed")
            np.seterr(**numpy_state)
            if numpy_seed is not None and _key(numpy_seed) != _key(_numpy_seed()):
                seen.add("numpy-seed-changed")
                sys.modules["numpy.random"].set_state(numpy_seed)
            if python_seed is not None and python_seed != _python_seed():
                seen.add("python-seed-changed")
                sys.modules["random"].setstate(python_seed)
            if python_seed is None:
                _unsettle("random")
            if numpy_seed is None:
                _unsettle("numpy.random")
            self._numpy_seed = numpy_seed or _numpy_seed()
            rounds, keeps = processor_state()
            if processor[0] and not rounds:
                seen.add("rounding-changed")
            if processor[1] and not keeps:
                seen.add("flushing-changed")

    def _restore_numpy(self, seen: set[str]) -> None:
        """Bind the names in numpy anew that a call has bound to something else or deleted; new ones may stay."""
        bound = vars(np)
        if _alike(bound, self._numpy):
            return
        missing = object()
        replaced = {name: value for name, value in self._numpy.items() if bound.get(name, missing) is not value}
        if replaced:
            bound.update(replaced)
            seen.add("numpy-replaced")
        self._numpy = dict(bound)


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two namespaces hold the same; values that are not identical may not be comparable."""
    try:
        return one == other
    except Exception:
        return False


def _unsettle(module: str) -> None:
    """Give a global generator that a call has imported a state of its own.

    A target that sets the same seed in every call would else find it set, and change nothing from the second
    call on. The first call cannot be judged: nobody knows the state before it.
    """
    generator = sys.modules.get(module)
    if generator is not None and hasattr(generator, "seed"):  # else it is a neighbour of the target of that name
        generator.seed(_SEED)


def _numpy_seed() -> dict[str, Any] | None:
    """Return the state of numpy's global generator; None where nobody has imported it, so nobody can change it."""
    module = sys.modules.get("numpy.random")
    state: dict[str, Any] | None = None if module is None else module.get_state(legacy=False)
    return state


def _key(state: dict[str, Any] | None) -> Any:
    """Return what tells two states of a generator apart."""
    if state is None:
        return None
    inner = [value.tobytes() if isinstance(value, np.ndarray) else value for value in state["state"].values()]
    return inner, state["bit_generator"], state.get("has_gauss"), state.get("gauss")


def _python_seed() -> Any:
    module = sys.modules.get("random")
    return None if module is None or not hasattr(module, "getstate") else module.getstate()
