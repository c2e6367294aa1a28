"""How long a worker's lease is: short while it may hold something, long while it is idle.

A short one has to be renewed every few seconds, so that what a dead worker held comes back soon. A worker that holds nothing would do that for
nobody. The first message that arrives makes its lease short again, before the message is handed out.
"""

from __future__ import annotations

import random
import threading
import time

IDLE = 6.0
"""An idle lease is so many times as long."""
_LONGEST, _ALONE, _FEW, _EACH = 5.0, 2.0, 1.1, 0.25
"""How many leases lie between two renewals of one that is idle: at most; where there is no other; at least; for each worker that there is. With
each comes a look after the others: one that dies is noticed by anybody's first look at its short lease, which is followed closely from then on.
One that is alone is told when it is so no more (``waiting``)."""
_QUIET = 0.2
"""Nothing was taken for so many leases: a lease may become long."""


class Lease:
    """What one owner knows of its lease; changed by any thread."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.long = False
        self.crowd = 1
        """How many owners there are, as was counted last."""
        self._lock = threading.Lock()
        self._ends = float("inf")
        self._touched = 0
        self._touched_at = time.monotonic()
        self._next = 0.0
        self._chance = random.Random()

    @property
    def lapsed(self) -> bool:
        """Whether it may have run out."""
        return time.monotonic() >= self._ends

    def touch(self) -> None:
        """Its owner takes something: the lease is to be a short one."""
        with self._lock:
            self.long = False
            self._touched += 1
            self._touched_at = time.monotonic()

    def shortened(self, begun: float) -> None:
        """The same, and it was written after ``begun``."""
        self.touch()
        self._ends = begun + self.seconds

    @property
    def quiet(self) -> bool:
        """Whether it may become long (or stay so) if nothing is held: nothing was taken for some time."""
        return self.long or time.monotonic() - self._touched_at > _QUIET * self.seconds

    @property
    def touched(self) -> int:
        """Grows whenever something is taken."""
        return self._touched

    @property
    def due(self) -> bool:
        """Whether it is time to renew it."""
        return not self.long or time.monotonic() >= self._next

    def renewed(self, begun: float, touched: int, *, long: bool) -> bool:
        """Note that it was renewed; False when something was taken meanwhile by an owner that was thought to be idle: it has to be made short."""
        with self._lock:
            if long and touched != self._touched:
                return False
            self.long = long
            self._ends = begun + (IDLE if long else 1.0) * self.seconds
            if long:
                apart = (_ALONE if self.crowd <= 1 else min(max(_FEW, _EACH * self.crowd), _LONGEST)) * self.seconds
                self._next = begun + apart * self._chance.uniform(0.85, 1.0)
            return True

    def joined(self) -> None:
        """There are others: one that was alone looks again soon."""
        if self.crowd <= 1:
            self.follow()

    def follow(self) -> None:
        """Look again soon: somebody holds something."""
        with self._lock:
            self._next = 0.0
