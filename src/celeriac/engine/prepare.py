"""From a message to an attempt: what ``self.request`` will hold."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from celeriac.contracts.runnable import Runnable
from celeriac.engine.current import Attempt, Tools
from celeriac.model.effects import Job
from celeriac.model.request import Request
from celeriac.model.task_message import TaskMessage


def prepare(job: Job, task: Runnable, message: TaskMessage, tools: Tools) -> Attempt:
    """Return the attempt to run a delivered message."""
    delivery = job.delivery
    envelope = delivery.envelope
    # Who calls by name, or in another language, does not know the task's option and leaves it open.
    ignored = bool(task.ignore_result if message.ignore_result is None else message.ignore_result)
    request = request_of(
        message,
        hostname=job.hostname or tools.hostname,
        delivery_info={
            "exchange": delivery.exchange,
            "routing_key": delivery.routing_key or delivery.queue,
            "priority": delivery.priority,
            "redelivered": delivery.redelivered,
        },
        properties=envelope.properties,
    )
    if delivery.redelivered:
        request.redelivered = True
        request.deliveries = delivery.deliveries
    if ignored:
        request.ignore_result = True
    return Attempt(job, task, message, request, tools, ignored)


def prepare_eager(task: Runnable, message: TaskMessage, tools: Tools, *, logfile: Any = None, loglevel: int = 0) -> Attempt:
    """Return the attempt to run a call in this process, without a message having been sent."""
    request = request_of(message, hostname=tools.hostname, delivery_info={"is_eager": True, **_route(task)}, properties={})
    request.is_eager = True
    request.logfile, request.loglevel = logfile, loglevel
    ignored = bool(task.ignore_result if message.ignore_result is None else message.ignore_result)
    return Attempt(None, task, message, request, tools, ignored)


def request_of(message: TaskMessage, *, hostname: str, delivery_info: dict[str, Any], properties: dict[str, Any]) -> Request:
    """Return the request of a message; foreign headers are attributes of it too."""
    request = Request.__new__(Request)
    fields = asdict(message)
    fields["hostname"] = hostname
    fields["delivery_info"] = delivery_info
    fields["properties"] = properties
    fields["called_directly"] = False
    if message.root_id is None:
        fields["root_id"] = message.id
    if message.correlation_id is None:
        fields["correlation_id"] = message.id
    headers = message.headers
    if headers:
        fields = {**headers, **fields}
    else:
        fields["headers"] = None
    request.__dict__ = fields
    return request


def _route(task: Runnable) -> dict[str, Any]:
    names = ("exchange", "routing_key", "priority")
    return {name: getattr(task, name, None) for name in names}
