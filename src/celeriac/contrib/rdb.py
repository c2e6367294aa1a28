"""A debugger inside a task, over the network: the task stops, and whoever connects (``telnet 127.0.0.1 6899``) has Python's ``pdb`` at that line.

    from celeriac.contrib import rdb

    @app.task
    def add(x, y):
        result = x + y
        rdb.set_trace()
        return result

``CELERY_RDB_HOST`` (127.0.0.1) and ``CELERY_RDB_PORT`` (6899) say where it listens; a port that is taken is passed over, the log says which it is.
With ``CELERY_RDBSIG=1`` in a worker's environment the signal USR2 stops a process of it where it stands.
Whoever can connect can run anything: leave the host as it is, and use ssh to get there. Time limits of the task go on counting.
"""

from __future__ import annotations

import os
import pdb
import socket
import sys
from contextlib import suppress
from threading import local
from types import FrameType
from typing import Any

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 6899

_here = local()


class Line:
    """Both directions of a connection, as files; what can no longer be told is dropped, and nothing more is heard from one who is gone."""

    encoding = "utf-8"

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rw", encoding=self.encoding, errors="replace", newline="\n")

    def write(self, text: str) -> int:
        """Send text."""
        with suppress(OSError, ValueError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        """Send what is gathered."""
        with suppress(OSError, ValueError):
            self._file.flush()

    def readline(self) -> str:
        """Return the next line, empty when there will be no other."""
        try:
            return self._file.readline()
        except (OSError, ValueError):
            return ""

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError, ValueError):
            self._file.close()
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


class Rdb(pdb.Pdb):
    """A session: made, it waits for one client. Raises OSError when none of the ports can be had."""

    def __init__(
        self, host: str | None = None, port: int | None = None, port_search_limit: int = 100, port_skew: int = 0, out: Any = None
    ) -> None:
        self._out = out if out is not None else sys.stdout
        host = host or os.environ.get("CELERY_RDB_HOST") or DEFAULT_HOST
        first = (port or int(os.environ.get("CELERY_RDB_PORT") or DEFAULT_PORT)) + port_skew
        with _listening(host, first, port_search_limit) as listener:
            self.host, self.port = listener.getsockname()[:2]
            self._say(f"waits at {self.host} {self.port} (telnet, or nc). `continue` or `exit` lets the task go on.")
            connection, (client, *_) = listener.accept()
        self._say(f"in session with {client}.")
        self.line: Line | None = Line(connection)
        super().__init__(stdin=self.line, stdout=self.line, nosigint=True, readrc=False)  # type: ignore[arg-type]
        self.prompt = f"({type(self).__name__}) "

    def _say(self, text: str) -> None:
        print(f"Remote Debugger:{self.port}: {text}", file=self._out, flush=True)

    def close(self) -> None:
        """End the session; the task goes on."""
        if self.line is not None:
            self.line.close()
            self.line = None
            self._say("session ended.")
        if getattr(_here, "debugger", None) is self:
            _here.debugger = None

    def do_continue(self, arg: str) -> bool | None:
        """Let the task go on, to the next breakpoint if there are any; else the session ends."""
        self.set_continue()
        if not self.get_all_breaks():
            self.close()
        return True

    do_c = do_cont = do_continue

    def do_quit(self, arg: str) -> bool | None:
        """End the session and let the task go on, without any breakpoint."""
        self.clear_all_breaks()
        self.set_continue()
        self.close()
        return True

    do_q = do_exit = do_EOF = do_quit


def _listening(host: str, first: int, ports: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(first, first + ports):
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.bind((host, port))
            listener.listen(1)
        except OSError as error:
            listener.close()
            reason = error
        else:
            return listener
    raise OSError(reason.errno, f"no port from {first} to {first + ports - 1} can be had at {host} ({reason.strerror}); set CELERY_RDB_PORT")


def debugger() -> Rdb:
    """Return this thread's session; wait for a client when there is none."""
    found: Rdb | None = getattr(_here, "debugger", None)
    if found is None:
        found = _here.debugger = Rdb()
    return found


def set_trace(frame: FrameType | None = None) -> None:
    """Stop here, or in another frame, until somebody who has connected lets the task go on."""
    debugger().set_trace(frame or sys._getframe(1))
