"""What this platform can do: the one place where that is found out. Everything else asks here.

``CELERIAC_WITHOUT`` (names of the fields of ``Machine`` with commas, such as ``fork,packets``) makes a platform poorer than it is: for tests, and for
finding out whether one of them is to blame for trouble.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from functools import cache

from celeriac.lib.value import Value
from celeriac.model.errors import ImproperlyConfigured

WITHOUT = "CELERIAC_WITHOUT"

START_METHODS = ("fork", "spawn", "forkserver")
"""How task processes may begin (setting ``worker_pool_start_method``)."""


class Machine(Value, frozen=True):
    """What there is to build a worker on."""

    fork: bool = True
    """Processes may begin as copies of another."""
    sockets: bool = True
    """Processes may share a socket that keeps messages apart, hand files through it, and be signalled: what ``prefork`` needs."""
    packets: bool = True
    """Such a socket tells its readers when nobody is left to write (SOCK_SEQPACKET); SOCK_DGRAM does not."""
    parent_death: bool = True
    """The kernel ends a process whose parent has died (prctl)."""
    process_memory: bool = True
    """The kernel tells how much memory another process has (/proc)."""

    def pool(self) -> str:
        """Return the executor that is used where none was asked for."""
        return "prefork" if self.sockets else "threads"

    def start_method(self, wanted: str | None) -> str:
        """Return how task processes begin, or raise ``ImproperlyConfigured`` when what is wanted cannot be had here."""
        if not self.sockets:
            raise ImproperlyConfigured(
                "The executor 'prefork' cannot be had on this platform: its processes share local sockets (AF_UNIX) and signals. "
                "Take -P threads or -P asyncio"
            )
        if self.fork:
            return wanted or "fork"
        if wanted in (None, "fork", "spawn"):
            return "spawn"
        raise ImproperlyConfigured(f"Task processes cannot begin by {wanted!r} here: this platform has no fork. Take --pool-start-method spawn")

    @property
    def socket_kind(self) -> int:
        """The kind of the sockets that processes share."""
        return socket.SOCK_SEQPACKET if self.packets else socket.SOCK_DGRAM

    @property
    def ending_signals(self) -> tuple[int, ...]:
        """The signals that end a worker."""
        return tuple(int(number) for name in ("SIGTERM", "SIGINT", "SIGQUIT", "SIGBREAK") if (number := getattr(signal, name, None)) is not None)


@cache
def machine() -> Machine:
    """Return what this platform can do."""
    missing = {name.strip() for name in os.environ.get(WITHOUT, "").split(",") if name.strip()}
    unknown = sorted(missing - set(Machine.__struct_fields__))
    if unknown:
        raise ImproperlyConfigured(f"{WITHOUT} names {', '.join(unknown)}; it may name {', '.join(Machine.__struct_fields__)}")
    found = {
        "fork": hasattr(os, "fork"),
        "sockets": hasattr(socket, "AF_UNIX") and hasattr(socket.socket, "recvmsg") and hasattr(signal, "SIGUSR1"),
        "packets": sys.platform == "linux" or sys.platform.startswith("freebsd"),
        "parent_death": sys.platform == "linux",
        "process_memory": os.path.exists("/proc/self/statm"),
    }
    return Machine(**{name: there and name not in missing for name, there in found.items()})
