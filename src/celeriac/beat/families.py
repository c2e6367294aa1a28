"""The metrics of a scheduler. Names are promises: dashboards and alerts go by them."""

from __future__ import annotations

import os

from celeriac.beat.loop import Loop
from celeriac.lib.clock import Clock
from celeriac.worker.memory_guard import resident_memory
from celeriac.worker.monitor.contact import Contact
from celeriac.worker.monitor.monitor import Monitor
from celeriac.worker.monitor.scrape import contact_families
from celeriac.worker.monitor.text import Family, simple


class SchedulerFamilies:
    """Puts together what a scheduler tells; without a ``loop`` it is one that somebody else has written, of which less is known."""

    def __init__(self, contact: Contact, loop: Loop | None, clock: Clock) -> None:
        self._contact = contact
        self._loop = loop
        self._clock = clock

    def families(self, monitor: Monitor) -> list[Family]:
        """Return every metric as it is now."""
        memory = (resident_memory(os.getpid()) or 0) * 1024
        found = [simple("celeriac_process_resident_memory_bytes", "gauge", "Memory by the process's role.", [({"role": "beat", "slot": ""}, memory)])]
        if self._loop is not None:
            found += self._of(self._loop)
        return [*found, *contact_families(self._contact)]

    def _of(self, loop: Loop) -> list[Family]:
        overdue = self._clock.now() - loop.following if loop.leads and loop.following is not None else 0.0
        return [
            simple("celeriac_scheduler_leads", "gauge", "Whether this scheduler is the one that sends.", [({}, int(loop.leads))]),
            simple("celeriac_scheduler_sent_total", "counter", "Slots that were fired.", [({}, loop.sent)]),
            simple(
                "celeriac_scheduler_lag_seconds", "gauge", "How late the last slot was fired, or the next one is by now.",
                [({}, max(loop.late if loop.leads else 0.0, overdue, 0.0))],
            ),
        ]  # fmt: skip
