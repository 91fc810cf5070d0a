"""A host that keeps the target in a process of its own, and starts another one after a crash or a hang."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import takewhile
from time import perf_counter
from typing import Any

from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.contract.harmless import harmless
from xentcheck.targets.description import TargetDescription
from xentcheck.targets.errors import TargetError
from xentcheck.targets.host.ahead import Ahead
from xentcheck.targets.host.answer import (
    DamagedError,
    WorkerFaultError,
    changed_processor,
    interpreter_in,
    outcome_of,
    stated_in,
)
from xentcheck.targets.host.base import Host, described
from xentcheck.targets.host.channel import ChannelClosedError, ChannelGarbledError, ChannelTimeoutError
from xentcheck.targets.host.memory import MemoryLimit
from xentcheck.targets.host.patience import Patience
from xentcheck.targets.host.process import Process
from xentcheck.targets.host.request import Call, call_of, message_of, together
from xentcheck.targets.outcome import HUNG, Outcome, Raised
from xentcheck.targets.parameter import Parameter
from xentcheck.targets.question import Question
from xentcheck.targets.specification import BuildPlan

TIME_LIMIT = 10.0
FIRST_TIME_LIMIT = 120.0


class WorkerHost(Host):
    """The target in a subprocess.

    The process is started at once, so that it imports while the caller does other things; it is waited for
    at the first use.

    Parameters
    ----------
    plan : BuildPlan
    time_limit : float
        Seconds that an evaluation may take that is asked for again.
    first_time_limit : float
        Seconds that the import may take, and an evaluation in which something may be compiled; see `Patience`.
    memory : MemoryLimit, optional
        What the process may have of it.
    ahead : Ahead, optional
        A process that has been started for this target before.
    """

    def __init__(
        self,
        plan: BuildPlan,
        time_limit: float = TIME_LIMIT,
        first_time_limit: float = FIRST_TIME_LIMIT,
        memory: MemoryLimit | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        self._plan = plan
        self._memory = memory
        self._patience = Patience(time_limit, first_time_limit)
        self._process: Process | None
        self._description: TargetDescription | None = None
        self._closed = False
        self.restarts = 0
        self.last_output = ""
        self._process = ahead.taken(plan) if ahead is not None else None
        if self._process is None:
            self._start()

    def ready(self) -> TargetDescription:
        """Wait until the target has been imported and return what is known of it; raises TargetError."""
        if self._closed:
            raise TargetError(f"The host of {self._plan.name} is closed.")
        if self._process is None:
            self._start()
        assert self._process is not None
        if not self._process.greeted:
            self._description = self._greet()
        assert self._description is not None
        return self._description

    def evaluate(
        self,
        batch: Batch,
        want: Sequence[str] = ("loss", "gradient"),
        upstream: NDArray[Any] | None = None,
        vector: NDArray[Any] | None = None,
        tangent: NDArray[Any] | None = None,
        *,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Outcome:
        """Return what the target makes of a batch; see `Host.evaluate`."""
        (outcome,) = self.evaluate_each([Question(batch, want, upstream, vector, meanwhile, tangent)])
        return outcome

    def evaluate_each(self, questions: Sequence[Question]) -> Generator[Outcome, None, None]:
        """Yield what the target makes of each of several questions; see `Host.evaluate_each`.

        Small ones travel as one message, and are answered one by one. Where the process ends in the midst of them, the
        call is known that ended it, and those after it are made in the next process.
        """
        left = list(questions)
        while left:
            if self._description is None or self._closed:
                self.ready()
            assert self._description is not None
            for one in left:
                asks = one.upstream is not None and "gradient" in one.want and self._description.has_gradient
                if asks and not self._description.has_vjp:
                    raise ValueError(f"The target {self._plan.name} takes no cotangent.")
            try:
                self.ready()
            except TargetError as error:
                # It could be imported before, so this is something that the target does now and then.
                del left[0]
                yield Outcome(died=f"the process could not be started again: {error}")
                continue
            if not self._takes(left[0]):
                lacking = f"{left.pop(0).batch.dtype} cannot be handed over: {self._plan.python} has no ml_dtypes"
                yield Outcome(raised=Raised("ImportError", lacking, "convert"))
                continue
            calls = together([call_of(one) for one in takewhile(self._takes, left)])
            answered = yield from self._exchanged(left[: len(calls)], calls)
            del left[:answered]

    def _takes(self, question: Question) -> bool:
        """Whether the interpreter of the target has the dtype of a question."""
        assert self._description is not None
        return question.batch.dtype not in self._description.unavailable_dtypes

    def _exchanged(self, asked: Sequence[Question], calls: Sequence[Call]) -> Generator[Outcome, None, int]:
        """Send one message, and yield the outcome of each call in it; return of how many, before the process ended."""
        process, answered = self._process, 0
        assert process is not None
        early: deque[Call] = deque()
        try:
            while answered < len(asked) and self._process is process:
                outcome = self._answered(process, asked[answered], calls, answered, early)
                answered += 1
                yield outcome
            return answered
        finally:
            if answered < len(asked) and self._process is process:
                # What is still to come would be taken for the answers to what is asked next.
                self._discard(process)

    def _answered(
        self, process: Process, question: Question, calls: Sequence[Call], place: int, early: deque[Call]
    ) -> Outcome:
        """Return the outcome of a call; before the first one is waited for, the message is sent.

        `early` has the answers to later calls that were read before it was their turn.
        """
        limit = self._patience.limit
        try:
            begun = perf_counter()
            if place == 0:
                process.channel.send(*message_of(calls), limit, process.alive)
            question.meanwhile()
            header, arrays = early.popleft() if early else process.channel.receive(limit, process.alive, process.waits)
            if self._patience.ended(perf_counter() - begun) and self._read_early(
                process, len(calls) - place - 1, early
            ):
                # Only what is as slow again is slow; what was compiled is there by now.
                limit = self._patience.ordinary
                process.channel.send(*message_of(calls[place : place + 1]), limit, process.alive)
                process.channel.receive(limit, process.alive, process.waits)
            outcome = outcome_of(header, arrays)
            if "description" in header:
                assert self._description is not None
                self._description = self._described(header, self._description.observations)
        except ChannelTimeoutError:
            self._patience.ran_out()
            self._restart(process)
            return Outcome(died=f"{HUNG} {limit:g} s")
        except ChannelGarbledError as error:
            self._restart(process)
            return Outcome(died=f"something else than xentcheck wrote on the channel of its process: {error}")
        except ChannelClosedError:
            how = self._end(process)
            self._restart(process)
            return Outcome(died=how)
        except DamagedError as error:
            self._restart(process)
            return Outcome(died=f"it took away what the code of xentcheck beside it needs: {error}")
        except WorkerFaultError as error:
            self._discard(process)
            error.add_note("\n".join(harmless(line) for line in self.last_output.splitlines()))
            raise
        raised = outcome.raised
        if self._memory and raised is not None and self._memory.explains(f"{raised.kind}: {raised.message}"):
            told = f"{self._memory.reached}: {raised.message}" if raised.message else self._memory.reached
            outcome = replace(outcome, raised=replace(raised, message=told))
        process.shorten_output()
        if {"rounding-changed", "flushing-changed"} & set(outcome.observations):
            self._restart(process)
        return outcome

    def _read_early(self, process: Process, count: int, early: deque[Call]) -> bool:
        """Read the answers to the next calls, and return whether they are there: one of these may end the process."""
        try:
            while len(early) < count:
                early.append(process.channel.receive(self._patience.limit, process.alive, process.waits))
        except (ChannelTimeoutError, ChannelClosedError):
            self._restart(process)
            return False
        return True

    def loaded_modules(self) -> list[str]:
        """Return the names of the modules that the target's process has imported."""
        self.ready()
        assert self._process is not None
        self._process.channel.send({"modules": True})
        return list(self._process.channel.receive(self._patience.ordinary, self._process.alive)[0]["modules"])

    def follow(self, contract: Mapping[str, Any]) -> None:
        """Call the target by another contract from now on; see `Host.follow`."""
        self._plan = replace(self._plan, changes=dict(contract))
        self.ready()
        process = self._process
        assert process is not None
        try:
            request = {"follow": {**(self._plan.contract or {}), **contract}, "framework": self._plan.framework}
            process.channel.send(request, [], self._patience.limit, process.alive)
            header, _ = process.channel.receive(self._patience.limit, process.alive, process.waits)
            self._description = self._described(header, self._description.observations if self._description else ())
        except (ChannelTimeoutError, ChannelGarbledError, ChannelClosedError):
            self._restart(process)  # which follows the contract, too

    def parameters(self) -> tuple[Parameter, ...]:
        """Return the arguments of the target's call; see `Host.parameters`."""
        return tuple(Parameter(**one) for one in self._stated("parameters"))

    def settings(self) -> tuple[Parameter, ...]:
        """Return what the target's object was made with; see `Host.settings`."""
        return tuple(Parameter(**one) for one in self._stated("settings"))

    def numbers(self) -> tuple[int, ...]:
        """Return the whole numbers in the target's code; see `Host.numbers`."""
        return tuple(self._stated("numbers"))

    def _stated(self, which: str) -> list[Any]:
        self.ready()
        assert self._process is not None
        self._process.channel.send({"parameters": True})
        stated: list[Any] = self._process.channel.receive(self._patience.ordinary, self._process.alive)[0][which]
        return stated

    def waits(self) -> dict[str, float]:
        """For how many seconds each thread of the process has waited for a processor; see `Host.waits`."""
        return {} if self._process is None else self._process.waits()

    def works(self) -> dict[str, float]:
        """For how many seconds each thread of the process has had a processor; see `Host.works`."""
        return {} if self._process is None else self._process.works()

    def hurry(self) -> None:
        """Wait for no call as long as for one that compiles; see `Host.hurry`."""
        self._patience.ran_out()

    def close(self) -> None:
        """End the process."""
        self._closed = True
        if self._process is not None:
            self._discard(self._process)

    def _start(self, try_out: bool = True) -> None:
        plan = asdict(self._plan)
        plan["try_out"] = plan["try_out"] and try_out
        self._process = Process(plan, self._memory.size if self._memory else None)

    def _end(self, process: Process) -> str:
        """End a process that has closed its channel, and return in words how it ended."""
        how, most = process.how_it_ended()
        self._discard(process)
        if self._memory and self._memory.explains(self.last_output, most):
            return f"{self._memory.reached} ({how})"
        return how

    def _restart(self, process: Process) -> None:
        self._discard(process)
        self.restarts += 1
        self._start()

    def _discard(self, process: Process) -> None:
        if self._process is process:
            self.last_output = process.end()
            self._process = None

    def _described(self, header: Mapping[str, Any], observations: Sequence[str]) -> TargetDescription:
        """Return what a worker states of its target; what it is called is known without asking."""
        elsewhere = interpreter_in(header, self._plan.python)
        stated = {**stated_in(header), "name": self._plan.name, "location": self._plan.location}
        return described(stated, self._plan.contract is not None, observations, elsewhere)

    def _greet(self) -> TargetDescription:
        """Wait for the worker's description."""
        trying = False
        while True:
            process = self._process
            assert process is not None
            try:
                header, _ = process.channel.receive(self._patience.first, process.alive, process.waits)
                if "trial" in header and not trying:
                    trying = True
                    continue
                if "error" in header:
                    said = header["error"]
                    if self._memory and self._memory.explains(said):
                        said += f" In other words, {self._memory.reached}."
                    raise TargetError(said)
                description = self._described(header, changed_processor(header))
                process.greeted = True
                return description
            except ChannelGarbledError as error:
                self._discard(process)
                raise TargetError(f"{self._plan.name} wrote on the channel of its process: {error}.") from None
            except (ChannelTimeoutError, ChannelClosedError) as error:
                slow = isinstance(error, ChannelTimeoutError)
                how = f"{HUNG} {self._patience.first:g} s" if slow else self._end(process)
                self._discard(process)
                if trying:
                    if slow:
                        self._patience.ran_out()
                    # Not the import but a first call ended it; that is for the first batch to show.
                    self._start(try_out=False)
                    trying = False
                    continue
                said = _ended_while_importing(self._plan.name, how, self.last_output)
                raise TargetError(f"{said[:-1]}; {_LONGER}." if slow else said) from None
            except BaseException:
                self._discard(process)
                raise


_LONGER = "--first-time-limit of `check`, or --time-limit of `probe`, gives an import longer"


def _ended_while_importing(name: str, how: str, output: str) -> str:
    lines = output.strip().splitlines()
    words = next((line for line in lines if line.startswith("Fatal Python error")), lines[-1] if lines else "")
    last = f"; its last words: {words[:300].rstrip('.')}" if words else ""
    return f"The process that imports {name} ended before it was ready ({how}){last}."
