"""A Redis master, its replica, and the sentinels that watch over both."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.harness.redis_server import RedisServer, free_port, server_binary
from tests.harness.waiting import eventually

MASTER = "mymaster"


class Sentinels:
    """A master, its replicas, and sentinels that agree on who is which."""

    def __init__(self, folder: Path, stack: ExitStack, *, sentinels: int = 3, replicas: int = 1, options: tuple[str, ...] = ()) -> None:
        at_once = ("--repl-diskless-sync-delay", "0")
        first = _started(stack, folder / "first", *at_once, *options)
        more = [_started(stack, folder / f"replica{n}", "--replicaof", f"127.0.0.1 {first.port}", *at_once, *options) for n in range(replicas)]
        self.servers = {server.port: server for server in (first, *more)}
        # The sentinels would promote one that has nothing yet.
        for server in more:
            eventually(lambda: "master_link_status:up" in server.command("INFO replication"), "a replica has everything", timeout=30)  # noqa: B023
        self.ports = [self._sentinel(folder / f"sentinel{n}", stack, first.port, sentinels // 2 + 1) for n in range(sentinels)]
        eventually(self._complete, "the sentinels know each other and the replica", timeout=30, pause=0.1)

    def _sentinel(self, folder: Path, stack: ExitStack, master: int, quorum: int) -> int:
        folder.mkdir()
        port = free_port()
        # A sentinel writes what it learns into its configuration.
        (folder / "sentinel.conf").write_text(
            f"port {port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {MASTER} 127.0.0.1 {master} {quorum}\n"
            f"sentinel down-after-milliseconds {MASTER} 1000\nsentinel failover-timeout {MASTER} 1000\nsentinel parallel-syncs {MASTER} 1\n"
        )
        process = subprocess.Popen(
            [server_binary(), str(folder / "sentinel.conf"), "--sentinel"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        stack.callback(_kill, process)
        return port

    def _complete(self) -> bool:
        for port in self.ports:
            try:
                state = _client(port).sentinel_master(MASTER)
            except Exception:
                return False
            if state["num-other-sentinels"] != len(self.ports) - 1 or state["num-slaves"] != len(self.servers) - 1:
                return False
        return True

    @property
    def url(self) -> str:
        """The URL of the group for a driver; the master's name is a transport option."""
        return "sentinel://" + ";".join(f"127.0.0.1:{port}" for port in self.ports)

    @property
    def master(self) -> int:
        """The port of the master as the first sentinel sees it."""
        _, port = _client(self.ports[0]).sentinel_get_master_addr_by_name(MASTER)
        return int(port)

    def client(self) -> Any:
        """A plain client of the present master."""
        return _client(self.master)

    def fail_over(self, *, how: str) -> None:
        """Let the replica take over: ``kill`` the master, or have the sentinels ``promote``; returns when that has begun."""
        if how == "kill":
            self.servers[self.master].stop()
        else:
            eventually(self._promote, "a sentinel promotes", timeout=15, pause=0.2)

    def _promote(self) -> bool:
        try:
            return bool(_client(self.ports[0]).execute_command("SENTINEL", "FAILOVER", MASTER))
        except Exception:
            return False


@contextmanager
def sentinels(folder: Path, *options: str, count: int = 3, replicas: int = 1) -> Iterator[Sentinels]:
    """Run a master, its replicas and sentinels while the block runs."""
    with ExitStack() as stack:
        yield Sentinels(folder, stack, sentinels=count, replicas=replicas, options=options)


def _started(stack: ExitStack, folder: Path, *options: str) -> RedisServer:
    folder.mkdir()
    server = RedisServer(folder, *options)
    server.start()
    stack.callback(server.stop)
    return server


def _client(port: int) -> Any:
    import redis  # noqa: PLC0415 (tests that do not need it run without it)

    return redis.Redis(port=port, socket_timeout=2, decode_responses=True)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(10)
