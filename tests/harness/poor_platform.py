"""Makes this interpreter as poor as Windows, as far as that is possible on Linux, and runs the command line: ``python poor_platform.py worker``."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from typing import Any

_GONE: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (os, ("fork", "forkpty", "mkfifo", "memfd_create", "getppid", "sched_getaffinity", "setuid", "setgid", "initgroups", "getuid", "chown")),
    (signal, ("SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGKILL", "SIGALRM", "SIGTTIN", "SIGTTOU", "pthread_kill", "alarm")),
    (socket, ("AF_UNIX", "SOCK_SEQPACKET", "MSG_DONTWAIT", "SCM_RIGHTS")),
    (select, ("poll", "epoll")),
)
_MODULES = ("grp", "pwd", "fcntl", "resource", "termios")


def tcp_pair(*_: Any) -> tuple[socket.socket, socket.socket]:
    """Return two ends of a connection, as Windows makes them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        return near, server.accept()[0]


def make_poor() -> None:
    """Take away what Windows does not have; imported libraries of others keep what they have taken already."""
    import asyncio  # noqa: F401, PLC0415 (the standard library's own parts are of this platform: they have to be there before)
    import multiprocessing.reduction  # noqa: F401, PLC0415
    import subprocess  # noqa: F401, PLC0415
    import tempfile  # noqa: F401, PLC0415

    for module in _MODULES:
        sys.modules[module] = None  # type: ignore[assignment]
    for owner, names in _GONE:
        for name in names:
            if hasattr(owner, name):
                delattr(owner, name)
    socket.socketpair = tcp_pair


if __name__ == "__main__":
    make_poor()
    sys.argv = ["celeriac", *sys.argv[1:]]
    from celeriac.cli.main import main

    sys.exit(main())
