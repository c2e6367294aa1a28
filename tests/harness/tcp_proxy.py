"""A proxy between a client and a server that can be cut, stalled, or made to swallow answers."""

from __future__ import annotations

import contextlib
import socket
import threading

_CHUNK = 65_536


class TcpProxy:
    """Forwards connections to a port of this machine; each direction is a thread."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()
        self._swallow = threading.Event()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self._lock:
                self._pairs.append((client, server))
            threading.Thread(target=self._forward, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._forward, args=(server, client, True), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(_CHUNK):
                self._open.wait()
                if answers and self._swallow.is_set():
                    break
                target.sendall(content)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """End all connections that there are."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for one in pair:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    def stall(self) -> None:
        """Let nothing pass, and tell nobody."""
        self._open.clear()

    def flow(self) -> None:
        """Let everything pass again."""
        self._open.set()
        self._swallow.clear()

    def swallow_answers(self) -> None:
        """What is asked reaches the server; instead of the answer the connection ends."""
        self._swallow.set()

    def close(self) -> None:
        """End it."""
        self._closed = True
        self._listener.close()
        self.cut()
        self._open.set()
