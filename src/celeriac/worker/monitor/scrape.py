"""The metrics of a worker. Names are promises: dashboards and alerts go by them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from celeriac.lib.importing import symbol_by_name
from celeriac.model.effects import Ending
from celeriac.worker.memory_guard import resident_memory
from celeriac.worker.monitor.contact import Contact
from celeriac.worker.monitor.counts import BOUNDS, UNKNOWN, Counts, Series
from celeriac.worker.monitor.monitor import Monitor
from celeriac.worker.monitor.text import Family, Labels, histogram, simple
from celeriac.worker.slots import Slots

_NAMES = {ending: ending.name.lower() for ending in Ending if ending}
_RECEIVED, _STARTED = 0, 1
_KIB = 1024


class WorkerFamilies:
    """Puts together what a worker tells. ``role`` is that of this process, ``main`` the supervisor's id where there is one."""

    def __init__(self, counts: Counts, about: Labels, role: str, main: int | None, slots: Slots | None) -> None:
        self._counts = counts
        self._about = about
        self._role = role
        self._main = main
        self._slots = slots

    def families(self, monitor: Monitor) -> list[Family]:
        """Return every metric as it is now."""
        series = dict(self._counts.series)
        # Prometheus sees no increase in a counter that begins with its first event.
        none = dict.fromkeys(monitor.queues(), 0)
        return [
            simple("celeriac_worker_info", "gauge", "The worker, its executor and version.", [({**self._about, "version": version()}, 1)]),
            simple("celeriac_tasks_total", "counter", "Tasks by what became of them.", _states(series, self._running(monitor))),
            histogram("celeriac_task_runtime_seconds", "How long tasks ran.", BOUNDS, _histograms(series, "ran", "run_time")),
            histogram(
                "celeriac_task_queue_latency_seconds", "From when a task could have run until a worker had it.", BOUNDS,
                _histograms(series, "wait", "wait_time"),
            ),
            simple("celeriac_redeliveries_total", "counter", "Tasks received again.", _by_queue({**none, **self._counts.redelivered})),
            simple("celeriac_dead_letters_total", "counter", "Messages set aside.", _by_queue({**none, **self._counts.dead})),
            simple("celeriac_queue_depth", "gauge", "Messages that wait in the broker.", _by_queue(monitor.depths)),
            *self._slots_of(monitor),
            simple("celeriac_process_resident_memory_bytes", "gauge", "Memory by the process's role.", self._memory()),
            *contact_families(monitor.contact),
        ]  # fmt: skip

    def _running(self, monitor: Monitor) -> Mapping[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for running in monitor.place.running() if monitor.place is not None else ():
            delivery = running.job.delivery
            if running.job.lost is None:
                key = delivery.envelope.headers.get("task", ""), delivery.queue
                found[key] = found.get(key, 0) + 1
        return found

    @staticmethod
    def _slots_of(monitor: Monitor) -> list[Family]:
        place = monitor.place
        if place is None:
            return []
        return [
            simple("celeriac_slots", "gauge", "Tasks that may run side by side.", [({}, place.size)]),
            simple("celeriac_slots_in_use", "gauge", "Tasks that run.", [({}, place.busy)]),
            simple("celeriac_tasks_held", "gauge", "Tasks that the worker has and that do not run yet.", [({}, monitor.held())]),
        ]

    def _memory(self) -> Iterable[tuple[Labels, float]]:
        pids: list[tuple[Labels, int]] = [({"role": self._role, "slot": ""}, os.getpid())]
        if self._main is not None:
            pids.append(({"role": "supervisor", "slot": ""}, self._main))
        for slot in self._slots.all() if self._slots is not None else ():
            pids.append(({"role": "task process", "slot": str(slot.index + 1)}, slot.deadlines()[0]))
        found = [(labels, resident_memory(pid)) for labels, pid in pids if pid]
        return [(labels, memory * _KIB) for labels, memory in found if memory is not None]


def contact_families(contact: Contact) -> list[Family]:
    """Return how a process stands with its broker."""
    up = contact.connected and not contact.away()
    return [
        simple("celeriac_broker_up", "gauge", "Whether the broker and the result store answer.", [({}, int(up))]),
        simple(
            "celeriac_broker_errors_total", "counter", "Calls to the broker or result store that failed.",
            [({"operation": what}, count) for what, count in sorted(contact.errors.items())],
        ),
        simple("celeriac_broker_recoveries_total", "counter", "How often it answered again after errors.", [({}, contact.recoveries)]),
        simple("celeriac_last_fetch_timestamp_seconds", "gauge", "The last successful fetch.", [({}, contact.last_fetch)]),
        simple("celeriac_loop_stuck", "gauge", "Loops that hang.", [({}, len(contact.stuck()))]),
    ]  # fmt: skip


def version() -> str:
    """Return the version of this package."""
    return str(symbol_by_name("celeriac:__version__"))


def _states(series: Mapping[tuple[str, str], Series], running: Mapping[tuple[str, str], int]) -> list[tuple[Labels, float]]:
    samples: list[tuple[Labels, float]] = []
    for (task, queue), found in sorted(series.items()):
        labels = {"task": task, "queue": queue}
        values = {"received": _shown(found, _RECEIVED, found.received - found.given_back)}
        values["started"] = _shown(found, _STARTED, found.ended + found.cut + running.get((task, queue), 0))
        values |= {name: found.endings[ending] + found.refused[ending] for ending, name in _NAMES.items()}
        values["lost"] = found.lost
        samples += [({**labels, "state": state}, value) for state, value in values.items() if task != UNKNOWN or value]
    return samples


def _shown(series: Series, which: int, value: int) -> int:
    """A counter that went back would look like a restart of the process."""
    series.shown[which] = max(series.shown[which], value)
    return series.shown[which]


def _by_queue(counts: Mapping[str, int]) -> list[tuple[Labels, float]]:
    return [({"queue": queue}, count) for queue, count in sorted(counts.items())]


def _histograms(series: Mapping[tuple[str, str], Series], buckets: str, total: str) -> list[tuple[Labels, Sequence[int], float]]:
    found: dict[str, tuple[list[int], float]] = {}
    for (task, _), each in sorted(series.items()):
        counted, seconds = found.get(task, ([0] * (len(BOUNDS) + 1), 0.0))
        found[task] = [one + more for one, more in zip(counted, getattr(each, buckets))], seconds + getattr(each, total)
    return [({"task": task}, counted, seconds) for task, (counted, seconds) in found.items() if any(counted)]
