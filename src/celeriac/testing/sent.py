"""What was sent, and looking for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from celeriac.lib.saferepr import saferepr
from celeriac.lib.value import Value
from celeriac.model.envelope import Outgoing
from celeriac.model.errors import EncodeError
from celeriac.model.task_message import TaskMessage
from celeriac.wire.serializers import dumps, loads
from celeriac.wire.task import decode_task, parse_time

TOLERANCE = 0.001
"""Seconds by which countdowns may differ and still be the same: an eta is written in microseconds."""
SHOWN = 20


class Sent(Value, frozen=True):
    """A message that has arrived in a queue. Times are epoch seconds; arguments are what the task will get."""

    task: str
    id: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    queue: str
    at: float
    due: float | None
    expires: float | None
    priority: int
    retries: int
    exchange: str
    routing_key: str
    headers: dict[str, Any]
    message: TaskMessage
    """All of it: callbacks, chord, stamps, ids of parent and root ..."""

    @property
    def countdown(self) -> float | None:
        """Seconds between sending and the time at which it is due; None for at once."""
        return None if self.due is None else max(0.0, self.due - self.at)

    def __str__(self) -> str:
        given = [*(saferepr(arg, 80) for arg in self.args), *(f"{key}={saferepr(value, 80)}" for key, value in self.kwargs.items())]
        more = [f"queue={self.queue!r}"]
        if self.countdown is not None:
            more.append(f"countdown={self.countdown:g}")
        if self.retries:
            more.append(f"retries={self.retries}")
        return f"{self.task}({', '.join(given)})  {' '.join(more)}"


def sent_of(at: float, queue: str, outgoing: Outgoing) -> Sent:
    """Read a message that has arrived."""
    message = decode_task(outgoing.envelope, None)
    due = outgoing.due if outgoing.due is not None else None if message.eta is None else parse_time(message.eta)
    expires = None if message.expires is None else parse_time(message.expires)
    return Sent(
        message.task, message.id, tuple(message.args), dict(message.kwargs), queue, at, due, expires, outgoing.priority, message.retries,
        outgoing.exchange, outgoing.routing_key, dict(outgoing.envelope.headers), message,
    )  # fmt: skip


class Wanted(Value, frozen=True):
    """What is looked for; None is anything. Arguments may hold ``unittest.mock.ANY``."""

    task: str
    args: Sequence[Any] | None = None
    kwargs: Mapping[str, Any] | None = None
    queue: str | None = None
    countdown: float | None = None
    retries: int | None = None

    def fits(self, sent: Sent, serializer: str) -> bool:
        """Say whether a message is such a one; arguments that change by being serialized (a tuple is a list in JSON) are the same."""
        return (
            sent.task == self.task
            and (self.args is None or _same(list(self.args), list(sent.args), serializer))
            and (self.kwargs is None or _same(dict(self.kwargs), sent.kwargs, serializer))
            and self.queue in (None, sent.queue)
            and self.retries in (None, sent.retries)
            and (self.countdown is None or abs((sent.countdown or 0.0) - self.countdown) <= TOLERANCE)
        )

    def __str__(self) -> str:
        named = {"args": self.args, "kwargs": self.kwargs, "queue": self.queue, "countdown": self.countdown, "retries": self.retries}
        rest = ", ".join(f"{key}={value!r}" for key, value in named.items() if value is not None)
        return f"{self.task} with {rest}" if rest else self.task


def _same(wanted: Any, found: Any, serializer: str) -> bool:
    if wanted == found:
        return True
    try:
        kind, encoding, body = dumps(wanted, serializer)
    except EncodeError:
        return False
    return bool(loads(body, kind, encoding, None) == found)


def name_of(task: Any) -> str:
    """Return the name of a task that was given as such, as a signature, or by its name."""
    name = task if isinstance(task, str) else getattr(task, "task" if isinstance(task, dict) else "name", None)
    if not isinstance(name, str):
        raise TypeError(f"A task, a signature or the name of a task is wanted, not {task!r}")
    return name


def listed(sent: Sequence[Sent]) -> str:
    """Return messages as lines of text."""
    if not sent:
        return "Nothing was sent."
    lines = [f"  {each}" for each in sent[:SHOWN]]
    if len(sent) > SHOWN:
        lines.append(f"  ... and {len(sent) - SHOWN} more")
    return "\n".join(["What was sent:", *lines])
