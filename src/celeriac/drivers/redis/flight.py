"""What one owner has in flight: taken from queues by a script that records each message before it hands it out, and settled by tag.

A message that ``BLMOVE`` brought to a waiting owner has no tag in the store yet: it stands in the owner's list of arrivals, under a tag made of its
text. Whatever settles it gives it that tag first, in the same script.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from celeriac.drivers.redis import lease_scripts, messages, scripts
from celeriac.drivers.redis.batch import Writing
from celeriac.drivers.redis.begun import Begun, Change
from celeriac.drivers.redis.keys import BrokerKeys, QueueKeys
from celeriac.drivers.redis.lease import Lease
from celeriac.drivers.redis.messages import Tags, age, delivery, tag_of
from celeriac.drivers.redis.server import Server
from celeriac.model.envelope import Delivery, Outgoing, Settlement, Verdict
from celeriac.model.errors import ImproperlyConfigured, OperationalError

_STAYS_AWAY = (Verdict.ACK, Verdict.BEGIN)
ROUND_ROBIN = "round_robin"
ORDERS = (ROUND_ROBIN, "priority", "sorted")
"""In which order queues are taken from: in turns, as they are named, or by name; in the latter two the first is emptied before the next."""


class Flight:
    """One owner's deliveries."""

    def __init__(self, server: Server, keys: BrokerKeys, owner: str, lease: float, *, order: str = ROUND_ROBIN) -> None:
        if order not in ORDERS:
            raise ImproperlyConfigured(f"The transport option queue_order_strategy is {order!r}: it can be {', '.join(ORDERS)}")
        self._order = order
        self._server = server
        self._keys = keys
        self._owner = owner
        self.lease = Lease(lease)
        self._lock = threading.Lock()
        self._returning = threading.Lock()
        """Held while arrivals go back to a queue, from which they may arrive again, until it is known that they have."""
        self._tags = Tags(time.time_ns() // 1000, os.urandom(3).hex())
        self._arrived: dict[str, bytes] = {}
        self._uncertain: list[tuple[int, int]] = []
        self._kept: list[Delivery] = []
        self._turn = 0
        self.begun = Begun(server, keys, owner)
        self.may_run_again: Callable[[Delivery], bool] = lambda delivery: True
        """Whether a message that may have begun can be given to others: what arrived by itself and cannot counts as begun without a mark."""
        self._announced: set[str] = set()
        self.fetched: set[str] = set()
        """The queues that were taken from."""
        self.next_due: float | None = None
        """Of the last ``take`` that found nothing: when it would find something."""
        self.busy = True
        """Whether to look before waiting: at first, and while looking finds something."""

    # taking

    def take(self, queues: Sequence[str], limit: int) -> list[Delivery]:
        """Take what is due; queues take turns."""
        if not self.fetched.issuperset(queues):
            self.announce(queues)
            self.fetched.update(queues)
        with self._lock:
            found, self._kept = self._kept, []
            uncertain, self._uncertain = self._uncertain, []
        try:
            if uncertain:
                found += self._reclaim(queues, uncertain)
            self._take_in_turns(queues, limit, found)
            return self._without_early(found)
        except BaseException:
            # What has been taken already is the next call's.
            self.keep(found)
            raise

    def keep(self, found: list[Delivery]) -> None:
        """Keep what could not be handed out: the next ``take`` returns it."""
        if found:
            with self._lock:
                self._kept = [*self._kept, *found]
            self.busy = True

    def _take_in_turns(self, queues: Sequence[str], limit: int, found: list[Delivery]) -> None:
        in_turns = self._order == ROUND_ROBIN
        if len(queues) > 1 and in_turns:
            self._turn += 1
            first = self._turn % len(queues)
            queues = (*queues[first:], *queues[:first])
        elif self._order == "sorted":
            queues = sorted(queues)
        dues: list[float] = []
        groups = self._server.together(queues)
        # Several scripts (a cluster): first each group of queues has its share, then what is left over.
        for share in (limit,) if len(groups) == 1 or not in_turns else (max(1, limit // len(groups)), limit):
            for group in groups:
                left = limit - len(found)
                if left > 0:
                    found += self._take(group, min(share, left), dues)
        self.busy = bool(found)
        self.next_due = min(dues, default=None)

    def _take(self, queues: Sequence[str], limit: int, dues: list[float]) -> list[Delivery]:
        each = [self._keys.queue(queue) for queue in queues]
        keys: list[bytes] = []
        for queue in each:
            keys += (queue.owners, queue.delayed, queue.delayed_texts, queue.held(self._owner), *queue.lists)
        with self._lock:
            number = self._tags.reserve(limit)
        prefix, share = self._tags.prefix, max(1, limit // len(each)) if self._order == ROUND_ROBIN else limit
        arguments = (self._owner, self.lease.seconds, limit, share, len(self._keys.steps), prefix, number)
        begun = time.monotonic()
        try:
            reply = self._server.call(scripts.FETCH, keys, arguments)
        except OperationalError:
            # The answer may have been lost after the messages were taken: look for them before the next ones.
            self._doubt([(number, number + limit)])
            raise
        self.lease.shortened(begun)
        if reply[0]:
            dues.append(float(reply[0]))
        found: list[Delivery] = []
        for at in range(1, len(reply), 3):
            name, suffix = each[reply[at]].name, f".{reply[at + 1]}"
            for text in reply[at + 2]:
                found.append(delivery(text, f"{prefix}{number}{suffix}", name))
                number += 1
        return found

    def _without_early(self, found: list[Delivery]) -> list[Delivery]:
        """Put what a client sent ahead of its time into the delayed set."""
        early: list[Settlement] = []
        kept: list[Delivery] = []
        for one in found:
            due = messages.due_of(one)
            if due is not None and due > time.time():
                early.append(Settlement(Verdict.POSTPONE, one.tag, one.queue, until=due, untouched=True))
            else:
                kept.append(one)
        if early:
            self.settle(early)
        return kept

    def _doubt(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Under tags of these numbers there may be something in the store that nobody here knows of."""
        with self._lock:
            self._uncertain = [*self._uncertain, *ranges]
        self.busy = True

    def _reclaim(self, queues: Sequence[str], ranges: Sequence[tuple[int, int]]) -> list[Delivery]:
        """Return what was taken by calls whose answer did not arrive."""
        found: list[Delivery] = []
        try:
            for name in {*queues, *self.fetched}:
                texts = self._server.one("HGETALL", self._keys.queue(name).held(self._owner))
                for tag, text in zip(texts[::2], texts[1::2]):
                    made, number = age(tag.decode())
                    if f"{made}." == self._tags.prefix and any(first <= number < end for first, end in ranges):
                        found.append(delivery(text, tag.decode(), name))
        except BaseException:
            self._doubt(ranges)
            raise
        return sorted(found, key=lambda one: age(str(one.tag)))

    def renew(self) -> None:
        """Make the lease a short one from now on."""
        begun = time.monotonic()
        for group in self._server.together(list(self.queues)):
            self._server.call(lease_scripts.RENEW, [self._keys.queue(name).owners for name in group], (self._owner, self.lease.seconds))
        self.lease.shortened(begun)

    def arrivals(self, text: bytes, queue: str) -> list[Delivery]:
        """Return what came while the owner waited, unless it was given to others already because the lease had run out."""
        if self.lease.lapsed:
            self.renew()
            if text not in self._server.one("LRANGE", self._keys.queue(queue).taken(self._owner), 0, -1):
                return []
        elif self.lease.long:
            try:
                self.renew()
            except OperationalError:
                # The next renewal, which comes soon, says it.
                self.lease.touch()
        else:
            self.lease.touch()
        return [self._arrival(text, queue)]

    def _arrival(self, text: bytes, queue: str) -> Delivery:
        tag = tag_of(text)
        if tag in self._arrived:
            # It may just be on its way back to the queue, and be known here for a moment longer.
            with self._returning:
                return self._arrived_under(tag, text, queue)
        return self._arrived_under(tag, text, queue)

    def _arrived_under(self, tag: str, text: bytes, queue: str) -> Delivery:
        with self._lock:
            again = tag in self._arrived
            if not again:
                self._arrived[tag] = text
            else:
                number = self._tags.reserve(1)
        if again:
            # The same text twice: it gets a tag of its own at once.
            tag = f"{self._tags.prefix}{number}.0"
            try:
                self._adopt(self._keys.queue(queue), [(tag, text)])
            except BaseException:
                self._doubt([(number, number + 1)])
                raise
        return delivery(text, tag, queue)

    def missed_arrivals(self, queue: str) -> list[Delivery]:
        """Return what came but was not seen, because the connection broke in that moment. Call it when nothing more can arrive on that.

        Which arrivals are known is asked before the store is: whatever is settled in between must not seem to be new.
        """
        if self.lease.long or self.lease.lapsed:
            self.renew()
        with self._returning:
            known = Counter(list(self._arrived.values()))
            texts = self._server.one("LRANGE", self._keys.queue(queue).taken(self._owner), 0, -1)
            found: list[Delivery] = []
            for text in reversed(texts):
                if known[text] > 0:
                    known[text] -= 1
                    continue
                try:
                    found.append(self._arrived_under(tag_of(text), text, queue))
                except BaseException:
                    self.keep(found)
                    raise
            return found

    def announce(self, queues: Iterable[str]) -> None:
        """Let others know of queues, so that they find what is left of a worker that dies."""
        new = [queue for queue in queues if queue not in self._announced]
        if new:
            self._server.one("SADD", self._keys.known, *new)
            self._announced.update(new)

    @property
    def queues(self) -> set[str]:
        """The queues that were announced."""
        return self._announced

    def begins(self, delivery: Delivery) -> bool:
        """Whether what was delivered counts as begun without a mark."""
        return str(delivery.tag) in self._arrived and not self.may_run_again(delivery)

    # settling

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Carry out verdicts."""
        with self.settling(settlements) as change:
            writing = Writing(self._server)
            self.add_to(writing, settlements, change)
            writing.run()

    @contextmanager
    def settling(self, settlements: Sequence[Settlement]) -> Iterator[Change]:
        """Carry out verdicts in this block; when it ends well, they have been."""
        change = self.begun.change(settlements)
        arrived = self._arrived
        back = bool(arrived) and any(one.verdict not in _STAYS_AWAY and str(one.tag) in arrived for one in settlements)
        if back:
            self._returning.acquire()
        try:
            yield change
            self.begun.settled(change)
            if self._arrived:
                self._settled(settlements)
        finally:
            if back:
                self._returning.release()

    def add_to(self, writing: Writing, settlements: Sequence[Settlement], change: Change) -> None:
        """Add verdicts to what is going to be written, inside of ``settling``, which says what changes of what has begun."""
        acks: dict[str, list[str]] = {}
        others: list[Settlement] = []
        self.begun.add_to(writing, change)
        for settlement in settlements:
            if settlement.verdict is Verdict.BEGIN:
                if settlement.instead is not None:
                    self._replace(writing, settlement, settlement.instead)
                continue
            tag = str(settlement.tag)
            text = self._arrived.get(tag) if self._arrived else None
            if text is not None:
                queue = self._keys.queue(settlement.queue)
                if settlement.verdict is Verdict.ACK:
                    writing.at(queue.owners).acknowledge_arrival(queue, self._owner, tag, text)
                    continue
                writing.at(queue.owners).adopt(queue, self._owner, tag, text)
            if settlement.verdict is Verdict.ACK:
                acks.setdefault(settlement.queue, []).append(tag)
            else:
                others.append(settlement)
        for name, tags in acks.items():
            queue = self._keys.queue(name)
            writing.at(queue.owners).acknowledge(queue.held(self._owner), tags)
        if others:
            self._add_others(writing, others)

    def _replace(self, writing: Writing, settlement: Settlement, instead: Outgoing) -> None:
        """Put one message in the place of another that has ended."""
        queue, tag = self._keys.queue(settlement.queue), str(settlement.tag)
        old = self._arrived.get(tag)
        if old is not None:
            writing.at(queue.owners).adopt(queue, self._owner, tag, old)
        writing.at(queue.owners).exchange(queue.held(self._owner), tag, messages.pack(instead))

    def _add_others(self, writing: Writing, settlements: list[Settlement]) -> None:
        # Those that return to the head of a list do so the youngest first.
        settlements = sorted(settlements, key=lambda s: age(str(s.tag)), reverse=True)
        texts = self._new_texts([s for s in settlements if not s.untouched and s.verdict is not Verdict.REJECT])
        now = time.time()
        for at, settlement in enumerate(settlements):
            queue = self._keys.queue(settlement.queue)
            if settlement.verdict is Verdict.POSTPONE:
                self.announce([settlement.queue])
            # In one batch the one that was set aside first is the older one.
            died = now + (len(settlements) - at) / 1e6
            writing.at(queue.owners).give_back(queue, self._owner, settlement, texts.get(str(settlement.tag), b""), died)

    def _new_texts(self, settlements: list[Settlement]) -> dict[str, bytes]:
        """Return the texts of messages that count as handed out once more."""
        found = {str(s.tag): self._arrived[str(s.tag)] for s in settlements if str(s.tag) in self._arrived}
        asked = [s for s in settlements if str(s.tag) not in found]
        if asked:
            held = [self._keys.queue(s.queue).held(self._owner) for s in asked]
            replies = self._server.run([("HGET", key, str(s.tag)) for key, s in zip(held, asked)])
            found.update((str(s.tag), text) for s, text in zip(asked, replies) if text is not None)
        deaths = {str(s.tag): s.deaths for s in settlements}
        return {tag: messages.redelivered(text, deaths=deaths[tag]) for tag, text in found.items()}

    def forget_arrivals(self) -> None:
        """Everything has been given back."""
        self._arrived.clear()
        self._kept.clear()

    def _settled(self, settlements: Iterable[Settlement]) -> None:
        for settlement in settlements:
            if settlement.verdict is not Verdict.BEGIN or settlement.instead is not None:
                self._arrived.pop(str(settlement.tag), None)

    # what there is

    def held(self, queues: Iterable[str]) -> list[Delivery]:
        """Return everything that this owner holds of these queues, the oldest first; arrivals have their tags from now on."""
        found: list[Delivery] = []
        for name in queues:
            queue = self._keys.queue(name)
            taken, texts = self._server.run([("LRANGE", queue.taken(self._owner), 0, -1), ("HGETALL", queue.held(self._owner))])
            known = dict(zip(texts[::2], texts[1::2]))
            if taken:
                adopted = self._tagged(taken, known)
                self._adopt(queue, adopted, [tag for tag, text in adopted if not self.may_run_again(delivery(text, tag, name))])
                known.update((tag.encode(), text) for tag, text in adopted)
            found += [delivery(text, tag.decode(), name) for tag, text in known.items()]
        return sorted(found, key=lambda one: age(str(one.tag)))

    def _tagged(self, texts: Sequence[bytes], known: dict[bytes, bytes]) -> list[tuple[str, bytes]]:
        adopted: dict[str, bytes] = {}
        for text in texts:
            tag = tag_of(text)
            if tag in adopted or tag.encode() in known:
                with self._lock:
                    tag = f"{self._tags.prefix}{self._tags.reserve(1)}.0"
            adopted[tag] = text
        return list(adopted.items())

    def tags(self, lists: Sequence[int]) -> list[str]:
        """Return new tags for messages of these lists."""
        with self._lock:
            first = self._tags.reserve(len(lists))
        return [f"{self._tags.prefix}{first + at}.{of}" for at, of in enumerate(lists)]

    def inherited(self) -> list[tuple[Delivery, str]]:
        """Return what was taken over from dead owners and has not been returned before, with their names."""
        found: list[tuple[Delivery, str]] = []
        for name, owners in self.begun.inherited(self.fetched).items():
            texts = self._server.one("HMGET", self._keys.queue(name).held(self._owner), *owners)
            found += [(delivery(text, tag, name), owner) for text, (tag, owner) in zip(texts, owners.items()) if text is not None]
        return found

    def _adopt(self, queue: QueueKeys, tagged: Iterable[tuple[str, bytes]], begun: Sequence[str] = ()) -> None:
        """Give what arrived tags; some of it may have begun, and counted so until now because it had none."""
        writing = Writing(self._server)
        if begun:
            writing.at(queue.owners).mark(queue.begun(self._owner), begun[0], " ".join(begun))
        for tag, text in tagged:
            writing.at(queue.owners).adopt(queue, self._owner, tag, text)
        writing.run()
