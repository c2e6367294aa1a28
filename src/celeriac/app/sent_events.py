"""The event ``task-sent``: what monitors are told of calls by those who make them (setting ``task_send_sent_event``)."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from celeriac.events.dispatcher import EventDispatcher
from celeriac.lib.saferepr import saferepr
from celeriac.model.envelope import Outgoing
from celeriac.model.errors import OperationalError, UnsupportedPower
from celeriac.model.event import Event
from celeriac.model.plan import Plan
from celeriac.model.task_message import TaskMessage

logger = logging.getLogger("celeriac.events")


class SentEvents:
    """Makes and sends these events for an application."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._dispatcher: EventDispatcher | None = None
        self._pid = 0

    def of(self, plan: Plan, outgoing: Sequence[Outgoing]) -> tuple[Event, ...]:
        """Return the events of messages; whoever sends them may be another process, so they name this one."""
        now = self._app.time.now()
        who = {"hostname": self._app.origin, "pid": os.getpid()}
        return tuple(Event("task-sent", {**who, **self._fields(planned.message, sent)}, now) for planned, sent in zip(plan.messages, outgoing))

    def send(self, plan: Plan, outgoing: Sequence[Outgoing]) -> None:
        """Send them; a call that was sent is not failed by an event that cannot be."""
        if self._dispatcher is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._dispatcher = EventDispatcher(app=self._app, buffer_group=("task",))
        try:
            self._dispatcher.post(self.of(plan, outgoing))
        except (OperationalError, UnsupportedPower) as error:
            logger.warning("The event task-sent of %d tasks was not sent: %s", len(outgoing), error)

    def _fields(self, message: TaskMessage, sent: Outgoing) -> dict[str, Any]:
        headers = sent.envelope.headers
        return {
            "uuid": message.id,
            "root_id": message.root_id or message.id,
            "parent_id": message.parent_id,
            "name": message.task,
            "args": headers.get("argsrepr") or saferepr(message.args),
            "kwargs": headers.get("kwargsrepr") or saferepr(message.kwargs),
            "retries": message.retries,
            "eta": headers.get("eta"),
            "expires": headers.get("expires"),
            "queue": self._queue(sent),
            "exchange": sent.exchange,
            "routing_key": sent.routing_key,
        }

    def _queue(self, sent: Outgoing) -> str | None:
        if not sent.exchange:
            return sent.routing_key
        queues = self._app.queues
        found = (queues[name] for name in queues)
        return next((queue.name for queue in found if queue.exchange.name == sent.exchange and queue.routing_key == sent.routing_key), None)
