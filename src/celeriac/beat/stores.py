"""Where the schedule of an application is kept."""

from __future__ import annotations

import os
from typing import Any

from celeriac.beat.apart import Apart
from celeriac.contracts.schedule_store import ScheduleStore
from celeriac.drivers.registry import keeps_schedules, open_schedule_store
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.urls import censor

_DJANGO = "django-db"
_BY_NAME = ("django", _DJANGO)
_SQLITE = b"SQLite format 3\x00"


def space_of(app: Any) -> str:
    """Return the name under which an application's schedule is kept."""
    return str(app.conf.beat_namespace or app.main or "")


def named(scheduler: Any) -> str | None:
    """Return the URL of the store that a scheduler's name stands for: our scheduler, with its schedule there. None for other schedulers."""
    if scheduler not in _BY_NAME:
        return None
    return _DJANGO if symbol_by_name("celeriac.django.opening:keeps_schedule")(scheduler) else None


def url_of(app: Any, filename: str | None = None) -> str | None:
    """Return the URL of the store when it is not the broker, None when it is; ``filename`` counts in place of ``beat_schedule_filename``."""
    chosen = app.conf.beat_store
    if isinstance(chosen, (list, tuple)):
        chosen = chosen[0] if chosen else None
    if not chosen:
        chosen = named(app.conf.beat_scheduler)
    if chosen:
        return None if chosen == app.broker_url and keeps_schedules(chosen) else str(chosen)
    if keeps_schedules(app.broker_url):
        return None
    return f"sqlite:///{_file(filename or app.conf.beat_schedule_filename)}"


def open_store(app: Any, filename: str | None = None) -> ScheduleStore:
    """Open the store of an application's schedule."""
    url = url_of(app, filename)
    if url is None:
        # What is opened by it declares the queues, which a slot's messages must find.
        _ = app.broker
        return app.open_schedule_store(space_of(app))  # type: ignore[no-any-return]
    return Apart(open_schedule_store(url, options={"space": space_of(app)}), app.publisher.publish)


def shown(app: Any, filename: str | None = None) -> str:
    """Say where the schedule is kept, without passwords."""
    url = url_of(app, filename)
    return f"{censor(app.broker_url)} (the broker)" if url is None else censor(url)


def _file(name: str) -> str:
    """Return the path of the schedule's file; beside one that Celery's scheduler has left there in another format."""
    path = os.path.abspath(os.path.expanduser(name))
    try:
        with open(path, "rb") as file:
            head = file.read(len(_SQLITE))
    except OSError:
        return path
    return path if head in (b"", _SQLITE) else f"{path}.sqlite3"
