"""Taking jobs that wait behind another away from a task process that does not get on, and cannot hand them back itself.

A process hands back what waits behind a long job (its courier thread does). One that foreign code holds up with the interpreter's lock, or that the
system does not let run, cannot. So the jobs are marked in its slot as taken away: a process begins a job by writing that down and only then looks at
the mark, and the mark counts from the next look, half a second later. By then a job has either been noted as begun, or never will be begun there.
"""

from __future__ import annotations

from celeriac.model.effects import Job
from celeriac.worker.ledger import Ledger
from celeriac.worker.slots import Slots

PAUSE = 0.5
"""Seconds between two looks, and so the time without any progress after which jobs are taken away."""


class Rescue:
    """Looks at packets of several jobs that are out; for one thread."""

    def __init__(self, slots: Slots, ledger: Ledger) -> None:
        self._slots = slots
        self._ledger = ledger
        self._next = 0.0
        self._seen: dict[int, int] = {}
        self._marked: set[int] = set()

    def look(self, now: float) -> list[Job]:
        """Return the jobs that have been taken away and are to be run elsewhere; ``now`` in monotonic seconds."""
        if now < self._next:
            return []
        self._next = now + PAUSE
        sizes = {number: len(jobs) for number, jobs in self._ledger.out() if len(jobs) > 1}
        if not sizes:
            self._seen, self._marked = {}, set()
            return []
        freed: list[Job] = []
        seen: dict[int, int] = {}
        for slot in self._slots.all():
            packet, claimed = slot.packet, slot.claimed
            if claimed >= sizes.get(packet, 0):
                continue
            seen[packet] = claimed
            if packet in self._marked:
                freed += self._ledger.take_off(packet, claimed)
            elif self._seen.get(packet) == claimed:
                slot.take_away(packet, claimed)
                self._marked.add(packet)
        self._seen = seen
        self._marked &= sizes.keys()
        return freed
