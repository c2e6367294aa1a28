"""The web server behind ``--metrics``: one thread that accepts, and one for each question, none of which can hold up another."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, ThreadingMixIn
from typing import Any

from celeriac.worker.monitor.monitor import Monitor
from celeriac.worker.monitor.text import CONTENT_TYPE

logger = logging.getLogger("celeriac.worker")

_PLAIN = "text/plain; charset=utf-8"
_ABOUT = "celeriac\n\n/metrics\n/livez    (/health/live)\n/readyz   (/health/ready)\n/startupz (/health/startup)\n"


class _Server(ThreadingMixIn, BaseServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket, handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        super().__init__(listener.getsockname(), handler)
        self._listener = listener

    def fileno(self) -> int:
        return self._listener.fileno()

    def get_request(self) -> tuple[Any, Any]:
        return self._listener.accept()

    def shutdown_request(self, request: Any) -> None:
        request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong, unless it is only that who asked has gone away."""
        if not isinstance(sys.exception(), OSError):
            logger.exception("A question to the monitor could not be answered.")


def serve(monitor: Monitor, descriptor: int) -> None:
    """Answer at a listening socket from now on, in threads that end with the process."""
    server = _Server(socket.socket(fileno=descriptor), lambda *given: _Handler(monitor, *given))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    timeout = 5.0
    server_version = "celeriac"
    sys_version = ""

    def __init__(self, monitor: Monitor, *given: Any) -> None:
        self._monitor = monitor
        super().__init__(*given)

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0].rstrip("/") or "/"
        probes = {
            "/livez": self._monitor.live, "/health/live": self._monitor.live, "/readyz": self._monitor.ready, "/health/ready": self._monitor.ready,
            "/startupz": self._monitor.started, "/health/startup": self._monitor.started,
        }  # fmt: skip
        if path == "/metrics":
            self._answer(200, self._monitor.metrics(), CONTENT_TYPE)
        elif path in probes:
            wrong = probes[path]()
            self._answer(503 if wrong else 200, "\n".join(wrong or ["ok"]) + "\n", _PLAIN)
        else:
            self._answer(200 if path == "/" else 404, _ABOUT, _PLAIN)

    do_HEAD = do_GET

    def _answer(self, status: int, text: str, kind: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def address_string(self) -> str:
        """Return who asks; at a socket in the file system nobody is named."""
        return str(self.client_address)

    def log_message(self, *_: Any) -> None:
        """Probes come every few seconds: they are not logged."""
