"""A running worker as commands see it: station, executor and what they share, put together."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from celeriac.contracts.broker import ShowsDelayed
from celeriac.control.state import Running, Waiting
from celeriac.engine.rate_limit import per_second
from celeriac.engine.revoked import stamp_marks
from celeriac.model.effects import Job
from celeriac.model.topology import Queue
from celeriac.worker import loading
from celeriac.worker.autoscale import Autoscaler
from celeriac.worker.parts import Parts, Station
from celeriac.worker.place import Place
from celeriac.worker.revocations import mark_revoked

logger = logging.getLogger("celeriac.worker")

_SHOWN = 1_000
_PATIENCE = 1.0
_ELECTED = 3600.0
"""Seconds for which an election that was held is remembered."""


class Controls:
    """Implements ``control.state.Controlled``."""

    def __init__(self, parts: Parts, station: Station, place: Place, scaler: Autoscaler | None = None) -> None:
        self.app = parts.app
        self.hostname = parts.options.hostname
        self.clock = parts.clock
        self.began = parts.clock.monotonic()
        self.place = place
        self._parts = parts
        self._station = station
        self._queues = {queue.name: queue for queue in parts.queues}
        self._scaler = scaler
        station.revocations.on_change = self._recall_revoked

    @property
    def pid(self) -> int:
        """The process that answers; of a worker with task processes, its supervisor."""
        return self._parts.main_pid or os.getpid()

    # -- what there is

    def running(self) -> Sequence[Running]:
        return self.place.running()

    def reserved(self) -> Sequence[Job]:
        return [*self.place.handed_out(), *self._station.intake.jobs()]

    def waiting(self) -> Sequence[Waiting]:
        broker: object = self._station.broker
        if not isinstance(broker, ShowsDelayed):
            return []
        return [Waiting(due, delivery) for due, delivery in broker.delayed(self._station.intake.queues, limit=_SHOWN)]

    def counts(self) -> Mapping[str, int]:
        return self._parts.pace.counts

    def pool(self) -> dict[str, Any]:
        return self.place.describe()

    def autoscaler(self) -> dict[str, Any] | None:
        scaler = self._scaler
        return None if scaler is None else {"max": scaler.most, "min": scaler.least, "current": self.place.size, "qty": 0}

    def prefetched(self) -> int:
        return min(self.place.size * self._parts.pace.ahead, self._parts.options.most_held(self.place.size))

    # -- queues

    def queues(self) -> Sequence[Queue]:
        return [self._queues.get(name) or self.app.queues[name] for name in self._station.intake.queues]

    def repeat(self, change: bytes) -> None:
        """Make a change that was made in a consumer which has died."""
        what, arguments, fields = msgspec.msgpack.decode(change, type=tuple[str, list[Any], dict[str, Any]])
        logger.info("Again, for the restarted consumer: %s(%s)", what, ", ".join(map(str, arguments)))
        getattr(self, what)(*arguments, **fields)

    def _remember(self, key: str, what: str, *arguments: Any, **fields: Any) -> None:
        with contextlib.suppress(TypeError):
            # What cannot be written down came from code of the user's in this very process, not from a command.
            self.place.remember(key, msgspec.msgpack.encode((what, arguments, fields)))

    def add_queue(self, name: str, **fields: Any) -> None:
        self._remember(f"queue:{name}", "add_queue", name, **fields)
        queue = self.app.queues.add(name, **fields) if fields else self.app.queues[name]
        self._station.broker.declare([queue])
        self._queues[queue.name] = queue
        intake = self._station.intake
        if queue.name not in intake.queues:
            intake.queues = [*intake.queues, queue.name]
            self._station.broker.wake()

    def cancel_queue(self, name: str) -> None:
        self._remember(f"queue:{name}", "cancel_queue", name)
        self._station.intake.cancel(name, _PATIENCE)

    # -- tasks

    def revoked(self) -> Sequence[str]:
        return self._station.gate.revoked.ids()

    def revoke(self, ids: Sequence[str]) -> None:
        self._station.revocations.add(ids)
        running = {each.job.delivery.envelope.headers.get("id") for each in self.running()}
        mark_revoked([each for each in ids if each not in running], self.app, self._station.backend, self.clock.now())

    def revoke_stamped(self, stamps: Mapping[str, Any]) -> None:
        self._station.revocations.add(stamp_marks(stamps))

    def _recall_revoked(self) -> None:
        """What waits for a process must not start: it goes back to where revoked jobs are sorted out."""
        revoked, now = self._station.gate.revoked, self.clock.now()
        self.place.recall(lambda job: revoked.covers(job.delivery.envelope.headers.get("id", ""), job.delivery.envelope.headers, now))
        self._station.intake.drop_revoked()
        self._station.broker.wake()

    def terminate(self, ids: Iterable[str], signum: int) -> Sequence[str]:
        return self.place.terminate(ids, signum)

    def set_rate(self, task: str, rate: Any) -> None:
        self._remember(f"rate:{task}", "set_rate", task, rate)
        self.app.tasks[task].rate_limit = rate
        self._station.gate.rates.set(task, per_second(rate))
        self._station.broker.wake()

    def set_time_limits(self, task: str, soft: float | None, hard: float | None) -> None:
        self._remember(f"limits:{task}", "set_time_limits", task, soft, hard)
        self._station.gate.time_limits.change(self.app.tasks[task], soft, hard)
        self._station.broker.wake()

    # -- the executor

    def resize(self, change: int) -> None:
        self.place.resize(self.place.size + change)

    def autoscale(self, most: int | None, least: int | None) -> tuple[int, int]:
        scaler = self._scaler
        if scaler is None:
            raise ValueError("Autoscale not enabled")
        most, least = scaler.most if most is None else int(most), scaler.least if least is None else int(least)
        if not 1 <= least <= most:
            raise ValueError(f"there must be at least one process, and no more at least than at most: max={most} min={least}")
        self._remember("autoscale", "autoscale", most, least)
        scaler.least, scaler.most = least, most
        return most, least

    def restart(self, modules: Sequence[str] | None, reload: bool) -> None:
        wanted = loading.wanted(self.app, modules, reload)
        if wanted is not None:
            loading.load(self.app, wanted)
            self._limit_rates(set(wanted.modules))
        self.place.restart(wanted)

    def _limit_rates(self, modules: set[str]) -> None:
        """Let the limits in the code of tasks that were loaded hold."""
        for name, task in self.app.tasks.items():
            if type(task).__module__ in modules and not self.app.conf.worker_disable_rate_limits:
                self._station.gate.rates.set(name, per_second(task.rate_limit), task.rate_limit_scope, task.rate_limit_key)

    # -- events

    def enable_events(self) -> bool:
        return self._switch_events(True)

    def disable_events(self) -> bool:
        return self._switch_events(False)

    def _switch_events(self, on: bool) -> bool:
        if self._station.stream is None:
            raise ValueError("this worker's broker cannot carry events")
        before, self._station.gate.events = self._station.gate.events, on
        if before != on:
            self._remember("events", "enable_events" if on else "disable_events")
            self._station.broker.wake()
        self.beat()
        return before != on

    def beat(self) -> None:
        if self._station.stream is not None:
            self._station.stream.beat()

    def elect(self, id: str) -> bool:
        store = self._station.gate.rates.store
        if store is None:
            raise ValueError("workers elect by a store in which they can count together (sqlite, redis): the broker and the result store cannot")
        return store(f"election:{id}", _ELECTED, 0.0) is None

    def stop(self) -> None:
        self.place.stop()


