"""The consuming connection: what arrives, what waits to be fetched, what is in hand, and its settlement.

Acknowledgements belong to the channel that delivered, so both happen on this one; nothing is published on it, so that a server that is short
of memory, which stops reading publishers, still hears them.
"""

from __future__ import annotations

import heapq
import os
import struct
import threading
from collections import deque
from collections.abc import Collection, Sequence

from celeriac.drivers.rabbitmq.answering import Answering
from celeriac.drivers.rabbitmq.errors import of_closed
from celeriac.drivers.rabbitmq.link import Link
from celeriac.drivers.rabbitmq.memory import Key, Stale, Tries, key_of, number_of, tag_for
from celeriac.drivers.rabbitmq.methods import Method, encode
from celeriac.drivers.rabbitmq.native import DELIVERY, original_key
from celeriac.drivers.rabbitmq.topology import Admin, Definitions
from celeriac.drivers.rabbitmq.windows import Window, Windows
from celeriac.lib.clock import Clock
from celeriac.model.envelope import Delivery, Envelope, Tag, Verdict

DUE = "celeriac-due"
"""The header that holds when a delayed message is due, epoch seconds."""
DEATH = ("x-death", *(f"x-{which}-death-{what}" for which in ("first", "last") for what in ("queue", "reason", "exchange")))
SOON = 1.0
"""Seconds: a message that is due within them is held here, not sent away once more."""

_GENERATION = 40
_RECENT = 2_000
_ack = struct.Struct(">BHIHHQBB").pack

Arrived = tuple[Method, Envelope, int, str]


class Consumption:
    """What is bound to one connection. ``fetch`` and ``settle`` may run at the same time."""

    def __init__(self, link: Link, definitions: Definitions, tries: Tries, stale: Stale, clock: Clock) -> None:
        self.link = link
        self.admin = Admin(link, definitions)
        self._definitions = definitions
        self._tries = tries
        self._stale = stale
        self._clock = clock
        self._lock = threading.RLock()
        self._pulling = threading.Lock()
        self._generation = int.from_bytes(os.urandom(2), "big") + 2 << _GENERATION
        self._arrived: deque[Arrived] = deque()
        self._getting: deque[str] = deque()
        self._ended: deque[str] = deque()
        self._ready: dict[str, deque[Delivery]] = {}
        self._early: list[tuple[float, int, Delivery]] = []
        self._out: dict[int, tuple[Delivery, Window | None]] = {}
        self._recent: deque[Key] = deque(maxlen=_RECENT)
        self._turn = 0
        self._channel = link.channel(self._on_content, self._on_method)
        self._windows = Windows(self._channel)
        self._answering = Answering(link, self._channel)

    # in the reading thread: no lock, so that it can be taken while somebody waits for an answer

    def _on_content(self, method: Method, envelope: Envelope, priority: int) -> None:
        queue = self._getting.popleft() if method.name == "basic.get-ok" else ""
        self._arrived.append((method, envelope, priority, queue))

    def _on_method(self, method: Method) -> None:
        if method.name == "basic.get-empty":
            self._getting.popleft()
        elif method.name == "basic.cancel":
            self._ended.append(method.values[0])
        elif method.name in ("basic.ack", "basic.nack"):
            self._answering.confirmed(method)

    # fetching

    def anything(self) -> bool:
        """Say whether there is news: a message, a consumer that the server ended, a closed channel."""
        return bool(self._arrived or self._ended or self._channel.closed is not None)

    def take(self, queues: Sequence[str], limit: int) -> list[Delivery]:
        """Take what has arrived and is due."""
        with self._lock:
            self._sort_in()
            if not self._ready:
                return []
            if len(queues) == 1:
                return self._take(queues[0], limit)
            self._turn += 1
            first = self._turn % len(queues) if queues else 0
            turns = [*queues[first:], *queues[:first]]
            found: list[Delivery] = []
            for most in (max(1, limit // max(1, len(turns))), limit):
                for queue in turns:
                    if len(found) < limit:
                        found += self._take(queue, min(most, limit - len(found)))
            return found

    def _take(self, queue: str, limit: int) -> list[Delivery]:
        line = self._ready.get(queue)
        if not line:
            return []
        if len(line) <= limit:
            del self._ready[queue]
            return list(line)
        return [line.popleft() for _ in range(limit)]

    def ask(self, queues: Sequence[str], limit: int) -> None:
        """Let the server send what these queues hold, as soon as they hold it."""
        for queue in queues:
            self.admin.ensure(queue)
        with self._lock:
            for queue in queues:
                self._windows.want(queue, limit, self._definitions.of(queue).consumer_arguments)

    def pull(self, queues: Sequence[str], limit: int) -> list[Delivery]:
        """Take what the queues hold at this moment."""
        with self._pulling:
            self._stop()
            found = self.take(queues, limit)
            for most in (max(1, limit // max(1, len(queues))), limit):
                for queue in queues:
                    if len(found) < limit:
                        self._get(queue, min(most, limit - len(found)))
                        found += self.take(queues, limit - len(found))
            return found

    def reclaim(self) -> bool:
        """Take what this worker runs, or has done, from the heads of its queues, and say whether some of it is still to come; the rest is fetched."""
        for queue, count in self._stale.awaited().items():
            found = self.pull([queue], count)
            with self._lock:
                for delivery in found:
                    self._line(delivery)
        return bool(self._stale.awaited())

    def _stop(self) -> None:
        with self._lock:
            ended = self._windows.shut_all()
        if ended:
            # An answer to something asked later has everything before it that was on its way.
            self._channel.call("basic.qos", 0, 1, False)
            with self._lock:
                self._windows.forget_count()

    def _get(self, queue: str, most: int) -> None:
        ready = self.admin.count(queue)
        if not ready:
            return
        count = min(ready, most)
        self._getting.extend([queue] * count)
        self.link.send(encode("basic.get", self._channel.number, 0, queue, False) * count)
        self.link.wait(lambda: not self._getting or self._channel.closed is not None, self.link.patience)
        self._check()

    def _check(self) -> None:
        closed = self._channel.closed
        if closed is not None:
            error = of_closed(closed)
            self.link.fail(closed)
            raise error

    def _sort_in(self) -> None:
        self._check()
        while self._ended:
            queue = self._windows.cancelled(self._ended.popleft())
            if queue is not None:
                self.admin.existing.discard(queue)
        while self._arrived:
            self._receive(*self._arrived.popleft())
        if self._early:
            now = self._clock.now()
            while self._early and self._early[0][0] <= now:
                self._line(heapq.heappop(self._early)[2])

    def _receive(self, method: Method, envelope: Envelope, priority: int, queue: str) -> None:
        window = None
        if method.name == "basic.deliver":
            consumer, number, redelivered, exchange, key = method.values
            window = self._windows.of(consumer)
            queue = window.queue if window is not None else key
            if window is not None:
                window.used += 1
        else:
            number, redelivered, exchange, key, _ = method.values
        headers = envelope.headers
        due = headers.pop(DUE, None)
        if due is not None:
            for name in DEATH:
                headers.pop(name, None)
        if exchange.endswith(DELIVERY):
            exchange, key = self._definitions.of(queue).exchange.name, original_key(key)
        counted = headers.pop("x-delivery-count", None)
        number += self._generation
        delivery = Delivery(tag_for(number, queue, envelope), queue, envelope, False, 1, exchange, key, priority)
        if redelivered:
            again = self._again(delivery, window, 1 if counted is None else int(counted))
            if again is None:
                return
            delivery = again
        self._out[number] = (delivery, window)
        if due is not None and due > self._clock.now():
            heapq.heappush(self._early, (float(due), number, delivery))
        else:
            self._line(delivery)

    def _again(self, delivery: Delivery, window: Window | None, counted: int) -> Delivery | None:
        """A message that was delivered before: return it with its count, or None when it is not to be handed out."""
        before = self._tries.before(delivery, counted)
        delivery = delivery.replace(redelivered=before > 0, deliveries=before + 1)
        met = self._stale.meet(delivery) if self._stale else None
        if met is None:
            return delivery
        self._out[number_of(delivery.tag)] = (delivery, window)
        if met:
            self.settle([(delivery.tag, Verdict.ACK, False)])
        return None

    def _line(self, delivery: Delivery) -> None:
        line = self._ready.get(delivery.queue)
        if line is None:
            line = self._ready[delivery.queue] = deque()
        line.append(delivery)

    def next_early(self) -> float | None:
        """Return when the first message that is held here is due, epoch seconds."""
        with self._lock:
            return self._early[0][0] if self._early else None

    def far(self) -> list[tuple[float, Delivery]]:
        """Take the messages that are not due for long: they are to be sent away again. They stay in hand until they are settled."""
        if not self._early:
            return []
        with self._lock:
            limit = self._clock.now() + SOON
            found = [(due, delivery) for due, _, delivery in self._early if due > limit]
            if found:
                self._early = [entry for entry in self._early if entry[0] <= limit]
                heapq.heapify(self._early)
            return found

    def satisfied(self, queues: Sequence[str]) -> None:
        """Enough was fetched: the server is to send no more until it is asked again."""
        with self._lock:
            for queue in queues:
                self._windows.shut(queue)

    # settling

    def get(self, tag: Tag) -> Delivery | None:
        """Return a message that is in hand."""
        with self._lock:
            found = self._out.get(self._stale.current_of(number_of(tag)))
            return None if found is None else found[0]

    def settle(self, verdicts: Sequence[tuple[Tag, Verdict, bool]]) -> None:
        """Carry out verdicts (tag, verdict, untouched): ACK forgets, REQUEUE puts back, REJECT lets the queue's own dead-letter exchange have it."""
        with self._lock:
            frames = self._frames(verdicts)
            if frames:
                self.link.send(b"".join(frames))

    def settle_with(self, shares: Sequence[tuple[Sequence[bytes], Sequence[tuple[Tag, Verdict, bool]]]]) -> None:
        """Send messages (encoded for channel 1) and carry out verdicts, each share in one write; the server has all of it on return."""
        self._answering.wait()
        with self._lock:
            self._answering.begin()
            for messages, verdicts in shares:
                self._answering.sent(len(messages))
                self.link.send(b"".join((*messages, *self._frames(verdicts))))
        self._answering.wait()
        self._check()

    def _frames(self, verdicts: Sequence[tuple[Tag, Verdict, bool]]) -> list[bytes]:
        acks: set[int] = set()
        frames: list[bytes] = []
        for tag, verdict, untouched in verdicts:
            number = number_of(tag)
            known = self._stale.current(number) if self._stale else number
            found = self._out.get(known)
            if found is None or known in acks:
                self._settle_absent(tag, known, done=verdict is Verdict.ACK)
                continue
            if verdict is Verdict.ACK:
                acks.add(known)
                continue
            self._forget(known)
            if verdict is Verdict.REQUEUE:
                self._tries.note(found[0], untouched=untouched)
            frames.append(encode("basic.reject", self._channel.number, known - self._generation, verdict is Verdict.REQUEUE))
        return frames + self._acks(acks)

    def _settle_absent(self, tag: Tag, known: int, *, done: bool) -> None:
        """Settle what is not in hand: it may come again, if it was delivered on another connection."""
        if self._stale.knows(known):
            self._stale.settled(known, done=done)
        elif done and known >> _GENERATION != self._generation >> _GENERATION:
            self._stale.ended_unknown(key_of(tag))

    def _acks(self, tags: set[int]) -> list[bytes]:
        number, generation = self._channel.number, self._generation
        frames: list[bytes] = []
        together: list[int] = []
        for tag in self._out:
            if tag not in tags:
                break
            together.append(tag)
        if together:
            frames.append(_ack(1, number, 13, 60, 80, together[-1] - generation, 1, 0xCE))
        done = set(together)
        frames += [_ack(1, number, 13, 60, 80, tag - generation, 0, 0xCE) for tag in tags if tag not in done]
        for tag in tags:
            self._recent.append(key_of(self._forget(tag).tag))
        return frames

    def _forget(self, tag: int) -> Delivery:
        delivery, window = self._out.pop(tag)
        if window is not None:
            self._windows.settled(window)
        return delivery

    # what is here and not handed out

    def waiting(self, queue: str) -> int:
        """Count the messages of a queue that arrived and were not fetched."""
        with self._lock:
            self._sort_in()
            return len(self._ready.get(queue, ())) + sum(delivery.queue == queue for _, _, delivery in self._early)

    def throw_away(self, queue: str) -> int:
        """Acknowledge the messages of a queue that arrived and were not fetched; return how many."""
        with self._lock:
            self._sort_in()
            mine = [*self._ready.pop(queue, ()), *(d for _, _, d in self._early if d.queue == queue)]
            self._early = [entry for entry in self._early if entry[2].queue != queue]
            heapq.heapify(self._early)
            self.settle([(delivery.tag, Verdict.ACK, False) for delivery in mine])
            return len(mine)

    def held_early(self) -> list[tuple[float, Delivery]]:
        """Return what is held here until it is due, and when that is."""
        with self._lock:
            self._sort_in()
            return [(due, delivery) for due, _, delivery in self._early]

    def drop_early(self, ids: Collection[str]) -> list[str]:
        """Throw away what is held here until it is due, by task ids; return those that were found."""
        with self._lock:
            self._sort_in()
            mine = [entry for entry in self._early if entry[2].envelope.headers.get("id") in ids]
            self._early = [entry for entry in self._early if entry not in mine]
            heapq.heapify(self._early)
            self.settle([(delivery.tag, Verdict.ACK, False) for _, _, delivery in mine])
            return [str(delivery.envelope.headers["id"]) for _, _, delivery in mine]

    def give_back(self) -> bool:
        """Nobody fetches: let others have what arrived. Return whether something that is not due yet is still held."""
        # What the server has sent may not have been read yet, since nobody waits for it.
        self._stop()
        with self._lock:
            self._sort_in()
            mine = [delivery for line in self._ready.values() for delivery in line]
            self._ready.clear()
            self.settle([(delivery.tag, Verdict.REQUEUE, True) for delivery in mine])
            return bool(self._early)

    def in_hand(self) -> tuple[list[Delivery], Collection[Key]]:
        """Return what was handed out and is not settled, and what was acknowledged last."""
        with self._lock:
            here = {delivery.tag for line in self._ready.values() for delivery in line} | {delivery.tag for _, _, delivery in self._early}
            return [delivery for delivery, _ in self._out.values() if delivery.tag not in here], list(self._recent)
