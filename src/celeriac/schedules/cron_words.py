"""A crontab in words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from celeriac.schedules.cron_calendar import Fields
from celeriac.schedules.cron_grammar import DAY_OF_MONTH, DAY_OF_WEEK, DAYS, HOUR, MINUTE, MONTH_OF_YEAR, MONTHS, Field, Rule

_Naming = Callable[[int], str]
_FEW_TIMES = 6
_ORDINALS = ("zeroth", "first", "second", "third", "fourth", "fifth")


def describe(fields: Fields) -> str:
    """Return when a crontab runs, such as ``at 04:00 and 16:00, on Monday to Friday, in January``."""
    return ", ".join(part for part in (_times(fields.minute, fields.hour), _days(fields), _months(fields.month_of_year)) if part)


def _times(minute: Field, hour: Field) -> str:
    minutes, hours = sorted(minute.values), sorted(hour.values)
    every_hour = hour.values == HOUR.everything
    if not every_hour and len(minutes) * len(hours) <= _FEW_TIMES:
        return f"at {_listed([f'{h:02}:{m:02}' for h in hours for m in minutes])}"
    stepped = _stepped(minutes, 60)
    if minute.values == MINUTE.everything:
        words = "every minute"
    elif stepped and len(minutes) > 1:
        words = f"every {stepped} minutes"
    else:
        words = f"at minute{'s' * (len(minutes) > 1)} {_ranges(minutes, str)}"
        words += " of every hour" if every_hour else ""
    return words if every_hour else f"{words}, {_hours(hours)}"


def _hours(hours: Sequence[int]) -> str:
    stepped = _stepped(hours, 24)
    if stepped and len(hours) > _FEW_TIMES / 2:
        return f"in every {_ordinal(stepped)} hour from 00:00 on"
    runs = _runs(hours)
    if len(runs) > _FEW_TIMES / 2:
        return f"in the hours {_ranges(hours, str)}"
    return f"from {_listed([f'{first:02}:00 to {last:02}:59' for first, last in runs])}"


def _stepped(values: Sequence[int], size: int) -> int:
    """Return the step of values that fill the whole circle evenly, or 0."""
    step = size // len(values)
    return step if list(values) == list(range(0, size, step)) and size % step == 0 else 0


def _days(fields: Fields) -> str:
    month, week = _days_of_month(fields.day_of_month), _days_of_week(fields.day_of_week)
    return f"{month} if that is {week.removeprefix('on ')}" if month and week else month or week


def _days_of_month(field: Field) -> str:
    if field.values == DAY_OF_MONTH.everything:
        return ""
    parts = [f"day{'s' * (len(field.values) > 1)} {_ranges(sorted(field.values), str)} of the month"] if field.values else []
    return f"on {_listed([*parts, *map(_rule_of_month, sorted(field.rules))])}"


def _rule_of_month(rule: Rule) -> str:
    if rule.sign == "W":
        return f"the working day nearest to day {rule.number}" if rule.number else "the last working day of the month"
    if not rule.number:
        return "the last day of the month"
    return f"the day {rule.number} day{'s' * (rule.number > 1)} before the last of the month"


def _days_of_week(field: Field) -> str:
    if field.values == DAY_OF_WEEK.everything:
        return ""
    # Monday first, as people read a week: Sunday is 7 here.
    numbers = sorted(value or 7 for value in field.values)
    parts = [_ranges(numbers, lambda number: DAYS[number % 7].title())] if numbers else []
    return f"on {_listed([*parts, *map(_rule_of_week, sorted(field.rules))])}"


def _rule_of_week(rule: Rule) -> str:
    which = "last" if rule.sign == "L" else _ORDINALS[rule.number]
    return f"the {which} {DAYS[rule.weekday].title()} of the month"


def _months(field: Field) -> str:
    if field.values == MONTH_OF_YEAR.everything:
        return ""
    return f"in {_ranges(sorted(field.values), lambda number: MONTHS[number - 1].title())}"


def _ranges(values: Sequence[int], name: _Naming) -> str:
    return _listed([name(first) if first == last else f"{name(first)} to {name(last)}" for first, last in _split_pairs(_runs(values))])


def _split_pairs(runs: Collection[tuple[int, int]]) -> list[tuple[int, int]]:
    """Two neighbours are named one by one, not as a range."""
    return [pair for first, last in runs for pair in ([(first, first), (last, last)] if last == first + 1 else [(first, last)])]


def _runs(values: Sequence[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for value in values:
        if found and found[-1][1] == value - 1:
            found[-1] = (found[-1][0], value)
        else:
            found.append((value, value))
    return found


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
