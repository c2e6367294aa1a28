"""How the main thread of a worker sleeps until somebody wants it."""

from __future__ import annotations

import contextlib
import select
import signal
import socket


class Attention:
    """A bell that one thread waits for. Anybody may ring it: any thread, green or not, a signal handler, and the arrival of a signal itself."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        for end in (self._near, self._far):
            end.setblocking(False)
        self._hears = False

    def hear_signals(self) -> None:
        """Let every signal that has a handler ring, whatever the thread is doing; for the main thread."""
        signal.set_wakeup_fd(self._far.fileno(), warn_on_full_buffer=False)
        self._hears = True

    def ring(self) -> None:
        """Wake the thread that waits; when none does, the next wait returns at once."""
        with contextlib.suppress(BlockingIOError):
            self._far.send(b"\0")

    def wait(self, timeout: float | None) -> None:
        """Sleep until somebody rings, for at most ``timeout`` seconds (None: any time)."""
        select.select([self._near], [], [], timeout)
        with contextlib.suppress(BlockingIOError):
            self._near.recv(4096)

    def close(self) -> None:
        """Hear no more."""
        if self._hears:
            signal.set_wakeup_fd(-1)
        self._near.close()
        self._far.close()
