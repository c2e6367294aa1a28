"""Between an entry of the schedule as the scheduler knows it and the columns in which people read and write it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from celeriac.beat.definition import Definition, definition_of
from celeriac.model.errors import ImproperlyConfigured
from celeriac.schedules import codec
from celeriac.schedules.clocked import clocked
from celeriac.schedules.contract import BaseSchedule, ScheduleError
from celeriac.schedules.crontab import crontab
from celeriac.schedules.solar import solar
from celeriac.wire import json_codec

UNITS = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1, "milliseconds": 0.001}
_CRON = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
KINDS = ("every", "crontab", "solar_event", "clocked")
"""The columns of which one says when."""
_EMPTY = {
    "every": None, "period": "seconds", "crontab": "", "solar_event": "", "latitude": None, "longitude": None, "clocked": None, "special": None,
}  # fmt: skip


def schedule_of(row: Any) -> BaseSchedule | float:
    """Return what the columns say of when; ScheduleError when they say nothing, too much or nonsense."""
    said = [name for name in KINDS if getattr(row, name) not in (None, "")]
    if not said and row.special is not None:
        return codec.decode(row.special)
    if len(said) != 1:
        raise ScheduleError("Say when in exactly one way: every so often, by a crontab, by the sun, or once at a time")
    if said == ["every"]:
        return float(row.every) * UNITS[row.period]
    if said == ["crontab"]:
        return crontab.from_string(row.crontab.strip())
    if said == ["clocked"]:
        moment = aware(row.clocked)
        assert moment is not None
        return clocked(moment.astimezone(timezone.get_default_timezone()))
    if row.latitude is None or row.longitude is None:
        raise ScheduleError("Say where: the sun rises at a latitude and a longitude")
    return solar(row.solar_event, row.latitude, row.longitude)


def definition_from(row: Any, app: Any, where: str = "") -> Definition:
    """Return the definition that a row's columns come to; ImproperlyConfigured or ScheduleError says what is wrong."""
    entry = {
        "task": row.task.strip(), "schedule": schedule_of(row), "args": live(row.args), "kwargs": live(row.kwargs), "options": live(row.options),
        "timezone": row.timezone or None, "start": aware(row.start), "end": aware(row.end), "jitter": row.jitter, "misfire": row.misfire,
        "max_lateness": row.max_lateness, "one_off": row.one_off, "enabled": row.enabled,
    }  # fmt: skip
    made = definition_of(row.name, entry, app=app, where=where or f"The periodic task {row.name!r}")
    if "schedule" not in json_codec.decode(made.encoded()):
        raise ImproperlyConfigured(f"The periodic task {row.name!r} cannot be stored: its arguments are not plain")
    return made


def columns_of(text: bytes) -> dict[str, Any]:
    """Return the columns of an encoded definition; of one that only its code can read, the task alone."""
    plain = json.loads(text)
    found: dict[str, Any] = {**_EMPTY, "task": str(plain.get("task", ""))[:255]}
    if "schedule" not in plain:
        return found
    live_plain = json_codec.decode(text)
    for name in ("start", "end"):
        found[name] = in_project_time(_moment(live_plain.get(name)))
    for name, usual in (("args", []), ("kwargs", {}), ("options", {}), ("jitter", 0.0), ("misfire", "run_once"), ("max_lateness", None)):
        found[name] = plain.get(name, usual)
    return {**found, "one_off": bool(plain.get("one_off")), "timezone": plain.get("timezone") or "", **_schedule_columns(plain["schedule"])}


def _schedule_columns(plain: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(plain)
    kind = fields.pop("type")
    if kind == "interval" and fields.keys() == {"seconds", "relative"} and not fields["relative"]:
        return _interval(fields["seconds"])
    if kind == "crontab" and fields.keys() - {"timezone"} == set(_CRON):
        zone = {"timezone": fields["timezone"]} if "timezone" in fields else {}
        return {"crontab": " ".join(_cron_field(fields[name]) for name in _CRON), **zone}
    if kind == "solar" and fields.keys() == {"event", "lat", "lon"}:
        return {"solar_event": fields["event"], "latitude": fields["lat"], "longitude": fields["lon"]}
    if kind == "clocked" and fields.keys() == {"clocked_time"} and (moment := _moment(fields["clocked_time"])) is not None and moment.tzinfo:
        return {"clocked": in_project_time(moment)}
    return {"special": dict(plain)}


def _interval(seconds: float) -> dict[str, Any]:
    period = next((name for name, length in UNITS.items() if seconds >= length and float(seconds / length).is_integer()), "seconds")
    return {"every": seconds / UNITS[period], "period": period}


def _cron_field(field: Any) -> str:
    words = field if isinstance(field, list) else [field]
    return ",".join(str(word) for word in words).replace(" ", "")


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def live(value: Any) -> Any:
    """Return what a JSON column holds, with its dates and the like."""
    return json_codec.decode(json.dumps(value).encode())


def plain(value: Any) -> Any:
    """Return a value as a JSON column can hold it; TypeError or ValueError where that is not possible."""
    return json.loads(json_codec.encode(value))


def aware(moment: datetime | None) -> datetime | None:
    """Return a time of a column with its time zone, which projects with ``USE_TZ = False`` do not store."""
    return timezone.make_aware(moment, timezone.get_default_timezone()) if moment is not None and timezone.is_naive(moment) else moment


def in_project_time(moment: datetime | None) -> datetime | None:
    """Return a time as this project stores it: naive ones where ``USE_TZ`` is off."""
    if moment is None:
        return None
    moment = moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
    return moment if settings.USE_TZ else timezone.make_naive(moment, timezone.get_default_timezone())


def from_epoch(seconds: float | None) -> datetime | None:
    """Return epoch seconds as a time of this project."""
    return None if seconds is None else in_project_time(datetime.fromtimestamp(seconds, UTC))
