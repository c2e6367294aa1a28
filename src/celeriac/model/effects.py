"""Everything that follows from one delivery, as data. The engine decides, the settler acts."""

from __future__ import annotations

from contextvars import Context
from enum import IntEnum
from typing import Any

from celeriac.lib.value import Value
from celeriac.model.envelope import Delivery, Outgoing, Settlement
from celeriac.model.event import Event
from celeriac.model.outcome import Lost
from celeriac.model.plan import Plan
from celeriac.model.record import ChordPart, ResultMeta, ResultRecord


class ChordShare(Value, frozen=True):
    """A finished part of a chord, not yet encoded. ``size`` 0: its message does not tell, the store was told."""

    group: str
    index: int
    size: int
    failed: bool = False
    task_id: str = ""
    state: str = "SUCCESS"
    result: Any = None
    body: Any = None
    """The signature of the chord's body, as the part's message brought it."""
    queue: str = ""
    """Where the part's message came from: workers of ours read it, so that is where the chord is finished."""
    priority: int = 0
    root_id: str | None = None
    more: int = 0
    """How many parts this one has added to its chord."""


class Ending(IntEnum):
    """How a delivery ended, for those who count."""

    NONE = 0
    """It has not: it goes back, or is only concluded in part."""
    SUCCEEDED = 1
    FAILED = 2
    RETRIED = 3
    REJECTED = 4
    REVOKED = 5
    """Expired ones too."""
    IGNORED = 6
    """The task wanted no state, or put another workflow in its place."""


class Effects(Value, frozen=True):
    """What the engine decided."""

    settlement: Settlement | None = None
    result: ResultMeta | None = None
    plans: tuple[Plan, ...] = ()
    chord: ChordShare | None = None
    events: tuple[Event, ...] = ()
    more: tuple[ResultMeta, ...] = ()
    """Results of tasks that will not run because this one failed."""
    ending: Ending = Ending.NONE
    context: Context | None = None
    """The context variables with which receivers of publish signals are called; None for those of whoever encodes."""
    once: str = ""
    """The chord whose end this is: what follows from it is sent once, by settlers that can tell."""


class Writes(Value, frozen=True):
    """The same, encoded for drivers: this is what crosses from a task process to the consumer."""

    settlement: Settlement | None = None
    records: tuple[ResultRecord, ...] = ()
    publish: tuple[Outgoing, ...] = ()
    part: ChordPart | None = None
    events: tuple[Event, ...] = ()
    ending: Ending = Ending.NONE
    once: str = ""


class Job(Value, frozen=True):
    """A delivery that is to be run, on its way to a task process."""

    delivery: Delivery
    received: float
    """Epoch seconds at which the consumer had it."""
    acked: bool = False
    """Whether its message has been acknowledged already (early ack)."""
    hostname: str = ""
    lost: Lost | None = None
    """Set when an earlier process died with it: it is to be concluded, not run."""
    watched: bool = False
    """Whether events tell what becomes of it."""
    begun: bool = False
    """Whether the broker remembers an acknowledged one as begun, so that its end has to be told."""
