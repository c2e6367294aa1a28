"""The next task of a chain begins where the last one has ended, while nothing else waits.

An idle worker would publish it, be woken by it, and hand it to one of its processes: four ways between processes for what the process that
has the result can begin at once. The consumer says in shared memory when that is allowed; the process tells it with the report of the job before,
so that what it runs is known before it runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum

from celeriac.engine.current import Tools
from celeriac.engine.refusals import Gate
from celeriac.engine.succession import successor
from celeriac.model.effects import Job, Writes
from celeriac.model.envelope import Settlement, Verdict
from celeriac.worker.packets import Packet
from celeriac.worker.slots import Slots


class Lull(IntEnum):
    """What the consumer says in ``Slots.lull``."""

    NONE = 0
    """Something waits, or might have to be refused."""
    QUIET = 1
    """Nothing waits in the queues of this worker."""
    WATCHED = 2
    """The same, and events tell what becomes of tasks."""


@contextmanager
def lull(slots: Slots, gate: Gate, allowed: Callable[[], bool]) -> Iterator[None]:
    """Let task processes begin successors in this block, which waits for messages."""
    if allowed() and not (gate.revoked or gate.rates.limited or gate.time_limits):
        slots.lull = Lull.WATCHED if gate.events else Lull.QUIET
    try:
        yield
    finally:
        slots.lull = Lull.NONE


class Succession:
    """Makes packets of successors, in one task process. Their numbers are below those of the consumer's, and no other process makes the same."""

    def __init__(self, slots: Slots, tools: Tools) -> None:
        self._slots = slots
        self._tools = tools
        self._number = -(os.getpid() << 32)

    def of(self, job: Job, writes: Writes) -> tuple[Writes, Packet | None]:
        """Return what is to be written when a job has ended, and the packet that is run next here, if one is."""
        allowed = self._slots.lull
        if not allowed or len(writes.publish) != 1:
            return writes, None
        found = successor(job, writes.publish[0], self._tools, watched=allowed == Lull.WATCHED)
        if found is None:
            return writes, None
        self._number -= 1
        delivery = found.delivery
        # Where it is remembered what has begun, the store has it in the place of the one that has ended.
        instead = Settlement(Verdict.BEGIN, delivery.tag, delivery.queue, instead=writes.publish[0]) if found.begun else writes.settlement
        return writes.replace(publish=(), settlement=instead), Packet(self._number, (found,))
