"""Where scrapes and probes come in."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from typing import Any

from celeriac.model.errors import ImproperlyConfigured

_UNIX = "unix:"
_BACKLOG = 16


def listen(address: str) -> int:
    """Return the descriptor of a listening socket at HOST:PORT (IPv6 in brackets) or unix:PATH.

    Raises ImproperlyConfigured that says what is wrong.
    """
    try:
        made = _listen_unix(address[len(_UNIX) :]) if address.startswith(_UNIX) else _listen_tcp(address)
    except OSError as error:
        raise ImproperlyConfigured(f"Metrics cannot be served at {address!r}: {error.strerror or error}. Take another --metrics address") from None
    made.set_inheritable(False)
    return made.detach()


def _listen_tcp(address: str) -> socket.socket:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:
        raise ImproperlyConfigured(f"The metrics address is {address!r}; it may be HOST:PORT, as in 0.0.0.0:9540, or unix:/run/worker.sock")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return _bound(made, (host, int(port)))


def _listen_unix(path: str) -> socket.socket:
    if not path:
        raise ImproperlyConfigured("The metrics address 'unix:' lacks the path of the socket, as in unix:/run/worker.sock")
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if _is_left_over(path):
        os.unlink(path)
    return _bound(made, path)


def _is_left_over(path: str) -> bool:
    """Whether a socket is there that nobody listens at any more."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt:
            try:
                attempt.connect(path)
            except ConnectionRefusedError:
                return True
    return False


def _bound(made: socket.socket, where: Any) -> socket.socket:
    try:
        made.bind(where)
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made
