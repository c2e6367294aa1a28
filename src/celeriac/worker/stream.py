"""The events of a worker: what it tells monitors, in batches, by a thread that nothing else waits for."""

from __future__ import annotations

import logging
import os
import platform
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from celeriac import signals
from celeriac.events.dispatcher import KEPT, EventDispatcher
from celeriac.lib.clock import Clock
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.saferepr import saferepr
from celeriac.lib.service import Service
from celeriac.model.effects import Job
from celeriac.model.errors import DecodeError, InvalidTaskError, OperationalError
from celeriac.model.event import Event
from celeriac.wire.task import decode_task
from celeriac.worker.place import Place

logger = logging.getLogger("celeriac.worker.events")

INTERVAL = 2.0
"""Seconds between two heartbeats while somebody listens, as Celery has it."""
UNHEARD = 60.0
"""Seconds between two heartbeats while nobody does. Monitors ask for one when they begin to listen, and are heard of by it."""
TOGETHER = 20.0
"""Heartbeats a second that all workers send together, as far as they know of each other; each says in it how often it sends one."""

_GATHER = 0.1
_LOOK = 0.1
_LOOK_SELDOM = 1.0
_AGAIN = 1.0
_STARTED = frozenset({"task-succeeded", "task-failed", "task-retried", "task-rejected"})


class EventStream(Service):
    """Sends heartbeats, and what becomes of tasks that are watched.

    Others only put things in line: jobs that were received, events of what has ended. That a task has started is looked up ten times a second
    where it still runs, and told together with its end where it does not. ``interval`` tells the seconds between two heartbeats; it is None for none.
    """

    def __init__(
        self, *, dispatcher: EventDispatcher, place: Place, held: Callable[[], Collection[Job]], counts: Callable[[], Mapping[str, int]],
        interval: Callable[[], float] | None, accept: frozenset[str] | None, clock: Clock,
    ) -> None:  # fmt: skip
        self._dispatcher = dispatcher
        self._place = place
        self._held = held
        self._counts = counts
        self._interval = interval
        self._accept = accept
        self._clock = clock
        self._line: deque[Job | Event] = deque()
        self._unsent: list[Event] = []
        self._waiting: dict[str, int] = {}
        """How often a task was received and has not been seen to start: its next try may be here before the end of the last is told."""
        self._started: set[str] = set()
        """Of what runs, what is known to have started."""
        self._news = threading.Event()
        self._stopped = threading.Event()
        self._beat_at = clock.monotonic()
        self._look_at = 0.0
        self._pause = _LOOK
        self._heard = True
        self._identity = {"sw_ident": "celeriac", "sw_ver": symbol_by_name("celeriac:__version__"), "sw_sys": platform.system()}
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    # -- for any thread

    def received(self, jobs: Sequence[Job]) -> None:
        """Jobs have come, some of which are watched."""
        self._line.extend(job for job in jobs if job.watched)
        self._news.set()

    def tell(self, events: Sequence[Event]) -> None:
        """Send these soon."""
        self._line.extend(events)
        self._news.set()

    def beat(self) -> None:
        """Send a heartbeat now."""
        self._beat_at = self._clock.monotonic()
        self._news.set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Send what is left and the farewell, and end."""
        self._stopped.set()
        self._news.set()

    def join(self, timeout: float | None = None) -> bool:
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    # -- its own thread

    def _run(self) -> None:
        if self._interval is not None:
            self._unsent.append(self._about_us("worker-online"))
        while not self._stopped.is_set():
            try:
                self._turn()
            except OperationalError as error:
                logger.warning("Events cannot be sent: %s. Trying again in %.0fs.", error, _AGAIN)
                del self._unsent[:-KEPT]
                self._stopped.wait(_AGAIN)
            except Exception:
                logger.exception("Sending events failed; it goes on.")
                self._stopped.wait(_AGAIN)
        try:
            self._take_line()
            if self._interval is not None:
                self._unsent.append(self._about_us("worker-offline"))
            self._send()
        except Exception as error:
            logger.warning("The last events were not sent: %s", error)

    def _turn(self) -> None:
        self._take_line()
        self._look_for_started()
        self._beat_if_due()
        if self._unsent:
            self._send()
            # What comes in the next moment makes one batch.
            self._stopped.wait(_GATHER)
        self._news.wait(self._idle())
        self._news.clear()

    def _idle(self) -> float | None:
        """Return how long there is nothing to do, unless something comes."""
        ends = [self._beat_at] if self._interval is not None else []
        ends += [self._look_at] if self._waiting else []
        return max(0.0, min(ends) - self._clock.monotonic()) if ends else None

    def _send(self) -> None:
        heard = self._dispatcher.post(self._unsent, plain=True)
        self._unsent.clear()
        if heard is not False and not self._heard:
            # Somebody has begun to listen who did not ask for heartbeats.
            self._beat_at = self._clock.monotonic()
        self._heard = heard is not False
        if not self._heard and self._interval is not None and self._beat_at > self._clock.monotonic():
            self._beat_at = self._clock.monotonic() + max(UNHEARD, self._interval())

    def _beat_if_due(self) -> None:
        now = self._clock.monotonic()
        if self._interval is not None and now >= self._beat_at:
            self._beat_at = now + max(0.0 if self._heard else UNHEARD, self._interval())
            self._unsent.append(self._about_us("worker-heartbeat"))
            signals.heartbeat_sent.send(sender=self)

    def _about_us(self, kind: str) -> Event:
        fields: dict[str, Any] = {
            "freq": self._interval() if self._interval is not None else None,
            "active": len(self._place.running()),
            "processed": sum(self._counts().values()),
            "loadavg": [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else [0.0, 0.0, 0.0],
        }
        return Event(kind, {**fields, **self._identity}, self._clock.now())

    # -- tasks

    def _take_line(self) -> None:
        line, waiting, add = self._line, self._waiting, self._unsent.append
        for _ in range(len(line)):
            item = line.popleft()
            if isinstance(item, Job):
                event = _received(item, self._accept)
                task_id = event.fields["uuid"]
                waiting[task_id] = waiting.get(task_id, 0) + 1
                self._pause = _LOOK
                add(event)
                continue
            if item.type != "task-sent":
                self._end(item)
            add(item)

    def _end(self, event: Event) -> None:
        """Something has ended: if nobody was told that it had started, that comes first."""
        task_id = event.fields.get("uuid", "")
        if task_id in self._started:
            self._started.discard(task_id)
        elif task_id in self._waiting:
            self._no_longer_waiting(task_id)
            if event.type in _STARTED or event.fields.get("terminated"):
                self._unsent.append(Event("task-started", {"uuid": task_id}, event.began or event.timestamp))

    def _no_longer_waiting(self, task_id: str) -> None:
        left = self._waiting[task_id] - 1
        if left:
            self._waiting[task_id] = left
        else:
            del self._waiting[task_id]

    def _look_for_started(self) -> None:
        now = self._clock.monotonic()
        if not self._waiting or now < self._look_at:
            return
        found = False
        for running in self._place.running():
            task_id = running.job.delivery.envelope.headers.get("id", "")
            if task_id in self._waiting and task_id not in self._started:
                found = True
                self._no_longer_waiting(task_id)
                self._started.add(task_id)
                self._unsent.append(Event("task-started", {"uuid": task_id}, running.started))
        self._pause = _LOOK if found else min(_LOOK_SELDOM, self._pause * 1.5)
        self._look_at = now + self._pause
        if self._pause >= _LOOK_SELDOM:
            self._forget_who_left()

    def _forget_who_left(self) -> None:
        """What was given back to the broker starts elsewhere."""
        held = {job.delivery.envelope.headers.get("id") for job in self._held()}
        for task_id in [each for each in self._waiting if each not in held]:
            del self._waiting[task_id]
        self._started &= held


def _received(job: Job, accept: frozenset[str] | None) -> Event:
    get = job.delivery.envelope.headers.get
    fields = {
        "uuid": get("id"),
        "name": get("task"),
        "args": get("argsrepr"),
        "kwargs": get("kwargsrepr"),
        "root_id": get("root_id"),
        "parent_id": get("parent_id"),
        "retries": get("retries") or 0,
        "eta": get("eta"),
        "expires": get("expires"),
    }
    if fields["name"] is None or fields["args"] is None:
        fields.update(_from_body(job, accept))
    return Event("task-received", fields, job.received)


def _from_body(job: Job, accept: frozenset[str] | None) -> dict[str, Any]:
    """What the headers of messages of protocol 1, and of clients in other languages, do not tell."""
    try:
        message = decode_task(job.delivery.envelope, accept)
    except (InvalidTaskError, DecodeError):
        return {}
    told = {"uuid": message.id, "name": message.task, "retries": message.retries or 0, "root_id": message.root_id, "parent_id": message.parent_id}
    return {**told, "args": saferepr(message.args), "kwargs": saferepr(message.kwargs)}
