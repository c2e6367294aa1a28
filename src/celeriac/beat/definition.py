"""What one entry of a schedule says: which task, with what, when."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from celeriac.app.periodic import ENTRY_OPTIONS
from celeriac.config.nearness import nearest
from celeriac.lib.value import Value
from celeriac.model.errors import ImproperlyConfigured, SettingWarning
from celeriac.schedules import codec
from celeriac.schedules.entry import Timing
from celeriac.schedules.making import maybe_schedule
from celeriac.wire import json_codec

KEYS = ("task", "schedule", "args", "kwargs", "options", *ENTRY_OPTIONS)
_IGNORED = frozenset({"name", "last_run_at", "total_run_count"})
"""Keys that Celery's entries may have and that are the store's to know."""


class Definition(Value, frozen=True):
    """One entry; ``enabled`` is what its author says, not whether somebody paused it."""

    name: str
    task: str
    timing: Timing
    args: Any = ()
    kwargs: Any = {}
    options: dict[str, Any] = {}
    enabled: bool = True

    def described(self) -> dict[str, Any]:
        """Return the entry as a plain dict, with the keys of ``beat_schedule``; ValueError or TypeError when its schedule cannot be written."""
        timing = self.timing
        plain: dict[str, Any] = {
            "task": self.task, "schedule": codec.encode(timing.schedule), "args": self.args, "kwargs": self.kwargs, "options": self.options,
            "timezone": None if timing.timezone is None else str(timing.timezone),
            "start": timing.start, "end": timing.end, "jitter": timing.jitter, "misfire": timing.misfire,
            "max_lateness": timing.max_lateness, "one_off": timing.one_off,
        }  # fmt: skip
        usual = {"args": (), "kwargs": {}, "options": {}, "jitter": 0.0, "one_off": False, "misfire": "run_once"}
        return {key: value for key, value in plain.items() if value is not None and value != usual.get(key)}

    def encoded(self) -> bytes:
        """Return the entry as text of which equal entries have the same; what cannot be written is shown."""
        try:
            return json_codec.encode(self.described())
        except (TypeError, ValueError, RecursionError):
            shown = {"task": self.task, "shown": [repr(part) for part in (self.timing, self.args, self.kwargs, self.options)]}
            return json_codec.encode(shown)


def definition_of(name: str, entry: Any, *, app: Any, where: str = "") -> Definition:
    """Return what an entry of ``beat_schedule`` (or of ``where``) says; ImproperlyConfigured names what is wrong with it."""
    where = where or f"beat_schedule[{name!r}]"
    if not isinstance(entry, Mapping):
        raise ImproperlyConfigured(f"{where} is {entry!r}; write a dict with 'task' and 'schedule'")
    for key in entry:
        if key not in KEYS and key not in _IGNORED:
            meant = nearest(str(key), KEYS)
            hint = f": did you mean {meant!r}?" if meant else f"; it may have {', '.join(KEYS)}"
            warnings.warn(f"{where} has {key!r}, which nothing reads{hint}", SettingWarning, stacklevel=2)
    for key in ("task", "schedule"):
        if entry.get(key) is None:
            raise ImproperlyConfigured(f"{where} has no {key!r}: add it")
    task, args = entry["task"], entry.get("args") or ()
    if isinstance(args, str) or not isinstance(args, Sequence):
        raise ImproperlyConfigured(f"{where} has args={args!r}, which is no list or tuple: write ({args!r},)")
    return Definition(
        name=str(name),
        task=task if isinstance(task, str) else task.name,
        timing=_timing(str(name), where, entry, app),
        args=tuple(args),
        kwargs=dict(entry.get("kwargs") or {}),
        options=dict(entry.get("options") or {}),
        enabled=bool(entry.get("enabled", True)),
    )


def decoded(name: str, text: bytes, *, app: Any) -> Definition:
    """Return what a stored entry says; ImproperlyConfigured when it is readable only by the code that it comes from."""
    plain = json_codec.decode(text)
    if "schedule" not in plain:
        raise ImproperlyConfigured(f"The entry {name!r} is part of code that this application does not have: start beat where that code is")
    return definition_of(name, {**plain, "schedule": codec.decode(plain["schedule"])}, app=app, where=f"The stored entry {name!r}")


def _timing(name: str, where: str, entry: Mapping[str, Any], app: Any) -> Timing:
    named: dict[str, Any] = {"name": name, "misfire": entry.get("misfire") or "run_once", "one_off": bool(entry.get("one_off"))}
    try:
        schedule = maybe_schedule(entry["schedule"], relative=bool(entry.get("relative")), app=app)
        named["timezone"] = _zone(entry.get("timezone"))
        zone = named["timezone"] or schedule.tz
        named["start"], named["end"] = (_moment(key, entry.get(key), zone) for key in ("start", "end"))
        named["jitter"] = _seconds("jitter", entry.get("jitter")) or 0.0
        named["max_lateness"] = _seconds("max_lateness", entry.get("max_lateness"))
        return Timing(schedule=schedule, **named)
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"{where}: {error}") from error


def _zone(zone: Any) -> tzinfo | None:
    if zone is None or isinstance(zone, tzinfo):
        return zone
    try:
        return ZoneInfo(str(zone))
    except (KeyError, ValueError, OSError):
        meant = nearest(str(zone), available_timezones())
        raise ValueError(f"there is no time zone {zone!r}" + (f": did you mean {meant!r}?" if meant else "")) from None


def _moment(key: str, value: Any, zone: tzinfo) -> datetime | None:
    """Return a time that may be a datetime, ISO 8601 text or epoch seconds; naive ones are in the entry's time zone."""
    if value is None:
        return None
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, zone)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{key}={value!r} is no time: write one such as 2026-12-24T18:00") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _seconds(key: str, value: Any) -> float | None:
    if value is None:
        return None
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
        raise ValueError(f"{key}={value!r} is no duration: give seconds, or a timedelta")
    return float(seconds)
