"""Chords whose parts no store counts: each has a queue of its own, in which the server keeps what is finished (see ``chord_queue``)."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from celeriac.drivers.rabbitmq.chord_desk import Busy, Desk, Reading
from celeriac.drivers.rabbitmq.chord_queue import (
    DONE,
    LOOKS,
    SENT,
    Look,
    announced,
    groups_of,
    look_message,
    looks_for,
    mark,
    part_message,
    queue_of,
    read_look,
    size_message,
)
from celeriac.drivers.rabbitmq.errors import PRECONDITION, ChannelClosed, of_closed
from celeriac.drivers.rabbitmq.letters import Peek
from celeriac.drivers.rabbitmq.link import Link
from celeriac.drivers.rabbitmq.publishing import PublishingChannel
from celeriac.drivers.rabbitmq.session import Session
from celeriac.drivers.rabbitmq.topology import Admin, Definitions, arguments_of
from celeriac.lib.signpost import reach
from celeriac.model.envelope import Outgoing
from celeriac.model.errors import OperationalError
from celeriac.model.record import ChordPart, DueChord
from celeriac.model.topology import Queue

T = TypeVar("T")
Send = Callable[[Sequence[Outgoing]], None]
Prepare = Callable[[Sequence[Outgoing]], list[Outgoing] | None]

MOST = 10_000
"""Chords about which a process remembers something that spares work."""
_NEVER = 1 << 60
_AGAIN, _PATIENCE = 0.002, 10.0
"""Seconds: how often, and for how long, somebody waits for a queue that somebody else reads."""


class Answers(PublishingChannel):
    """A connection by which results and parts of chords are sent."""

    def __init__(self, link: Link) -> None:
        super().__init__(link, confirm=True)
        self.admin = Admin(link, Definitions())


class Recent:
    """The last so many groups of which something is known."""

    def __init__(self, most: int = MOST) -> None:
        self._known: OrderedDict[str, int] = OrderedDict()
        self._most = most

    def get(self, group: str) -> int:
        """Return what is known, 0 for nothing."""
        return self._known.get(group, 0)

    def note(self, group: str, value: int) -> None:
        """Remember something."""
        self._known[group] = value
        self._known.move_to_end(group)
        if len(self._known) > self._most:
            self._known.popitem(last=False)


class Chords:
    """The chords of one virtual host, as one process sees them. ``expires``: seconds for which a queue that nobody uses is kept."""

    def __init__(
        self, answers: Session[Answers], open_desk: Callable[[], Link], *, expires: float, space: str, now: Callable[[], float] = time.time
    ) -> None:
        self.expires = expires
        self.looks = LOOKS + space
        self.desk: Session[Desk] = Session(open_desk, Desk)
        self._answers = answers
        self._now = now
        self._desk_in_use = threading.RLock()
        self._told, self._opened, self._need = Recent(), Recent(), Recent()

    def close(self) -> None:
        """Close the connection that only chords need."""
        self.desk.close()

    @contextmanager
    def _at_desk(self) -> Iterator[Desk]:
        """Have this process's desk; the thread that finishes chords has one of its own."""
        with self._desk_in_use:
            yield self.desk.get()

    # who sends a chord

    def begin(self, group: str, size: int, ttl: float | None) -> None:
        """Make a chord's queue; with its ``size``, or 0 when that is told later."""
        answers = self._answers.get()
        opened = bool(self._opened.get(group))
        # What was opened may be over by now: one of its parts has failed.
        fresh = not opened and self._make(answers.admin, queue_of(group), ttl or self.expires, stream=not size)
        if not size:
            self._opened.note(group, 1)
        elif not fresh:
            # Those that are there already do not know it; those that are sent now do.
            answers.publish([size_message(group, size)])

    def _make(self, admin: Admin, name: str, expires: float, *, stream: bool = False) -> bool:
        """Make a queue; say whether there is nothing in it."""
        try:
            wanted = Queue(name, expires=expires, max_priority=1 if stream else None)
            return not admin.call("queue.declare", 0, name, False, True, False, False, False, arguments_of(wanted))[1]
        except ChannelClosed as error:
            # Somebody whose settings differ was first: it serves as well.
            if error.code != PRECONDITION:
                raise of_closed(error) from error
            return False

    # who finishes parts

    def tell(self, parts: Sequence[ChordPart]) -> None:
        """Write parts, and that somebody ought to look; on return the server has them. Parts of chords that are over are dropped."""
        answers = self._answers.get()
        news = {part.group for part in parts if not self._told.get(part.group)}
        outgoing = []
        for part in parts:
            outgoing.append(part_message(part, tell=part.group in news or part.failed))
        returned = answers.publish([*outgoing, *(look_message(look, self.looks) for look in looks_for(parts))])
        for group in news:
            self._told.note(group, 1)
        if returned:
            self._tell_again(answers, parts, returned)

    def _tell_again(self, answers: Answers, parts: Sequence[ChordPart], returned: Sequence[Outgoing]) -> None:
        absent, now = groups_of(returned), self._now()
        lost = [part for part in parts if queue_of(part.group) in absent and not announced(part.group, now, part.ttl or self.expires)]
        for part in {part.group: part for part in lost}.values():
            self._make(answers.admin, queue_of(part.group), part.ttl or self.expires, stream=not part.size)
        looks = [message for message in returned if message.routing_key == self.looks]
        if looks:
            self.make_looks(answers.admin)
        if lost or looks:
            again = [look_message(look, self.looks) for look in looks_for(lost)]
            answers.publish([*(part_message(part, tell=True) for part in lost), *looks, *again])

    def make_looks(self, admin: Admin) -> None:
        """Make the queue of looks."""
        self._make(admin, self.looks, self.expires)

    # who looks

    def open(self, group: str) -> bool:
        """Say whether a chord that was looked at may still want looking at."""
        return self._need.get(group) != _NEVER

    @contextmanager
    def looking(self, desk: Desk, look: Look) -> Iterator[tuple[Reading, DueChord] | None]:
        """Look at a chord; when it is due, have its queue to oneself meanwhile. Raises Busy when somebody else has it."""
        again = look
        while self._worth_reading(desk, again):
            with desk.reading(look.group) as reading:
                due = None if reading is None else self._due(reading, look)
                if reading is not None and due is not None:
                    yield reading, due
                    return
            # While this one had the queue, and while the server put back what it had read, others saw too little and went: look for them too.
            again = look.replace(failed=False)
        yield None

    def _worth_reading(self, desk: Desk, look: Look) -> bool:
        if look.failed:
            return True
        need = self._need.get(look.group) or look.size
        if not need:
            told = self._size(desk, look.group)
            need = told and told + 1
        self._need.note(look.group, need)
        measured = desk.admin.measure(queue_of(look.group))
        if measured is None:
            if self._announced(look.group):
                self._need.note(look.group, _NEVER)
            return False
        ready, readers = measured
        if readers:
            raise Busy
        # Of a chord without a size nobody has told it yet: whoever does is heard before its last parts are sent.
        return bool(need) and ready >= need

    def _size(self, desk: Desk, group: str) -> int:
        with desk.reading(group, head=True) as reading:
            return 0 if reading is None else reading.contents.size

    def _due(self, reading: Reading, look: Look) -> DueChord | None:
        contents = reading.contents
        if contents.over:
            self._need.note(look.group, _NEVER)
            if contents.done and self._announced(look.group):
                reading.delete()
            return None
        due = contents.due(look.size)
        if due is None:
            missing = contents.missing(look.size)
            self._need.note(look.group, 0 if missing is None else contents.count + missing)
        return due

    def _announced(self, group: str) -> bool:
        return announced(group, self._now(), self.expires)

    # who finishes chords

    def finish(self, reading: Reading, last: Sequence[Outgoing], send: Send) -> None:
        """Send what finishes a chord, once. What no queue takes goes by ``send``."""
        group = reading.contents.group
        returned = reading.commit([*last, mark(SENT, group, durable=False)])
        reach("chord.sent")
        if returned:
            send(returned)
        self._need.note(group, _NEVER)

    def once(self, group: str, outgoing: Sequence[Outgoing], prepare: Prepare, send: Send) -> None:
        """Send what follows from a finished chord, unless that has been done; ``prepare`` makes messages ready for the wire, if it can."""
        _patiently(group, partial(self._send_once, group, outgoing, prepare, send))

    def _send_once(self, group: str, outgoing: Sequence[Outgoing], prepare: Prepare, send: Send) -> None:
        with self._at_desk() as desk, desk.reading(group) as reading:
            if reading is None:
                if not self._announced(group):
                    send(outgoing)
                return
            if not reading.contents.done:
                ready = prepare(outgoing)
                if ready is None:
                    send(outgoing)
                returned = reading.commit([*(ready or ()), mark(DONE, group, durable=False)])
                reach("chord.body_sent")
                if returned:
                    send(returned)
            self._end(reading)

    def _end(self, reading: Reading) -> None:
        group = reading.contents.group
        self._need.note(group, _NEVER)
        if self._announced(group):
            reading.delete()
        else:
            reading.commit([mark(DONE, group, durable=True)], settle=True)

    # where somebody else sends the bodies

    def count(self, parts: Sequence[ChordPart]) -> list[DueChord]:
        """Write parts; return the chords that are due and not done."""
        self.tell(parts)
        found = []
        for look in looks_for(parts):
            mine = {part.index for part in parts if part.group == look.group}
            found += _patiently(look.group, partial(self._count, look, mine))
        return found

    def _count(self, look: Look, mine: Collection[int]) -> list[DueChord]:
        with self._at_desk() as desk, self.looking(desk, look) as seen:
            return [seen[1]] if seen is not None and seen[0].contents.falls_to(mine, look.size) else []

    def done(self, groups: Collection[str]) -> None:
        """What finishes these chords has been sent, and what follows."""
        for group in groups:
            self.once(group, (), list, lambda _: None)

    def due(self, limit: int) -> list[DueChord]:
        """Return chords that are due and not done, by the looks that wait; those of others are answered by it."""
        with self._at_desk() as desk:
            return self._all_due(desk, limit) if desk.admin.count(self.looks) else []

    def _all_due(self, desk: Desk, limit: int) -> list[DueChord]:
        found: dict[str, DueChord] = {}
        peek = Peek(desk.link, self.looks)
        try:
            for tag, envelope in peek.messages():
                look = read_look(envelope)
                if look is None or look.group in found or not self._keep(desk, look, found):
                    peek.take(tag)
                if len(found) >= limit:
                    break
        finally:
            peek.close()
        self._await_looks(desk, len(found))
        return list(found.values())

    def _await_looks(self, desk: Desk, count: int) -> None:
        """Return when the looks that went back are there again, unless others have them: the server takes a moment for it."""
        deadline = time.monotonic() + 1.0
        while (desk.admin.count(self.looks) or 0) < count and time.monotonic() < deadline:
            time.sleep(_AGAIN)

    def _keep(self, desk: Desk, look: Look, found: dict[str, DueChord]) -> bool:
        """Say whether a look has to be made again; note the chord if it is due."""
        try:
            with self.looking(desk, look) as seen:
                if seen is not None:
                    found[look.group] = seen[1]
                return seen is not None
        except Busy:
            return True


def _patiently(group: str, act: Callable[[], T]) -> T:
    """Do something with a chord's queue as soon as nobody else has it."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return act()
        except Busy:
            if time.monotonic() > deadline:
                raise OperationalError(f"The queue of the chord {group} is being read by somebody else for too long") from None
            time.sleep(_AGAIN)
