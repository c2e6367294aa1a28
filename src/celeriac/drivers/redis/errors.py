"""What Redis and its connections raise, in our words: one table."""

from __future__ import annotations

from celeriac.model.errors import ImproperlyConfigured, OperationalError


class ServerError(Exception):
    """An error reply of the server; its first word is the code."""

    @property
    def code(self) -> str:
        """The first word of the reply."""
        return str(self).partition(" ")[0]


class ProtocolError(Exception):
    """Bytes that are no reply."""


_REMEDIES: dict[str, tuple[type[Exception], str]] = {
    "NOAUTH": (ImproperlyConfigured, "the server asks for a password: put it into the URL, redis://:password@host/0"),
    "WRONGPASS": (ImproperlyConfigured, "user or password in the URL are wrong"),
    "NOPERM": (ImproperlyConfigured, "the ACL of this user lacks a command or key (see the how-to for Redis)"),
    "WRONGTYPE": (ImproperlyConfigured, "another program uses that key: choose another queue name or a global_keyprefix"),
    "CROSSSLOT": (ImproperlyConfigured, "this is a Redis Cluster: use redis+cluster:// in the URL"),
    "MOVED": (ImproperlyConfigured, "this is a Redis Cluster: use redis+cluster:// in the URL"),
    "READONLY": (OperationalError, "this server is a replica now"),
    "LOADING": (OperationalError, "the server is starting and reads its data"),
    "OOM": (OperationalError, "the server's memory is full (maxmemory)"),
    "MISCONF": (OperationalError, "the server cannot write its data to disk"),
    "BUSY": (OperationalError, "a script of somebody else blocks the server"),
    "MASTERDOWN": (OperationalError, "the replica has lost its master"),
    "NOREPLICAS": (OperationalError, "too few replicas are connected"),
    "CLUSTERDOWN": (OperationalError, "the cluster is not complete"),
    "TRYAGAIN": (OperationalError, "the cluster is moving a slot"),
}

LEAVE = frozenset({"READONLY", "MASTERDOWN", "LOADING", "NOREPLICAS"})
"""Codes after which every connection is dropped: the next may lead to another server."""


def of_reply(error: ServerError, where: str) -> Exception:
    """Return the error that stands for an error reply."""
    kind, remedy = _REMEDIES.get(error.code, (OperationalError, ""))
    if "unknown command" in str(error).lower():
        kind, remedy = ImproperlyConfigured, "Redis 6.2 or later, or Valkey, is needed"
    return kind(f"Redis at {where} refused: {error}" + (f" ({remedy})" if remedy else ""))


def of_connection(error: BaseException, where: str) -> Exception:
    """Return the error that stands for a failure to reach the server or to hear from it."""
    text = str(error) or type(error).__name__
    if type(error).__name__ in ("AuthenticationError", "AuthorizationError", "NoPermissionError"):
        return ImproperlyConfigured(f"Redis at {where} refused the login: {text}")
    if type(error).__name__ == "ResponseError" and any(code in text for code in ("WRONGPASS", "NOAUTH", "NOPERM", "invalid password", "DB index")):
        return ImproperlyConfigured(f"Redis at {where} refused the login: {text}")
    return OperationalError(f"Redis at {where} cannot be reached: {text}")
