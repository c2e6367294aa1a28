"""The stores of a test: the memory driver's, in virtual time, which remember what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping

from celeriac.contracts.backend import KeepsTime
from celeriac.drivers.memory.backend import MemoryBackend, ResultStore
from celeriac.drivers.memory.store import MessageStore
from celeriac.lib.clock import Clock
from celeriac.model.envelope import Outgoing
from celeriac.model.record import ResultRecord
from celeriac.model.states import READY_STATES

TURNS = 100
"""How often other coroutines get a turn before one that waits for a result is told that it waits in vain."""

MOST = 100_000
"""Steps after which tasks are taken for ones that never come to an end."""

Step = Callable[[float | None], bool]
"""Runs one task, or lets time pass until one is due, at the longest until a moment (epoch seconds); False when nothing is left to come."""


class RecordingStore(MessageStore):
    """Messages; each that arrives in a queue is noted with the time."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.arrivals: list[tuple[float, str, Outgoing]] = []

    def append(self, routed: Iterable[tuple[str, Outgoing]]) -> None:
        routed = list(routed)
        now = self.clock.now()
        self.arrivals.extend((now, queue, outgoing) for queue, outgoing in routed)
        super().append(routed)


class WaitsInVain(AssertionError):
    """A result is waited for that nothing can bring: with a real worker the wait would never end."""


class VirtualBackend(MemoryBackend, KeepsTime):
    """Results; who waits for one lets the tasks run that lead to it, and virtual time pass."""

    def __init__(self, store: ResultStore, step: Step, why: Callable[[Collection[str]], str]) -> None:
        super().__init__(store)
        self._step = step
        self._why = why
        self._in_vain = 0

    def monotonic(self) -> float:
        # This clock never runs backwards, and only its seconds are compared exactly.
        return self.results.clock.now()

    def wait(self, ids: Collection[str], timeout: float | None) -> Mapping[str, ResultRecord]:
        until = None if timeout is None else self.monotonic() + timeout
        steps = 0
        while not (ready := self._ready(ids)):
            # What is due at the last moment still counts.
            if self._step(until) and steps < MOST:
                self._in_vain = 0
                steps += 1
                continue
            self._in_vain += 1
            if until is None or self._in_vain > TURNS or steps >= MOST:
                self._in_vain = 0
                raise WaitsInVain(self._why(ids))
            return {}
        return ready

    async def await_one(self, id: str, timeout: float | None) -> ResultRecord | None:
        until = None if timeout is None else self.monotonic() + timeout
        steps = turns = 0
        while not (ready := self._ready((id,))):
            # Other coroutines go on meanwhile, and may send what this one waits for.
            await asyncio.sleep(0)
            if self._step(until) and steps < MOST:
                turns = 0
                steps += 1
                continue
            turns += 1
            if turns > TURNS and until is not None:
                return None
            if turns > TURNS or steps >= MOST:
                raise WaitsInVain(self._why((id,)))
        return ready[id]

    def _ready(self, ids: Collection[str]) -> dict[str, ResultRecord]:
        return {id: record for id, record in self.load(ids).items() if record.state in READY_STATES}
