"""Who of the schedulers fires: the lead is a lease, and every change of leader has a fencing token."""

from __future__ import annotations

from celeriac.contracts.schedule_store import ScheduleStore
from celeriac.lib.clock import Clock

STANDBY_LOOKS = 8
"""Looks at the lead that a scheduler in waiting takes within the length of a lease."""


class Leadership:
    """One candidate. ``lease`` is in seconds; it is renewed after a third of it."""

    def __init__(self, store: ScheduleStore, candidate: str, lease: float, clock: Clock) -> None:
        self.candidate = candidate
        self.token: int | None = None
        self._store = store
        self._lease = lease
        self._clock = clock
        self._renewed = float("-inf")

    @property
    def renewal(self) -> float:
        """Seconds until the lead has to be renewed, or asked for again."""
        pause = self._lease / (3 if self.token is not None else STANDBY_LOOKS)
        return max(0.0, self._renewed + pause - self._clock.monotonic())

    def keep(self) -> bool:
        """Take or renew the lead when it is time; return whether it was won just now."""
        if self.renewal > 0:
            return False
        before = self.token
        asked = self._clock.monotonic()
        self.token = self._store.lead(self.candidate, self._lease)
        self._renewed = asked
        return self.token is not None and self.token != before

    def doubt(self) -> None:
        """Ask the store at the next turn: it refused to fire, so somebody else may lead."""
        self._renewed = float("-inf")

    def resign(self) -> None:
        """Let another one take over at once."""
        if self.token is not None:
            self.token = None
            self._store.resign(self.candidate)
