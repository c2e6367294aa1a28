"""A TCP proxy between clients and a server of this machine: it can cut, refuse, fall silent, swallow answers and delay."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

_CHUNK = 65_536
_FULL = 64
"""Chunks that wait in one direction before no more are read."""
_ABORT = struct.pack("ii", 1, 0)


class _Way:
    """One direction of a connection: what was read and has not been written, and when it may be."""

    def __init__(self, source: socket.socket, target: socket.socket, *, answers: bool) -> None:
        self.source = source
        self.target = target
        self.answers = answers
        self.chunks: deque[tuple[float, bytes]] = deque()
        self.ended = False

    def read(self, delay: float) -> None:
        content = self.source.recv(_CHUNK)
        self.ended = not content
        self.chunks.append((time.monotonic() + delay, content))

    def write(self) -> None:
        """Write what is due; the empty chunk stands for the end."""
        while self.chunks and self.chunks[0][0] <= time.monotonic():
            due, content = self.chunks[0]
            if not content:
                self.target.shutdown(socket.SHUT_WR)
                self.chunks.clear()
                return
            sent = self.target.send(content)
            self.chunks.popleft()
            if sent < len(content):
                self.chunks.appendleft((due, content[sent:]))
                return

    @property
    def done(self) -> bool:
        return self.ended and not self.chunks


class Proxy:
    """Forwards connections to a port; one thread does all the work, and what tests ask for is done in it, between two turns."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.accepted = 0
        self._pairs: list[tuple[_Way, _Way]] = []
        self._listener = _bound(0)
        self.port: int = self._listener.getsockname()[1]
        self._listener.listen(512)
        self._refusing = self._silent = self._swallowing = self._closed = False
        self._delay = 0.0
        self._asked: deque[tuple[Callable[[], None], threading.Event]] = deque()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    # what tests ask for

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._pairs)

    def cut(self, *, at: int | None = None, reset: bool = True) -> None:
        """End all connections, or the one that is the ``at``-th oldest (modulo their number); by RST, or politely by FIN."""
        self._do(lambda: self._cut(at, reset))

    def refuse(self) -> None:
        """End all connections and refuse new ones, as a machine does on which the server is not running."""
        self._do(self._refuse)

    def stall(self) -> None:
        """Let nothing pass and tell nobody: connections stay open, new ones are taken and never answered."""
        self._do(lambda: setattr(self, "_silent", True))

    def swallow_answers(self) -> None:
        """What is asked reaches the server; when it answers, the connection ends instead."""
        self._do(lambda: setattr(self, "_swallowing", True))

    def delay(self, seconds: float) -> None:
        """Let everything take so long, each way."""
        self._do(lambda: setattr(self, "_delay", seconds))

    def flow(self) -> None:
        """Let everything pass again as if nothing had been."""
        self._do(self._flow)

    def close(self) -> None:
        """End it."""
        if not self._closed:
            self._do(self._end)
            self._thread.join(5)
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _do(self, act: Callable[[], None]) -> None:
        done = threading.Event()
        self._asked.append((act, done))
        os.write(self._wake_write, b"x")
        assert done.wait(10), "the proxy does not do what it is told"

    # in its thread

    def _cut(self, at: int | None, reset: bool) -> None:
        doomed = list(self._pairs) if at is None else [self._pairs[at % len(self._pairs)]] if self._pairs else []
        for pair in doomed:
            self._end_pair(pair, reset=reset)

    def _refuse(self) -> None:
        self._cut(None, True)
        if not self._refusing:
            # A socket that is bound and does not listen keeps the port, and refuses.
            self._refusing = True
            self._listener.close()
            self._listener = _bound(self.port)

    def _flow(self) -> None:
        self._silent = self._swallowing = False
        self._delay = 0.0
        if self._refusing:
            self._refusing = False
            self._listener.listen(512)

    def _end(self) -> None:
        self._closed = True
        self._cut(None, True)
        self._listener.close()

    def _run(self) -> None:
        while not self._closed:
            ways = self._watch()
            while self._asked:
                act, done = self._asked.popleft()
                act()
                done.set()
            if not self._silent:
                for way in ways:
                    self._advance(way)

    def _watch(self) -> list[_Way]:
        """Wait until something can be done; return the ways on which it may be."""
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        if not (self._refusing or self._silent):
            poll.register(self._listener, select.POLLIN)
        ways = [way for pair in self._pairs for way in pair]
        found = poll.poll(self._pause(ways, poll))
        ready = {descriptor for descriptor, _ in found}
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        if self._listener.fileno() in ready and not self._refusing:
            self._accept()
        return ways

    def _pause(self, ways: list[_Way], poll: select.poll) -> float | None:
        if self._silent:
            return None
        now, pause = time.monotonic(), None
        masks: dict[int, int] = {}
        for way in ways:
            if not way.ended and len(way.chunks) < _FULL:
                masks[way.source.fileno()] = masks.get(way.source.fileno(), 0) | select.POLLIN
            if way.chunks and way.chunks[0][0] <= now:
                masks[way.target.fileno()] = masks.get(way.target.fileno(), 0) | select.POLLOUT
            elif way.chunks:
                left = (way.chunks[0][0] - now) * 1000 + 0.5
                pause = left if pause is None else min(pause, left)
        for descriptor, mask in masks.items():
            poll.register(descriptor, mask)
        return pause

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                _abort(client)
                return
            for one in (client, server):
                one.setblocking(False)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.accepted += 1
            self._pairs.append((_Way(client, server, answers=False), _Way(server, client, answers=True)))

    def _advance(self, way: _Way) -> None:
        pair = next((pair for pair in self._pairs if way in pair), None)
        if pair is None:
            return
        try:
            if not way.ended and len(way.chunks) < _FULL:
                with contextlib.suppress(BlockingIOError):
                    way.read(self._delay)
                    if way.answers and self._swallowing:
                        raise ConnectionResetError
            with contextlib.suppress(BlockingIOError):
                way.write()
            if all(one.done for one in pair):
                self._end_pair(pair, reset=False)
        except OSError:
            self._end_pair(pair, reset=True)

    def _end_pair(self, pair: tuple[_Way, _Way], *, reset: bool) -> None:
        self._pairs.remove(pair)
        for way in pair:
            if reset:
                _abort(way.source)
            else:
                way.source.close()


def _bound(port: int) -> socket.socket:
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(("127.0.0.1", port))
    return found


def _abort(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    one.close()


@contextlib.contextmanager
def unanswered_port() -> Iterator[int]:
    """Give a port at which connection attempts get no answer at all: those of a machine that is switched off."""
    listener = _bound(0)
    listener.listen(0)
    fillers: list[socket.socket] = []
    try:
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
            fillers.append(filler)
        yield int(listener.getsockname()[1])
    finally:
        for one in (*fillers, listener):
            one.close()
