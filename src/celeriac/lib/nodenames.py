"""Names of nodes: ``name@host``."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

DEFAULT = "celery"


def nodename(name: str, hostname: str) -> str:
    """Return ``name@hostname``."""
    return f"{name}@{hostname}"


def nodesplit(name: str) -> tuple[str | None, str]:
    """Return a node name's two parts; one without ``@`` is a host."""
    node, at, host = name.partition("@")
    return (node, host) if at else (None, name)


def anon_nodename(hostname: str | None = None, prefix: str = "gen") -> str:
    """Return the name of a process that is no worker: ``gen<pid>@<host>``."""
    return nodename(f"{prefix}{os.getpid()}", hostname or socket.gethostname())


def default_nodename(hostname: str | None, default_name: str = DEFAULT) -> str:
    """Return a whole node name: what ``hostname`` leaves out is ``celery``, or this host."""
    name, host = nodesplit(hostname or "")
    return nodename(name or default_name, host or socket.gethostname())


def host_format(text: str, host: str | None = None, name: str | None = None, **extra: str) -> str:
    """Fill in %h (the host name), %n (``name``, else the host's first label), %d (the domain) and %% in a text."""
    host = host or socket.gethostname()
    label, _, domain = host.partition(".")
    return fill(text, {"h": host, "n": name or label, "d": domain, **extra})


def node_format(text: str, name: str, **extra: str) -> str:
    """Fill in %p (the node's whole name), %n and %h (its parts), %d (the domain), %i and %I (the main process: 0, and nothing) in a text."""
    node, host = nodesplit(name)
    return host_format(text, host, node or DEFAULT, **{"p": name, "i": "0", "I": "", **extra})


def fill(text: str, fields: Mapping[str, str]) -> str:
    """Replace ``%x`` by the field x, and ``%%`` by a percent sign; what is no field stays as it is."""
    parts, rest = [], text
    while rest:
        plain, percent, rest = rest.partition("%")
        parts.append(plain)
        if percent:
            key, rest = rest[:1], rest[1:]
            parts.append("%" if key == "%" else fields.get(key, f"%{key}"))
    return "".join(parts)
