"""From URLs to SQL brokers, result stores and schedule stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celeriac.drivers.sql.backend import SqlBackend
from celeriac.drivers.sql.broker import SqlBroker
from celeriac.drivers.sql.schedule_store import SqlScheduleStore
from celeriac.drivers.sql.store import SqlStore, sql_store
from celeriac.lib.clock import SystemClock
from celeriac.lib.urls import Url
from celeriac.model.errors import ImproperlyConfigured

_clock = SystemClock()


def _path(url: Url) -> str:
    """Return the file of ``sqlite:///relative``, ``sqlite:////absolute``: the slash after the (empty) host is not part of the path."""
    path = url.path.removeprefix("/")
    if url.host:
        raise ImproperlyConfigured(
            f"A SQLite URL names no host, and this one names {url.host!r}: write sqlite:///{url.host}{url.path} for a relative path, or sqlite:////absolute/path"
        )
    if path in ("", ":memory:"):
        raise ImproperlyConfigured("A SQLite URL needs the path of a file, as in sqlite:////var/lib/app/tasks.sqlite3; for memory use memory://")
    return path


def _store(url: Url, options: Mapping[str, Any]) -> SqlStore:
    return sql_store(_path(url), options.get("clock") or _clock, busy_timeout=float(options.get("busy_timeout", 10.0)))


def broker(url: Url, options: Mapping[str, Any], owner: str) -> SqlBroker:
    """Open the broker of a file. Options: ``lease`` and ``busy_timeout`` (seconds), ``clock``."""
    return SqlBroker(_store(url, options), owner=owner, lease=float(options.get("lease", 10.0)))


def backend(url: Url, options: Mapping[str, Any]) -> SqlBackend:
    """Open the result store of a file. Options: ``busy_timeout`` (seconds), ``clock``."""
    return SqlBackend(_store(url, options))


def schedule_store(url: Url, options: Mapping[str, Any]) -> SqlScheduleStore:
    """Open the schedule store of a file. Options: ``busy_timeout`` (seconds), ``clock``, ``space`` (one application's name)."""
    return SqlScheduleStore(_store(url, options), str(options.get("space") or ""))
