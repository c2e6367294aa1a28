"""Schedules as plain dicts (JSON) and back, for the stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from celeriac.lib.importing import symbol_by_name
from celeriac.schedules.clocked import clocked
from celeriac.schedules.contract import BaseSchedule, ScheduleError, zone_named
from celeriac.schedules.crontab import crontab
from celeriac.schedules.interval import schedule
from celeriac.schedules.solar import solar

_FIELDS: dict[type[BaseSchedule], tuple[str, tuple[str, ...]]] = {
    schedule: ("interval", ("seconds", "relative")),
    crontab: ("crontab", ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")),
    solar: ("solar", ("event", "lat", "lon")),
    clocked: ("clocked", ("clocked_time",)),
}
_MAKERS: dict[str, Callable[..., BaseSchedule]] = {
    "interval": lambda seconds, relative=False: schedule(seconds, relative=relative),
    "crontab": crontab,
    "solar": solar,
    "clocked": lambda clocked_time: clocked(datetime.fromisoformat(clocked_time)),
}


def encode(value: BaseSchedule) -> dict[str, Any]:
    """Return a schedule as a dict of plain values; ScheduleError when its class or a part of it cannot be written so."""
    kind = type(value)
    if kind not in _FIELDS:
        return _encode_custom(value)
    name, fields = _FIELDS[kind]
    plain: dict[str, Any] = {"type": name}
    for field in fields:
        part = getattr(value, f"_orig_{field}", getattr(value, field))
        plain[field] = sorted(part) if isinstance(part, (set, frozenset)) else part
        if isinstance(part, datetime):
            plain[field] = part.isoformat()
    if value._zone is not None:
        plain["timezone"] = _zone_text(value._zone)
    if value.nowfun is not None:
        plain["nowfun"] = _path_of(value.nowfun, f"nowfun of {value!r}")
    return plain


def decode(plain: Mapping[str, Any]) -> BaseSchedule:
    """Return the schedule that ``encode`` wrote; ScheduleError when the dict is none, or names a class that is not here."""
    fields = dict(plain)
    name = fields.pop("type", None)
    if name == "custom":
        return _decode_custom(fields)
    if name not in _MAKERS:
        raise ScheduleError(f"type={name!r} is no kind of schedule: it may be {', '.join(_MAKERS)} or custom")
    zone, nowfun = fields.pop("timezone", None), fields.pop("nowfun", None)
    try:
        made = _MAKERS[name](**fields)
    except TypeError as error:
        raise ScheduleError(f"{dict(plain)!r} is no schedule: {error}") from error
    if zone is not None:
        made.tz = zone
    if nowfun is not None:
        made.nowfun = _named(nowfun)
    return made


# -- classes of third parties: by path, with their attributes


def _encode_custom(value: BaseSchedule) -> dict[str, Any]:
    kind = type(value)
    plain: dict[str, Any] = {"type": "custom", "class": _path_of(kind, f"the schedule class {kind.__name__}")}
    if "__reduce__" in vars(kind):
        parts = value.__reduce__()
        if isinstance(parts, tuple) and len(parts) == 2 and parts[0] is kind:
            return {**plain, "args": _plain(list(parts[1]), repr(value))}
    return {**plain, "state": {key: _plain(part, f"{kind.__name__}.{key}") for key, part in value.__getstate__().items() if part is not None}}


def _decode_custom(fields: Mapping[str, Any]) -> BaseSchedule:
    kind = _named(fields.get("class"))
    if not (isinstance(kind, type) and issubclass(kind, BaseSchedule)):
        raise ScheduleError(f"class={fields.get('class')!r} is no schedule class: it has to be a subclass of celeriac.schedules.BaseSchedule")
    if "args" in fields:
        return kind(*_live(fields["args"]))
    made = object.__new__(kind)
    made.__dict__.update({key: _live(part) for key, part in fields.get("state", {}).items()})
    return made


def _path_of(thing: Any, what: str) -> str:
    path = f"{getattr(thing, '__module__', None)}:{getattr(thing, '__qualname__', None)}"
    try:
        found = symbol_by_name(path)
    except (ImportError, AttributeError):
        found = None
    if found is not thing or path.startswith("__main__:"):
        raise ScheduleError(f"{what} cannot be stored, since {path} does not lead to it: define it at the top of a module that can be imported")
    return path


def _named(path: Any) -> Any:
    try:
        return symbol_by_name(path)
    except (ImportError, AttributeError, ValueError) as error:
        raise ScheduleError(f"{path!r}, which a stored schedule needs, is not importable here ({error}): put it there or remove the entry") from error


_SCALARS = (type(None), bool, int, float, str)


def _plain(value: Any, what: str) -> Any:
    """Return a value as JSON can hold it; what JSON has no word for becomes ``{"$kind": ...}``."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, list):
        return [_plain(part, what) for part in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: _plain(part, what) for key, part in value.items()}
    for kind, tag, write in _TAGS:
        if isinstance(value, kind):
            return {tag: write(value, what)}
    if callable(value):
        return {"$name": _path_of(value, what)}
    raise ScheduleError(f"{what}={value!r} cannot be stored: give the schedule class a __reduce__ that returns (class, plain arguments)")


_TAGS: tuple[tuple[type, str, Callable[[Any, str], Any]], ...] = (
    (datetime, "$datetime", lambda value, what: value.isoformat()),
    (date, "$date", lambda value, what: value.isoformat()),
    (time, "$time", lambda value, what: value.isoformat()),
    (timedelta, "$timedelta", lambda value, what: [value.days, value.seconds, value.microseconds]),
    (tzinfo, "$zone", lambda value, what: _zone_text(value)),
    (tuple, "$tuple", lambda value, what: [_plain(part, what) for part in value]),
    (frozenset, "$frozenset", lambda value, what: [_plain(part, what) for part in sorted(value)]),
    (set, "$set", lambda value, what: [_plain(part, what) for part in sorted(value)]),
    (BaseSchedule, "$schedule", lambda value, what: encode(value)),
)
_READERS: dict[str, Callable[[Any], Any]] = {
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$timedelta": lambda parts: timedelta(*parts),
    "$zone": zone_named,
    "$tuple": lambda parts: tuple(map(_live, parts)),
    "$frozenset": lambda parts: frozenset(map(_live, parts)),
    "$set": lambda parts: set(map(_live, parts)),
    "$schedule": decode,
    "$name": _named,
}


def _live(value: Any) -> Any:
    if isinstance(value, list):
        return [_live(part) for part in value]
    if isinstance(value, Mapping):
        if len(value) == 1:
            ((tag, part),) = value.items()
            if tag in _READERS:
                return _READERS[tag](part)
        return {key: _live(part) for key, part in value.items()}
    return value


def _zone_text(zone: tzinfo) -> str:
    if isinstance(zone, ZoneInfo) and zone.key is not None:
        return zone.key
    name = str(zone)
    try:
        zone_named(name)
    except ScheduleError:
        raise ScheduleError(f"the time zone {zone!r} has no name that can be stored: use zoneinfo.ZoneInfo") from None
    return name
