"""What a table is measured on: each store with a way to lay an empty one for every repetition."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness import rabbitmq, redis_server

Variables = dict[str, str]


@dataclass(frozen=True)
class Ground:
    """A store that runs."""

    fresh: Callable[[], Variables]
    """Returns the environment that leads a system to an empty store of its own."""
    ask: Callable[[str], str] | None = None
    """Sends the server a command, as text; None where no server is."""


@dataclass(frozen=True)
class Store:
    """A kind of store; ``missing`` says why it cannot be measured here, or nothing."""

    name: str
    title: str
    missing: Callable[[], str]
    running: Callable[[], AbstractContextManager[Ground]]


@contextmanager
def _files() -> Iterator[Ground]:
    yield Ground(dict)


@contextmanager
def _redis() -> Iterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="celeriac-bench-redis-"))
    try:
        with redis_server.running(folder) as server:

            def fresh() -> Variables:
                server.command("FLUSHALL")
                url = server.new_url()
                return {"CELERIAC_BENCH_BROKER": url, "CELERIAC_BENCH_BACKEND": url}

            yield Ground(fresh, server.command)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _no_redis() -> str:
    return "" if shutil.which("redis-server") or shutil.which("valkey-server") else "no redis-server on this machine"


@contextmanager
def _rabbitmq(results: str) -> Iterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="celeriac-bench-rabbitmq-"))
    server = rabbitmq.RabbitServer(folder)
    with _redis() if results == "redis" else _files() as beside:
        try:
            server.start()

            def fresh() -> Variables:
                backend = beside.fresh().get("CELERIAC_BENCH_BACKEND") or results
                return {"CELERIAC_BENCH_BROKER": server.vhost(), "CELERIAC_BENCH_BACKEND": backend}

            yield Ground(fresh)
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)


def _no_rabbitmq() -> str:
    return "" if rabbitmq.found() else "no rabbitmq-server on this machine"


def _no_rabbitmq_with_redis() -> str:
    return _no_rabbitmq() or _no_redis()


SQLITE = Store("sqlite", "SQLite: the embedded default", lambda: "", _files)
REDIS = Store("redis", "Redis on the same machine", _no_redis, _redis)
RABBITMQ = Store(
    "rabbitmq", "RabbitMQ on the same machine, results in Redis", _no_rabbitmq_with_redis, lambda: _rabbitmq("redis")
)
RABBITMQ_RPC = Store("rabbitmq-rpc", "RabbitMQ on the same machine, results by rpc://", _no_rabbitmq, lambda: _rabbitmq("rpc://"))
RABBITMQ_IGNORED = Store("rabbitmq-ignored", "RabbitMQ on the same machine, results ignored", _no_rabbitmq, lambda: _rabbitmq("disabled://"))
STORES = [SQLITE, REDIS, RABBITMQ, RABBITMQ_RPC, RABBITMQ_IGNORED]
