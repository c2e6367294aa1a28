"""Remote debugging: a session over a socket, in a thread that stands for the task."""

from __future__ import annotations

import io
import re
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from celeriac.contrib import rdb
from tests.harness.redis_server import free_port
from tests.harness.waiting import PATIENCE, eventually


class Client:
    """Who debugs."""

    def __init__(self, port: int) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=10 * PATIENCE)
        self.heard = ""

    def until(self, text: str) -> str:
        """Read until a text comes; return what was read."""
        while text not in self.heard:
            told = self.connection.recv(4096).decode()
            assert told, f"the session ended after {self.heard!r}"
            self.heard += told
        told, _, self.heard = self.heard.partition(text)
        return told

    def say(self, words: str) -> str:
        """Type a command as telnet sends it; return the answer."""
        self.connection.sendall(f"{words}\r\n".encode())
        return self.until("(Rdb) ")


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    found = free_port()
    monkeypatch.setenv("CELERY_RDB_PORT", str(found))
    return found


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    told = io.StringIO()
    monkeypatch.setattr(rdb, "Rdb", partial(rdb.Rdb, out=told))
    return told


@pytest.fixture
def run() -> Iterator[Callable[[Callable[[], Any]], list[Any]]]:
    threads = []

    def start(task: Callable[[], Any]) -> list[Any]:
        ended: list[Any] = []
        threads.append(threading.Thread(target=lambda: ended.append(task()), daemon=True))
        threads[-1].start()
        return ended

    yield start
    for thread in threads:
        thread.join(10 * PATIENCE)
        assert not thread.is_alive()


def add(x: int, y: int) -> Any:
    result: Any = x + y
    rdb.set_trace()
    return result


def waiting_at(out: io.StringIO) -> int:
    eventually(lambda: "waits at 127.0.0.1" in out.getvalue(), "the debugger waits", timeout=10 * PATIENCE)
    return int(re.findall(r"waits at 127\.0\.0\.1 (\d+)", out.getvalue())[-1])


def test_values_are_looked_at_and_changed_and_the_task_goes_on(port: int, out: io.StringIO, run: Any) -> None:
    ended = run(lambda: add(2, 2))
    client = Client(waiting_at(out))

    assert "add()" in client.until("(Rdb) ")
    assert "4" == client.say("result").strip()
    client.say("result = 'changed'")
    client.connection.sendall(b"continue\r\n")

    eventually(lambda: ended == ["changed"], "the task ended", timeout=10 * PATIENCE)
    assert b"" == client.connection.recv(1)
    assert f"Remote Debugger:{port}: session ended." in out.getvalue()


@pytest.mark.parametrize("leave", ["exit", "quit", "hang up"])
def test_leaving_lets_the_task_go_on(port: int, out: io.StringIO, run: Any, leave: str) -> None:
    ended = run(lambda: add(1, 2))
    client = Client(waiting_at(out))
    client.until("(Rdb) ")

    client.connection.close() if leave == "hang up" else client.connection.sendall(f"{leave}\n".encode())

    eventually(lambda: ended == [3], "the task ended", timeout=10 * PATIENCE)


def test_a_port_that_is_taken_is_passed_over(port: int, out: io.StringIO, run: Any) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen(1)
        ended = run(lambda: add(1, 1))
        client = Client(waiting_at(out))

        assert port < waiting_at(out)
    assert client.until("(Rdb) ")
    client.connection.sendall(b"c\n")
    eventually(lambda: ended == [2], "the task ended", timeout=10 * PATIENCE)


def loop() -> int:
    total = 0
    rdb.set_trace()
    for number in range(3):
        total += number
    return total


def test_a_session_stays_as_long_as_there_are_breakpoints(port: int, out: io.StringIO, run: Any) -> None:
    ended = run(loop)
    client = Client(waiting_at(out))
    client.until("(Rdb) ")
    line = loop.__code__.co_firstlineno + 4

    assert "Breakpoint 1" in client.say(f"b {line}")
    assert ["0", "0", "1"] == [client.say("continue") and client.say("total").strip() for _ in range(3)]
    client.connection.sendall(b"exit\n")

    eventually(lambda: ended == [3], "the task ended", timeout=10 * PATIENCE)


def test_no_port_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.listen(1)

    with pytest.raises(OSError, match=r"no port from \d+ to \d+ can be had .*set CELERY_RDB_PORT"):
        rdb.Rdb(port=holder.getsockname()[1], port_search_limit=1)
    holder.close()
