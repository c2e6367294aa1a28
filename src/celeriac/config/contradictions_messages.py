"""Settings of messages, queues and schedules that make no sense together."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Any

from celeriac.config.nearness import nearest
from celeriac.config.problem import Problem
from celeriac.config.settings import Settings

_SERIALIZERS = {
    "json": "application/json",
    "msgpack": "application/x-msgpack",
    "yaml": "application/x-yaml",
    "pickle": "application/x-python-serialize",
    "auth": "application/data",
}

_ENTRY_KEYS = (
    *("task", "schedule", "args", "kwargs", "options", "relative", "timezone", "start", "end", "jitter", "misfire", "max_lateness"),
    *("enabled", "one_off", "name", "last_run_at", "total_run_count"),
)


def serializer_not_accepted(settings: Settings) -> Problem | None:
    """Task messages that nobody would read."""
    accepted = settings["accept_content"]
    return _unaccepted("task_serializer", settings["task_serializer"], "accept_content", accepted)


def result_serializer_not_accepted(settings: Settings) -> Problem | None:
    """Results that nobody would read."""
    name = "accept_content" if settings["result_accept_content"] is None else "result_accept_content"
    return _unaccepted("result_serializer", settings["result_serializer"], name, settings[name])


def _unaccepted(key: str, serializer: str, name: str, accepted: Any) -> Problem | None:
    if accepted is None or serializer in accepted or _SERIALIZERS.get(serializer, serializer) in accepted:
        return None
    what = "task messages" if key == "task_serializer" else "results"
    return Problem(
        key=key,
        text=f"{key}={serializer!r} is not in {name} ({', '.join(map(str, accepted)) or 'empty'}): {what} would be refused by whoever reads them",
        remedy=f"add {serializer!r} to {name}",
    )


def serializer_misspelt(settings: Settings) -> Problem | None:
    """A serializer whose name is nearly another."""
    for key in ("task_serializer", "result_serializer", "event_serializer"):
        meant = None if settings[key] in _SERIALIZERS else nearest(settings[key], _SERIALIZERS, 1 if len(settings[key]) < 6 else 2)
        if meant:
            return Problem(key=key, text=f"{key}={settings[key]!r} is a serializer nobody knows", remedy=f"did you mean {meant!r}?")
    return None


def signing_without_keys(settings: Settings) -> Problem | None:
    """Signing, with some of what it takes."""
    names = ("security_key", "security_certificate", "security_cert_store")
    missing = [name for name in names if not settings[name]]
    if not missing or not ("auth" == settings["task_serializer"] or 0 < len(missing) < 3):
        return None
    return Problem(
        key=missing[0],
        text=f"Messages cannot be signed: {', '.join(missing)} not set",
        remedy="set security_key, security_certificate and security_cert_store",
    )


def default_queue_missing(settings: Settings) -> Problem | None:
    """A default queue that no worker reads, or that cannot be sent to."""
    queues, default = settings["task_queues"], settings["task_default_queue"]
    if not queues or default in _names(queues):
        return None
    listed = ", ".join(sorted(_names(queues)))
    if not settings["task_create_missing_queues"]:
        text = f"task_default_queue={default!r} is not in task_queues ({listed}), and missing queues are not created: tasks without a route fail"
        return Problem(key="task_default_queue", text=text, remedy="name one of task_queues")
    if settings["task_routes"]:
        return None
    text = f"task_queues ({listed}) lacks task_default_queue={default!r}: tasks go there, and no worker without -Q {default} reads it"
    return Problem(key="task_default_queue", text=text, remedy="name one of task_queues, or add the queue to them")


def route_to_missing_queue(settings: Settings) -> Problem | None:
    """A route to a queue that may not be made."""
    queues, routes = settings["task_queues"], settings["task_routes"]
    if settings["task_create_missing_queues"] or not queues or not isinstance(routes, Mapping):
        return None
    for task, route in routes.items():
        queue = route.get("queue") if isinstance(route, Mapping) else route
        if isinstance(queue, str) and queue not in _names(queues):
            text = f"task_routes sends {task} to queue {queue!r}, which is not in task_queues, and missing queues are not created"
            return Problem(key="task_routes", text=text, remedy=f"add {queue!r} to task_queues, or set task_create_missing_queues = True")
    return None


def _names(queues: Any) -> set[str]:
    if isinstance(queues, Mapping):
        return set(map(str, queues))
    return {queue if isinstance(queue, str) else str(getattr(queue, "name", queue)) for queue in queues}


def unknown_time_zone(settings: Settings) -> Problem | None:
    """A time zone that is not known here."""
    zone = settings["timezone"]
    if not isinstance(zone, str):
        return None
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        meant = nearest(zone, zoneinfo.available_timezones())
        remedy = f"did you mean {meant!r}?" if meant else "write a name of the IANA data base, such as 'Europe/Berlin'"
        return Problem(key="timezone", text=f"timezone={zone!r} is no time zone known here", remedy=remedy, fatal=True)
    return None


def entries(settings: Settings) -> Iterator[Problem]:
    """Whatever is wrong with entries of the schedule."""
    for name, entry in (settings["beat_schedule"] or {}).items():
        if not isinstance(entry, Mapping):
            continue
        where = f"beat_schedule[{name!r}]"
        for key in entry:
            if key not in _ENTRY_KEYS:
                meant = nearest(str(key), _ENTRY_KEYS)
                remedy = f"did you mean {meant!r}?" if meant else f"possible are {', '.join(_ENTRY_KEYS[:6])}"
                yield Problem(key=where, text=f"{where} has {key!r}, which nothing reads", remedy=remedy)
        for key in ("task", "schedule"):
            if key not in entry:
                yield Problem(key=where, text=f"{where} has no {key!r}", remedy="add it")
        if "args" in entry and not isinstance(entry["args"], list | tuple | None):
            text = f"{where} has args={entry['args']!r}, which is no list or tuple"
            yield Problem(key=where, text=text, remedy=f"write ({entry['args']!r},)")
