"""What a name in memory stands for: one store, shared by all brokers and result backends of this process that were opened by that name."""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from celeriac.contracts.broker import DeadLetter
from celeriac.drivers.routes import Routes
from celeriac.lib.clock import Clock, SystemClock
from celeriac.lib.value import Value
from celeriac.model.envelope import Delivery, Outgoing, Settlement, Tag, Verdict

HIGHEST = 255


class Message(Value, frozen=True):
    """A message in a queue; ``number`` is its age (smaller is older), ``tries`` how often it was handed out before."""

    number: int
    queue: str
    outgoing: Outgoing
    tries: int = 0


class Line:
    """One queue: a line for each priority, and what is not due yet."""

    def __init__(self) -> None:
        self.ready: dict[int, deque[Message]] = {}
        self.delayed: list[tuple[float, int, Message]] = []

    def append(self, message: Message) -> None:
        priority = message.outgoing.priority
        line = self.ready.get(priority)
        if line is None:
            line = self.ready[priority] = deque()
        line.append(message)

    def put_back(self, message: Message) -> None:
        """Put a message before every younger one."""
        line = self.ready.setdefault(message.outgoing.priority, deque())
        younger: list[Message] = []
        while line and line[0].number < message.number:
            younger.append(line.popleft())
        line.appendleft(message)
        line.extendleft(reversed(younger))

    def delay(self, message: Message, due: float) -> None:
        heapq.heappush(self.delayed, (due, message.number, message))

    def promote(self, now: float) -> None:
        while self.delayed and self.delayed[0][0] <= now:
            self.put_back(heapq.heappop(self.delayed)[2])

    def take(self, limit: int) -> Iterator[Message]:
        """Yield up to ``limit`` messages: the highest priority first, the oldest first within it."""
        for priority in sorted(self.ready, reverse=True):
            line = self.ready[priority]
            while line and limit > 0:
                yield line.popleft()
                limit -= 1
            if not line:
                del self.ready[priority]

    def __len__(self) -> int:
        return sum(map(len, self.ready.values())) + len(self.delayed)


class Held(Value, frozen=True):
    """A message in somebody's hands."""

    owner: str
    message: Message


class MessageStore:
    """Queues, deliveries in flight, owners' leases and dead letters. Every method must be called with ``lock`` held."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.arrived = threading.Condition(self.lock)
        self.routes = Routes()
        self.lines: dict[str, Line] = {}
        self.held: dict[Tag, Held] = {}
        self.owners: dict[str, float] = {}
        self.dead: dict[str, tuple[DeadLetter, Message]] = {}
        self.starts: dict[str, float] = {}
        """When the next start of each key may be."""
        self.revoked: dict[str, tuple[float, float]] = {}
        """When each mark was remembered, and until when it is kept."""
        self.schedules: dict[str, Any] = {}
        """The schedules of applications (``schedule_store.Schedule``), by their names."""
        self._numbers = 0

    def line(self, queue: str) -> Line:
        found = self.lines.get(queue)
        if found is None:
            found = self.lines[queue] = Line()
        return found

    def next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def route(self, outgoing: Sequence[Outgoing]) -> list[tuple[str, Outgoing]]:
        """Return which queue gets which message; raises before anything is sent."""
        routed: list[tuple[str, Outgoing]] = []
        for message in outgoing:
            if not 0 <= message.priority <= HIGHEST:
                message = message.replace(priority=min(max(message.priority, 0), HIGHEST))
            if message.exchange:
                routed.extend((queue, message) for queue in self.routes.queues_of(message))
            else:
                routed.append((message.routing_key, message))
        return routed

    def append(self, routed: Iterable[tuple[str, Outgoing]]) -> None:
        now = self.clock.now()
        for queue, outgoing in routed:
            message = Message(self.next_number(), queue, outgoing)
            if outgoing.due is not None and outgoing.due > now:
                self.line(queue).delay(message, outgoing.due)
            else:
                self.line(queue).append(message)
        self.arrived.notify_all()

    def take(self, queue: str, limit: int, owner: str) -> list[Delivery]:
        line = self.lines.get(queue)
        if line is None:
            return []
        if line.delayed:
            line.promote(self.clock.now())
        deliveries = []
        for message in line.take(limit):
            tag = self.next_number()
            self.held[tag] = Held(owner, message)
            deliveries.append(delivery_of(tag, message))
        return deliveries

    def settle(self, settlements: Iterable[Settlement], owner: str) -> None:
        returned = False
        for settlement in settlements:
            held = self.held.get(settlement.tag)
            if held is None or held.owner != owner:
                continue
            del self.held[settlement.tag]
            if settlement.verdict is not Verdict.ACK:
                self._give_back(held.message, settlement)
                returned = True
        if returned:
            self.arrived.notify_all()

    def _give_back(self, message: Message, settlement: Settlement) -> None:
        if not settlement.untouched:
            message = message.replace(tries=message.tries + 1)
        if settlement.verdict is Verdict.REQUEUE:
            self.line(message.queue).put_back(message)
        elif settlement.verdict is Verdict.POSTPONE:
            self.line(message.queue).delay(message, settlement.until or 0.0)
        else:
            key = str(message.number)
            letter = DeadLetter(key, message.queue, message.outgoing.envelope, settlement.reason, self.clock.now())
            self.dead[key] = (letter, message)

    def return_held(self, owners: Collection[str], *, untouched: bool) -> int:
        """Put back what these owners hold; return how many messages."""
        tags = [tag for tag, held in self.held.items() if held.owner in owners]
        for tag in tags:
            message = self.held.pop(tag).message
            self.line(message.queue).put_back(message if untouched else message.replace(tries=message.tries + 1))
        if tags:
            self.arrived.notify_all()
        return len(tags)

    def held_by(self, owner: str) -> list[Delivery]:
        return [delivery_of(tag, held.message) for tag, held in self.held.items() if held.owner == owner]

    def delayed(self, queues: Iterable[str], limit: int) -> list[tuple[float, Delivery]]:
        waiting = [each for queue in queues if (line := self.lines.get(queue)) for each in line.delayed]
        return [(due, delivery_of(number, message)) for due, number, message in heapq.nsmallest(limit, waiting)]

    def remove_delayed(self, ids: Collection[str]) -> list[str]:
        """Throw away the delayed messages of these tasks; return the ids that were found."""
        found: list[str] = []
        for line in self.lines.values():
            gone = [each for each in line.delayed if each[2].outgoing.envelope.task_id in ids]
            if gone:
                found += [str(message.outgoing.envelope.task_id) for _, _, message in gone]
                line.delayed = [each for each in line.delayed if each not in gone]
                heapq.heapify(line.delayed)
        return found

    def start(self, key: str, space: float, slack: float) -> float | None:
        now, later = self.clock.now(), self.starts.get(key, 0.0)
        if later > now + 0.0005:
            return later
        self.starts[key] = max(later, now - slack) + space
        return None

    def remember_revoked(self, marks: Iterable[str], kept: float) -> None:
        now = self.clock.now()
        self.revoked = {mark: (since, until) for mark, (since, until) in self.revoked.items() if until > now}
        self.revoked.update((mark, (now, now + kept)) for mark in marks)

    def revoked_since(self, after: float) -> list[tuple[str, float]]:
        now = self.clock.now()
        found = [(mark, since) for mark, (since, until) in self.revoked.items() if since > after and until > now]
        return sorted(found, key=lambda each: each[1])

    def next_due(self, queues: Iterable[str]) -> float | None:
        waiting = [line.delayed[0][0] for queue in queues if (line := self.lines.get(queue)) and line.delayed]
        return min(waiting, default=None)


def delivery_of(tag: Tag, message: Message) -> Delivery:
    """Return a message as it is handed out."""
    outgoing = message.outgoing
    return Delivery(
        tag, message.queue, outgoing.envelope, message.tries > 0, message.tries + 1, outgoing.exchange, outgoing.routing_key, outgoing.priority
    )


_stores: dict[str, MessageStore] = {}
_opening = threading.Lock()


def message_store(name: str, clock: Clock | None = None) -> MessageStore:
    """Return this process's message store of that name."""
    with _opening:
        found = _stores.get(name)
        if found is None:
            found = _stores[name] = MessageStore(clock or SystemClock())
        return found


def keep_store(name: str, store: MessageStore) -> None:
    """Let a store be found under a name, for tests; ``forget_store`` ends it."""
    with _opening:
        _stores[name] = store


def forget_store(name: str) -> None:
    """Let a store go, for tests: whoever opens the name next gets an empty one."""
    with _opening:
        _stores.pop(name, None)
