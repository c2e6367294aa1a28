"""How often tasks may start in one worker. Pure: time is an argument (epoch seconds).

A task's starts are spaced as its rate says. What comes too early gets an appointment: it goes back to the broker, which holds it until
then, so it occupies nothing here and holds nobody back. Appointments are made for the next moment only (``AHEAD``), so that a changed
rate is soon in force; who comes when that is full is asked to come again later, so many a second and no more, however many wait.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

AHEAD = 1.0
"""Seconds for which appointments are made."""

_CALLS = 200.0
"""How many messages a second are asked to come again, of those that got no appointment; more where the rate is higher."""

_LATEST = 120.0
"""Seconds after which everybody is asked to come again."""

_SLACK = 0.015
"""Seconds by which a start may make up for one that came late."""

_MISSED = 0.01
"""Seconds after which an appointment that was not kept is given up: another worker has the message."""

_LEARNING = 0.1
_LEAST_KEPT = 0.2
_LEAST_GRANTED = 0.02

_KEYS = 10_000
"""The most keys of a task whose appointments are remembered."""

WORKER = "worker"
CLUSTER = "cluster"

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def per_second(rate: Any) -> float:
    """Return a rate limit ("10/s", "100/m", "5/h", a number for each second) as starts per second; 0.0 for none.

    ``ValueError`` says what is wrong with another.
    """
    if rate is None or rate == "":
        return 0.0
    if isinstance(rate, int | float):
        return float(rate)
    number, slash, unit = str(rate).partition("/")
    if slash and unit.strip() not in _SECONDS:
        raise ValueError(f"a rate limit is a number with /s, /m or /h, not {rate!r}")
    try:
        return float(number) / _SECONDS[unit.strip() or "s"]
    except ValueError:
        raise ValueError(f"a rate limit is a number with /s, /m or /h, not {rate!r}") from None


class Limiter:
    """The starts of one task, or of one key of a task.

    ``store`` takes a start where those of all workers are counted: None when it may be now, else when the next may be (epoch seconds).
    """

    def __init__(self, rate: float, store: Callable[[float, float], float | None] | None = None) -> None:
        self.rate = rate
        self._store = store
        self._space = 1.0 / rate
        self._next = 0.0
        self._appointments: OrderedDict[str, float] = OrderedDict()
        self._last_appointment = 0.0
        self._kept = 1.0
        """Which part of the appointments is kept: where several workers share a queue, others get some of those who come back."""
        self._granted = 1.0
        """Which part of those who keep an appointment may start: where all workers share a rate, others take some of the starts."""
        self._last_call = 0.0

    def ask(self, id: str, now: float) -> float | None:
        """Return None when the task with this id may start now, else when to ask again."""
        agreed = self._appointments.pop(id, None)
        if agreed is not None:
            self._kept += (1.0 - self._kept) * _LEARNING
        self._give_up_missed(now)
        if now >= self._next - 0.0005 and (agreed is not None or not self._somebody_due(now)):
            if self._take(now):
                self._granted += (1.0 - self._granted) * _LEARNING
                return None
            if agreed is not None:
                self._granted = max(_LEAST_GRANTED, self._granted * (1.0 - _LEARNING))
        return self._appointment(id, now)

    def _take(self, now: float) -> bool:
        if self._store is None:
            self._next = max(self._next, now - _SLACK) + self._space
            return True
        later = self._store(self._space, _SLACK)
        self._next = now if later is None else later
        return later is None

    def _somebody_due(self, now: float) -> bool:
        return bool(self._appointments) and next(iter(self._appointments.values())) <= now + 0.001

    def _appointment(self, id: str, now: float) -> float:
        when = max(self._next, self._last_appointment + self._space * self._kept / self._granted, now + 0.001)
        if when <= now + AHEAD:
            self._appointments[id] = self._last_appointment = when
            return when
        calls = max(_CALLS, 1.5 * self.rate)
        self._last_call = min(max(self._last_call + 1.0 / calls, now + AHEAD), now + _LATEST)
        return self._last_call

    def _give_up_missed(self, now: float) -> None:
        appointments = self._appointments
        while appointments and next(iter(appointments.values())) < now - _MISSED:
            appointments.popitem(last=False)
            self._kept = max(_LEAST_KEPT, self._kept * (1.0 - _LEARNING))
        if not appointments:
            self._last_appointment = min(self._last_appointment, max(self._next - self._space, now - self._space))


Store = Callable[[str, float, float], float | None]
"""Takes a start in the store: by key, space and slack (seconds)."""


class Rule:
    """A task's rate limit: how many starts a second, whose starts are counted together, and by which key."""

    def __init__(self, rate: float, scope: str = WORKER, key: Any = None) -> None:
        self.rate = rate
        self.scope = scope
        self.key = key
        self._limiters: OrderedDict[str, Limiter] = OrderedDict()

    def limiter(self, name: str, store: Store | None) -> Limiter:
        """Return the limiter of a task, or of one key of it."""
        found = self._limiters.get(name)
        if found is None:
            count = store if self.scope == CLUSTER else None
            found = Limiter(self.rate, None if count is None else lambda space, slack: count(name, space, slack))
            self._limiters[name] = found
            if len(self._limiters) > _KEYS:
                self._limiters.popitem(last=False)
        self._limiters.move_to_end(name)
        return found


class RateLimits:
    """The limits of those tasks that have one; used by one thread at a time, changed by any. ``store`` counts for all workers, if it can."""

    def __init__(self, store: Store | None = None) -> None:
        self._rules: dict[str, Rule] = {}
        self.limited = False
        """Whether any task has a limit; asked for every message."""
        self.store = store

    def set(self, task: str, rate: float, scope: str | None = None, key: Any = None) -> None:
        """Limit a task to so many starts a second, 0 for no limit; without a scope, that and the key stay as they are."""
        rules = dict(self._rules)
        before = rules.pop(task, None)
        if scope is None and before is not None:
            scope, key = before.scope, before.key
        rules[task] = Rule(rate, scope or WORKER, key)
        self._rules = rules
        self.limited = any(rule.rate for rule in rules.values())

    def rate(self, task: str) -> float:
        """Return how many starts a second a task may make, 0.0 for any number."""
        found = self._rules.get(task)
        return 0.0 if found is None else found.rate

    def key_of(self, task: str) -> Any:
        """Return what says which starts of a task are counted together, None for all."""
        found = self._rules.get(task)
        return None if found is None or not found.rate else found.key

    def ask(self, task: str, id: str, now: float, key: str | None = None) -> float | None:
        """Return None when a task may start now, else when to ask again (epoch seconds)."""
        rule = self._rules.get(task)
        if rule is None or not rule.rate:
            return None
        return rule.limiter(task if key is None else f"{task}:{key}", self.store).ask(id, now)


def key_text(key: Any, bound: Mapping[str, Any], args: Any, kwargs: Any) -> str:
    """Return the key of one call: ``key`` names one of its arguments (``tenant``, or a part of it: ``order.tenant``), or is called with them."""
    if callable(key):
        return str(key(*args, **kwargs))
    name, *parts = str(key).split(".")
    value: Any = bound.get(name)
    for part in parts:
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
    return str(value)
