"""From URLs to memory brokers, backends and schedule stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celeriac.drivers.memory.backend import MemoryBackend, result_store
from celeriac.drivers.memory.broker import MemoryBroker
from celeriac.drivers.memory.schedule_store import MemoryScheduleStore, Schedule
from celeriac.drivers.memory.store import message_store
from celeriac.lib.urls import Url


def _name(url: Url) -> str:
    return (url.host or "") + url.path.rstrip("/")


def broker(url: Url, options: Mapping[str, Any], owner: str) -> MemoryBroker:
    """Open the broker of ``memory://name``."""
    name = _name(url)
    return MemoryBroker(message_store(name, options.get("clock")), name=name, owner=owner, lease=float(options.get("lease", 10.0)))


def backend(url: Url, options: Mapping[str, Any]) -> MemoryBackend:
    """Open the result store of ``memory://name`` or ``cache+memory://name``."""
    return MemoryBackend(result_store(_name(url), options.get("clock")))


def schedule_store(url: Url, options: Mapping[str, Any]) -> MemoryScheduleStore:
    """Open the schedule store of ``memory://name``. Options: ``clock``, ``space`` (one application's name)."""
    store = message_store(_name(url), options.get("clock"))
    with store.lock:
        schedule = store.schedules.setdefault(str(options.get("space") or ""), Schedule())
    return MemoryScheduleStore(store, schedule)
