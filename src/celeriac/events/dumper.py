"""Events as lines of text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from celeriac.contracts.current import current_client
from celeriac.lib.saferepr import saferepr
from celeriac.model.errors import OperationalError

_COMMON = frozenset({"type", "hostname", "timestamp", "local_received", "utcoffset", "pid", "clock", "uuid", "name", "args", "kwargs"})
_MOST = 10_000
_AGAIN = 1.0


class Dumper:
    """Writes each event as a line: node, time, what happened, then the fields."""

    def __init__(self, out: Any = None) -> None:
        self.out = sys.stdout if out is None else out
        self._calls: dict[str, str] = {}

    def say(self, text: str) -> None:
        """Write a line."""
        print(text, file=self.out, flush=True)

    def on_event(self, event: dict[str, Any]) -> None:
        """Write an event."""
        when = datetime.fromtimestamp(event.get("timestamp") or 0.0).astimezone().isoformat(sep=" ", timespec="milliseconds")
        words = [str(event.get("hostname")), f"[{when}]", event["type"] + ":"]
        if "uuid" in event:
            words.append(self._call(event))
        words += [f"{name}={_shown(value)}" for name, value in event.items() if name not in _COMMON]
        self.say(" ".join(words))

    def _call(self, event: dict[str, Any]) -> str:
        """Return the call in words; only its first events tell its name."""
        uuid = str(event["uuid"])
        if event.get("name"):
            self._calls[uuid] = f"{event['name']}({uuid}) args={event.get('args')} kwargs={event.get('kwargs')}"
            if len(self._calls) > _MOST:
                del self._calls[next(iter(self._calls))]
            return self._calls[uuid]
        return self._calls.get(uuid, uuid).partition(" ")[0]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value and not any(mark.isspace() for mark in value) else saferepr(value, 200)


def evdump(app: Any = None, out: Any = None, pause: Callable[[float], object] = lambda _seconds: None) -> None:
    """Write events until interrupted; a broker that is away is waited for with ``pause``."""
    app = app or current_client()
    dumper = Dumper(out)
    dumper.say("-> evdump: listening for events, Ctrl+C ends it")
    while True:
        try:
            app.events.Receiver(handlers={"*": dumper.on_event}).capture(limit=None, timeout=None, wakeup=True)
            return
        except OperationalError as error:
            dumper.say(f"-> evdump: the connection is lost: {error}. Trying again in {_AGAIN:.0f}s.")
            pause(_AGAIN)
