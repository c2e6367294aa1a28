"""The fields of a crontab, read; what cannot be read is refused with its position, the reason and what to write instead."""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from celeriac.schedules.contract import ScheduleError

Cronspec = int | str | Iterable[int | str]
"""What a field may be: a number, text such as ``"*/15"`` or ``"8-17,mon"``, or several of them."""


class ParseException(ScheduleError):
    """A crontab that cannot be read."""


class FieldKind(NamedTuple):
    """What a field may hold."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    example: str = "*/5"

    @property
    def everything(self) -> frozenset[int]:
        """All values."""
        return frozenset(range(self.low, self.high + 1))


class Rule(NamedTuple):
    """A day that depends on the month.

    ``L``: ``number`` days before the last, or the last ``weekday``. ``W``: the working day nearest to day ``number``; 0: the last one.
    ``#``: the ``number``-th ``weekday``.
    """

    sign: str
    number: int = 0
    weekday: int = -1


class Field(NamedTuple):
    """A field as it was understood."""

    values: frozenset[int]
    rules: frozenset[Rule] = frozenset()


DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
MINUTE = FieldKind("minute", 0, 59, example="*/15")
HOUR = FieldKind("hour", 0, 23, example="8-17")
DAY_OF_WEEK = FieldKind("day_of_week", 0, 6, DAYS, example="mon-fri")
DAY_OF_MONTH = FieldKind("day_of_month", 1, 31, example="1,15")
MONTH_OF_YEAR = FieldKind("month_of_year", 1, 12, MONTHS, example="jan-mar")

NICKNAMES = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_RANGE = re.compile(r"(?P<low>[^-/]+)(?:-(?P<high>[^-/]*))?")


class Source(NamedTuple):
    """Where a field's text stands, for errors: in ``whole`` from ``offset`` on."""

    kind: FieldKind
    whole: str
    offset: int = 0
    told: str = ""

    def refused(self, at: int, length: int, reason: str) -> ParseException:
        """Return the error for a piece of the text."""
        start = self.offset + at
        piece = self.whole[start : start + length]
        shown = self.told or f"crontab({self.kind.name}={self.whole!r})"
        field = f" ({self.kind.name})" if self.told else ""
        return ParseException(f"{shown}: position {start + 1}{field}, {piece!r}: {reason}")


def read_field(kind: FieldKind, spec: object) -> Field:
    """Return what a field says; ParseException when it cannot be read, TypeError when it is nothing of the sort."""
    if isinstance(spec, (bool, bytes, dict)):
        raise _mistyped(kind, spec)
    if isinstance(spec, str):
        return _read_alone(kind, spec)
    if isinstance(spec, numbers.Integral):
        if int(spec) < 0:
            raise ParseException(f"crontab({kind.name}={spec}): {kind.name} goes from {kind.low} to {kind.high}")
        return _read_alone(kind, str(spec))
    if isinstance(spec, Iterable):
        parts = [read_field(kind, part) for part in spec]
        if not parts:
            raise ParseException(f"crontab({kind.name}={spec!r}) is empty, so it would never run: write '*', or leave {kind.name} out")
        return Field(frozenset().union(*(part.values for part in parts)), frozenset().union(*(part.rules for part in parts)))
    raise _mistyped(kind, spec)


@lru_cache(maxsize=4096)
def _read_alone(kind: FieldKind, text: str) -> Field:
    return read_text(Source(kind, text), text)


def _mistyped(kind: FieldKind, spec: object) -> TypeError:
    shown = type(spec).__name__
    return TypeError(f"crontab({kind.name}={spec!r}) is of type {shown}: give an int, text such as {kind.example!r}, or a list or set of them")


def read_text(source: Source, text: str) -> Field:
    """Return what a field's text says."""
    values: set[int] = set()
    rules: set[Rule] = set()
    at = 0
    for part in text.split(","):
        inner = part.strip()
        begin = at + len(part) - len(part.lstrip())
        if not inner:
            reason = "there is nothing between commas; remove one" if "," in text else f"it is empty; write '*' for every {source.kind.name}"
            raise source.refused(at, max(1, len(part)), reason)
        rule = _rule(source, inner, begin)
        if rule is not None:
            rules.add(rule)
        else:
            values.update(_values(source, inner, begin))
        at += len(part) + 1
    return Field(frozenset(values), frozenset(rules))


def split_cron(text: str) -> tuple[Source, ...]:
    """Return the five fields of a cron line, in cron's order; each source's ``whole`` is the line."""
    line = text.strip()
    told = f"cron string {text!r}"
    if line.startswith("@"):
        if line.lower() not in NICKNAMES:
            hint = "here nothing boots; call the task from the signal worker_ready" if line.lower() == "@reboot" else "not known"
            raise ParseException(f"{told}: position 1, {line!r}: {hint}; there are {', '.join(NICKNAMES)}")
        line = NICKNAMES[line.lower()]
    fields = list(re.finditer(r"\S+", line))
    if len(fields) != 5:
        hint = "; seconds and years are not part of it: use schedule(seconds) for less than a minute" if len(fields) > 5 else ""
        remedy = "write minute, hour, day of month, month and day of week, such as '30 4 * * mon-fri'"
        raise ParseException(f"{told} has {len(fields)} fields instead of 5: {remedy}{hint}")
    kinds = (MINUTE, HOUR, DAY_OF_MONTH, MONTH_OF_YEAR, DAY_OF_WEEK)
    return tuple(Source(kind, line, field.start(), told) for kind, field in zip(kinds, fields))


def _values(source: Source, part: str, at: int) -> list[int]:
    body, slash, step_text = part.partition("/")
    step = _step(source, step_text, at + len(body) + 1) if slash else 1
    if body == "*":
        return sorted(source.kind.everything)[::step]
    matched = _RANGE.fullmatch(body)
    if matched is None:
        raise source.refused(at, len(part), _unreadable(source.kind))
    low = _number(source, matched["low"], at)
    if matched["high"] is None:
        if slash:
            remedy = f"write '{body}-{source.kind.high}/{step_text}' or '*/{step_text}'"
            raise source.refused(at, len(part), f"a step needs a range to step through; {remedy}")
        return [low % 7 if source.kind is DAY_OF_WEEK else low]
    high = _number(source, matched["high"], at + matched.start("high"))
    return _span(source.kind, low, high)[::step]


def _span(kind: FieldKind, low: int, high: int) -> list[int]:
    if kind is DAY_OF_WEEK:
        # Sunday is 0, and 7 as well: "5-7" ends with it, "7-2" begins with it.
        low = 0 if low == 7 and high != 7 else low
    span = list(range(low, high + 1)) if low <= high else [*range(low, kind.high + 1), *range(kind.low, high + 1)]
    return [number % 7 for number in span] if kind is DAY_OF_WEEK else span


def _step(source: Source, text: str, at: int) -> int:
    if not re.fullmatch(r"[0-9]+", text):
        raise source.refused(at if text else at - 1, max(1, len(text)), f"a step has to be a number, as in {source.kind.example!r} or '*/2'")
    if int(text) == 0:
        raise source.refused(at, len(text), f"a step has to be 1 or more, as in {source.kind.example!r} or '*/2'")
    return int(text)


def _number(source: Source, text: str, at: int) -> int:
    kind = source.kind
    if re.fullmatch(r"[0-9]+", text):
        number = int(text)
        highest = 7 if kind is DAY_OF_WEEK else kind.high
        if not kind.low <= number <= highest:
            raise source.refused(at, len(text), f"{kind.name} goes from {kind.low} to {kind.high}")
        return number
    word = text.lower()
    if len(word) >= 3:
        for number, name in enumerate(kind.names, kind.low):
            if name.startswith(word):
                return number
    raise source.refused(at, max(1, len(text)), _unreadable(kind))


def _unreadable(kind: FieldKind) -> str:
    names = f", a name such as {kind.names[1][:3]!r}" if kind.names else ""
    return f"not a value of {kind.name}; write a number from {kind.low} to {kind.high}{names}, a range or a list, such as {kind.example!r}"


def _rule(source: Source, part: str, at: int) -> Rule | None:
    """Return the rule that a part is, or None when it is none."""
    kind = source.kind
    if part == "?":
        raise source.refused(at, 1, "'?' is for other schedulers; write '*'")
    if kind is DAY_OF_MONTH:
        return _rule_of_month(source, part.upper(), at)
    if kind is DAY_OF_WEEK:
        return _rule_of_week(source, part, at)
    signs = re.search(r"(?<![a-zA-Z])[LW](?![a-zA-Z])|#", part.upper())
    if signs is not None:
        raise source.refused(at + signs.start(), 1, f"{signs[0]!r} belongs into day_of_month or day_of_week, not into {kind.name}")
    return None


def _rule_of_month(source: Source, part: str, at: int) -> Rule | None:
    if part == "L":
        return Rule("L")
    if part in ("LW", "WL"):
        return Rule("W")
    if matched := re.fullmatch(r"L-([0-9]+)", part):
        if not 1 <= int(matched[1]) <= 30:
            raise source.refused(at + 2, len(matched[1]), "so many days before the last one: from 1 to 30")
        return Rule("L", int(matched[1]))
    if matched := re.fullmatch(r"([0-9]+)W", part):
        return Rule("W", _number(source, matched[1], at))
    if "#" in part or re.fullmatch(r"[0-9]+L", part):
        raise source.refused(at, len(part), "this form is for day_of_week: 'mon#2' is the second Monday, '5L' the last Friday")
    return None


def _rule_of_week(source: Source, part: str, at: int) -> Rule | None:
    body, sign, count = part.partition("#")
    if sign:
        weekday = _number(source, body, at) % 7
        if not re.fullmatch(r"[1-5]", count):
            where = at + len(body) + 1 if count else at + len(body)
            raise source.refused(where, max(1, len(count)), "after '#' goes which one of the month, 1 to 5, as in 'mon#2'")
        return Rule("#", int(count), weekday)
    if part.upper() == "L":
        raise source.refused(at, 1, "the last what? write 'friL' or '5L' for the last Friday; the last day of the month is day_of_month='L'")
    if re.fullmatch(r"(?:[0-9]+|[a-zA-Z]{3,})[lL]", part) and part.lower() not in DAYS:
        return Rule("L", 0, _number(source, part[:-1], at) % 7)
    if re.fullmatch(r"[0-9]+[wW]", part):
        raise source.refused(at, len(part), "'W' belongs into day_of_month: '15W' is the working day nearest to the 15th")
    return None
