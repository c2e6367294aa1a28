"""A redis-server of the tests' own: on a free port, in its own folder, gone when they are."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.requirements import lacking

DATABASES = 1000


class RedisServer:
    """One server process; its databases are handed out one by one, so that each test has an empty one."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.options = options
        """Further arguments; changes count from the next start."""
        self._used = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers; again after ``stop``, with the data that it wrote."""
        binary = server_binary()
        command = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        if "--cluster-enabled" not in self.options:
            command += ["--databases", str(DATABASES)]
        self.process = subprocess.Popen([*command, "--save", "", *self.options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < deadline, "redis-server does not start"
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def command(self, line: str) -> str:
        """Send one command as text; return the reply as it comes."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(line.encode() + b"\r\n")
            return connection.recv(65_536).decode()

    def stop(self) -> None:
        """End it at once, as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def new_url(self) -> str:
        """Return the URL of a database that nobody has used."""
        self._used += 1
        assert self._used < DATABASES
        return f"redis://127.0.0.1:{self.port}/{self._used}"


def server_binary() -> str:
    """Return the program to run: what CELERIAC_REDIS_SERVER names, or what is installed."""
    found = shutil.which(os.environ.get("CELERIAC_REDIS_SERVER") or "redis-server") or shutil.which("valkey-server")
    if found is None:
        lacking("no redis-server on this machine (apt-get install redis-server)")
    return found


@contextmanager
def running(folder: Path, *options: str) -> Iterator[RedisServer]:
    """Run a server while the block runs."""
    server = RedisServer(folder, *options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running_cluster(folder: Path, masters: int = 3) -> Iterator[list[RedisServer]]:
    """Run a cluster of masters that share all slots while the block runs."""
    servers = [RedisServer(folder / str(n), "--cluster-enabled", "yes", "--cluster-node-timeout", "2000") for n in range(masters)]
    try:
        for server in servers:
            server.folder.mkdir()
            while server.port > 55_000:
                # The nodes speak to each other at a port that is 10,000 higher.
                server.port = free_port()
            server.start()
        share = 16_384 // masters
        for n, server in enumerate(servers):
            last = 16_383 if n == masters - 1 else (n + 1) * share - 1
            server.command(f"CLUSTER ADDSLOTSRANGE {n * share} {last}")
            server.command(f"CLUSTER MEET 127.0.0.1 {servers[0].port}")
        deadline = time.monotonic() + 30
        while not all(_complete(server.command("CLUSTER INFO"), masters) for server in servers):
            assert time.monotonic() < deadline, "the cluster does not come together"
            time.sleep(0.05)
        yield servers
    finally:
        for server in servers:
            server.stop()


@contextmanager
def replica_in_cluster(folder: Path, master: RedisServer) -> Iterator[RedisServer]:
    """Let a further server of a cluster replicate one of its masters while the block runs."""
    server = RedisServer(folder, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
    while server.port > 55_000:
        server.port = free_port()
    server.start()
    try:
        [master_id] = [line for line in master.command("CLUSTER MYID").splitlines() if len(line) == 40]
        server.command(f"CLUSTER MEET 127.0.0.1 {master.port}")
        deadline = time.monotonic() + 30
        while not server.command(f"CLUSTER REPLICATE {master_id}").startswith("+OK"):
            assert time.monotonic() < deadline, "the replica does not get to know its master"
            time.sleep(0.05)
        while "master_link_status:up" not in server.command("INFO replication") or "state=online" not in master.command("INFO replication"):
            assert time.monotonic() < deadline, "the replica does not replicate"
            time.sleep(0.05)
        yield server
    finally:
        server.stop()


def _complete(info: str, masters: int) -> bool:
    return "cluster_state:ok" in info and f"cluster_known_nodes:{masters}" in info and "cluster_slots_ok:16384" in info
