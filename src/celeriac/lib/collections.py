"""Containers: sets that forget, dicts as objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class LimitedSet:
    """A set that keeps at most ``maxlen`` items and each for ``expires`` seconds; at least ``minlen`` stay, however old; 0 means no bound."""

    def __init__(
        self, maxlen: int = 0, expires: float = 0, data: Iterable[Any] | None = None, minlen: int = 0, now: Callable[[], float] = time.time
    ) -> None:
        if maxlen < 0 or minlen < 0 or expires < 0 or (maxlen and minlen > maxlen):
            raise ValueError("maxlen, minlen and expires are 0 or more, and minlen is at most maxlen")
        self.maxlen, self.minlen, self.expires = maxlen, minlen, expires
        self._now = now
        self._times: dict[Any, float] = {}
        self.update(data or ())

    def add(self, item: Any, now: float | None = None) -> None:
        """Add an item, or make it new again."""
        when = self._now() if now is None else now
        self._times.pop(item, None)
        late = bool(self._times) and when < next(reversed(self._times.values()))
        self._times[item] = when
        if late:
            # The dict is kept in the order of time, so that the oldest is found at once.
            self._times = dict(sorted(self._times.items(), key=lambda pair: pair[1]))
        self.purge()

    def update(self, other: Any) -> None:
        """Add what another such set, a mapping of item to time, or an iterable holds."""
        if isinstance(other, LimitedSet):
            other = other.as_dict()
        pairs = other.items() if isinstance(other, dict) else ((item, self._now()) for item in other)
        for item, when in sorted(pairs, key=lambda pair: pair[1]):
            if when >= self._times.get(item, when):
                self.add(item, when)

    def discard(self, item: Any) -> None:
        """Remove an item if it is there."""
        self._times.pop(item, None)

    pop_value = discard

    def pop(self, default: Any = None) -> Any:
        """Remove and return the oldest item."""
        item = self._oldest()
        if item is None:
            return default
        del self._times[item]
        return item

    def purge(self, limit: int | None = None, offset: float = 0, now: float | None = None) -> None:
        """Remove what is too much or too old."""
        now = self._now() if now is None else now
        while self.maxlen and len(self._times) > self.maxlen:
            self.pop()
        while self.expires and len(self._times) > self.minlen and self._times[self._oldest()] + self.expires <= now:
            self.pop()

    def clear(self) -> None:
        """Remove everything."""
        self._times.clear()

    def as_dict(self) -> dict[Any, float]:
        """Return the items with the times (epoch seconds) at which they were added."""
        return dict(self._times)

    def _oldest(self) -> Any:
        return next(iter(self._times), None)

    def __contains__(self, item: object) -> bool:
        return item in self._times

    def __iter__(self) -> Iterator[Any]:
        return iter(self._times)

    def __len__(self) -> int:
        return len(self._times)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LimitedSet) and self._times == other._times

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<LimitedSet: {len(self)} items, at most {self.maxlen or 'any number'}, for {self.expires or 'any number of'} seconds>"


class AttributeDict(dict[str, Any]):
    """A dict whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class Bunch:
    """An object with the attributes that it is given."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


def force_mapping(m: Any) -> Any:
    """Return a mapping: a dict as it is, an object as its attributes."""
    return m if hasattr(m, "keys") else dict(vars(m))
