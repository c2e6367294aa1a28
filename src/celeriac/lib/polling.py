"""``select.poll`` for where there is none: Windows, and under eventlet, which takes it away because it would not yield."""

from __future__ import annotations

import select
from typing import Any

READABLE = getattr(select, "POLLIN", 1)
WRITABLE = getattr(select, "POLLOUT", 4)


class SelectPoll:
    """Does with ``select.select`` what a poll object does, for reading and writing."""

    def __init__(self) -> None:
        self._wanted: dict[int, int] = {}

    def register(self, descriptor: Any, events: int = READABLE) -> None:
        """Watch a descriptor, or something that has one."""
        self._wanted[_number(descriptor)] = events

    modify = register

    def unregister(self, descriptor: Any) -> None:
        """Watch it no more."""
        del self._wanted[_number(descriptor)]

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        """Wait up to so many milliseconds (None or negative: any time); return (descriptor, events) pairs."""
        readers = [number for number, events in self._wanted.items() if events & READABLE]
        writers = [number for number, events in self._wanted.items() if events & WRITABLE]
        seconds = None if timeout is None or timeout < 0 else timeout / 1000
        readable, writable, _ = select.select(readers, writers, [], seconds)
        found = dict.fromkeys(readable, READABLE)
        for number in writable:
            found[number] = found.get(number, 0) | WRITABLE
        return list(found.items())


def _number(descriptor: Any) -> int:
    return descriptor if isinstance(descriptor, int) else int(descriptor.fileno())


def new_poll() -> Any:
    """Return a poll object, the platform's own where it has one."""
    # Asked for at each call: gevent puts its own in its place.
    make = getattr(select, "poll", SelectPoll)
    return make()
