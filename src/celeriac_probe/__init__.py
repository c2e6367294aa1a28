"""Asks a worker or scheduler on this machine how it is, for probes that run a command every few seconds.

Not a part of the package ``celeriac``, whose import would cost more than the question: this one needs a socket and nothing else.
"""

from __future__ import annotations

import os
import socket
import sys

USAGE = """usage: celeriac-probe live|ready|startup [ADDRESS] [--timeout SECONDS]

ADDRESS is what the worker or scheduler was given by --metrics: HOST:PORT or unix:PATH; without it, the environment variable CELERIAC_PROBE_ADDRESS.
The exit status is 0 for yes, 1 for no or no answer (5 seconds by default), 2 for a question that makes no sense.
"""
_PATHS = {"live": "/livez", "ready": "/readyz", "startup": "/startupz"}
_ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def main() -> int:
    """Run the command; return its exit status."""
    arguments = sys.argv[1:]
    try:
        timeout = 5.0
        if "--timeout" in arguments:
            at = arguments.index("--timeout")
            timeout = float(arguments[at + 1])
            del arguments[at : at + 2]
        path = _PATHS[arguments[0]]
        address = arguments[1] if len(arguments) > 1 else os.environ["CELERIAC_PROBE_ADDRESS"]
        if len(arguments) > 2 or timeout <= 0 or not (address.startswith("unix:") or address.rpartition(":")[2].isdigit()):
            raise ValueError
    except (KeyError, IndexError, ValueError):
        sys.stderr.write(USAGE)
        return 2
    try:
        status, text = ask(address, path, timeout)
    except OSError as error:
        sys.stdout.write(f"no answer from {address}: {error}\n")
        return 1
    sys.stdout.write(text)
    return 0 if status == 200 else 1


def ask(address: str, path: str, timeout: float) -> tuple[int, str]:
    """Return the status and text of an answer; raises OSError when there is none within ``timeout`` seconds."""
    if address.startswith("unix:"):
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(timeout)
        made.connect(address[5:])
    else:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        made = socket.create_connection((_ANYWHERE.get(host, host), int(port)), timeout)
    with made:
        made.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        answer = b""
        while part := made.recv(65_536):
            answer += part
    head, _, text = answer.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    if len(words) < 2 or not words[1].isdigit():
        raise OSError("the answer is not HTTP")
    return int(words[1]), text.decode("utf-8", "replace")
