"""How commands name messages, instants and numbers of things."""

from __future__ import annotations

from datetime import datetime

from celeriac.model.envelope import Envelope


def task_of(envelope: Envelope) -> str:
    """Return a message's task and id, as logs name them."""
    return f"{envelope.headers.get('task', '(no task)')}[{envelope.task_id or '?'}]"


def instant(seconds: float) -> str:
    """Return an epoch time in local time."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ", timespec="seconds")


def number(count: int, what: str) -> str:
    """Return a number of things: ``1 message``, ``2 messages``."""
    return f"{count} {what}{'' if count == 1 else 's'}"
