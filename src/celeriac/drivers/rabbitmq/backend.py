"""The result backend ``rpc://``: results are messages to the client that asked, on a queue of its own."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

import msgspec

from celeriac.contracts.backend import AnswersCallers, CountsChords, FindsDueChords, Notifies, OpensChords, ResultBackend, Watch
from celeriac.contracts.settler import BodyOf
from celeriac.drivers.rabbitmq.address import Address
from celeriac.drivers.rabbitmq.chord_tending import Tending
from celeriac.drivers.rabbitmq.chords import Answers, Chords, Send
from celeriac.drivers.rabbitmq.errors import ChannelClosed, of_closed
from celeriac.drivers.rabbitmq.link import Link
from celeriac.drivers.rabbitmq.methods import Method
from celeriac.drivers.rabbitmq.session import Session
from celeriac.drivers.rabbitmq.topology import arguments_of
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import ContentDisallowed, DecodeError, OperationalError
from celeriac.model.record import ChordPart, DueChord, ResultRecord
from celeriac.model.states import FAILURE, READY_STATES, SUCCESS
from celeriac.model.topology import Queue
from celeriac.wire.results import decode_result

EXPIRES = 86_400.0
_PRUNE = 10_000


class _Head(msgspec.Struct):
    status: str


_head_of = msgspec.json.Decoder(_Head).decode


class Mailbox:
    """What is bound to one connection: this client's queue and, once somebody asks for results, its consumer."""

    def __init__(self, link: Link, name: str, expires: float) -> None:
        self.link = link
        self.arrived: deque[Envelope] = deque()
        self._name = name
        self._consuming = False
        self._lock = threading.Lock()
        self._channel = link.channel(self._on_content)
        try:
            self._channel.call("queue.declare", 0, name, False, True, False, False, False, arguments_of(Queue(name, expires=expires)))
        except ChannelClosed as error:
            raise of_closed(error) from error

    def _on_content(self, _method: Method, envelope: Envelope, _priority: int) -> None:
        self.arrived.append(envelope)

    def consume(self) -> None:
        """Let results come; what was sent so far has arrived on return."""
        with self._lock:
            if not self._consuming:
                self._channel.call("basic.consume", 0, self._name, "", False, True, False, False, {})
                self._consuming = True

    def catch_up(self) -> None:
        """Return when everything has arrived that the server had for this client at the call."""
        self.consume()
        self._channel.call("queue.declare", 0, self._name, True, False, False, False, False, {})
        self._channel.call("basic.qos", 0, 0, False)

    def delete(self) -> None:
        """Nobody will ask for these results any more."""
        self._channel.call("queue.delete", 0, self._name, False, False, False)


class RpcBackend(ResultBackend, Notifies, AnswersCallers, CountsChords, OpensChords, FindsDueChords):
    """Results go to the queue that the caller named, and can be read by that caller only, whose memory keeps them until they expire.

    The parts of a chord are kept by the server, in a queue of the chord's own.
    """

    def __init__(
        self, address: Address, *, reply_to: str, expires: float | None = None, persistent: bool = False, accept: frozenset[str] | None = None,
        space: str = "",
    ) -> None:  # fmt: skip
        self.reply_to = reply_to
        self._address = address
        self._expires = expires or EXPIRES
        self._mode = 2 if persistent else 1
        self._accept = accept
        self._lock = threading.RLock()
        self._known: dict[str, tuple[ResultRecord, float]] = {}
        self._watches: list[RpcWatch] = []
        self._mailbox = Session(self._link("results"), lambda link: Mailbox(link, reply_to, self._expires))
        self._answers = Session(self._link("answers"), Answers)
        self._tended = False
        self.chords = Chords(self._answers, self._link("chords"), expires=self._expires, space=space or "app")

    def _link(self, purpose: str) -> Callable[[], Link]:
        # Only where somebody sees to it can a connection have a heartbeat.
        beats = purpose == "chords"
        return lambda: Link(
            self._address, name=f"celeriac {os.getpid()} ({purpose})", heartbeat=self._address.heartbeat if beats and self._tended else 0.0
        )

    def connect(self) -> None:
        if self.reply_to:
            self._mailbox.get()

    def prepare_to_answer(self) -> None:
        self._answers.get()

    def close(self) -> None:
        mailbox = self._mailbox.peek()
        for watch in list(self._watches):
            watch.close()
        if mailbox is not None and mailbox.link.failure is None:
            with suppress(OperationalError):
                mailbox.delete()
        self._mailbox.close()
        self._answers.close()
        self.chords.close()

    # chords

    def begin(self, group: str, size: int, ttl: float | None) -> None:
        self.chords.begin(group, size, ttl)

    def count(self, parts: Sequence[ChordPart]) -> Sequence[DueChord]:
        return self.chords.count(parts)

    def done(self, groups: Collection[str]) -> None:
        self.chords.done(groups)

    def due(self, limit: int = 100) -> Sequence[DueChord]:
        return self.chords.due(limit)

    def tending(self, body_of: BodyOf, send: Send) -> Tending:
        """Return the thread that finishes chords, not begun."""
        self._tended = True
        return Tending(self.chords, self._link("chords"), body_of, send)

    # results

    def store(self, records: Sequence[ResultRecord]) -> None:
        """Send results to those who wait for them; nobody does for a task whose message named no queue, or whose caller is gone."""
        outgoing = self.answers(records)
        if outgoing:
            self._answers.get().publish(outgoing, mandatory=False)

    def answers(self, records: Sequence[ResultRecord]) -> list[Outgoing]:
        """Return the messages that tell results to those who wait for them."""
        return [self._answer(record, record.reply_to) for record in records if record.reply_to]

    def shares(self, address: Address) -> bool:
        """Tell whether results go to this virtual host of this server."""
        mine = self._address
        return (mine.host, mine.port, mine.vhost, mine.user) == (address.host, address.port, address.vhost, address.user)

    def _answer(self, record: ResultRecord, reply_to: str) -> Outgoing:
        properties = {"correlation_id": record.id, "delivery_mode": self._mode}
        return Outgoing(Envelope({}, record.body, record.content_type, record.content_encoding, properties), reply_to)

    def load(self, ids: Collection[str]) -> Mapping[str, ResultRecord]:
        with self._lock:
            found = {task_id: self._known[task_id][0] for task_id in ids if task_id in self._known}
        if len(found) < len(ids) or any(record.state not in READY_STATES for record in found.values()):
            mailbox = self._mailbox.get()
            mailbox.catch_up()
            self.absorb(mailbox)
            with self._lock:
                found = {task_id: self._known[task_id][0] for task_id in ids if task_id in self._known}
        return found

    def forget(self, ids: Collection[str]) -> None:
        with self._lock:
            for task_id in ids:
                self._known.pop(task_id, None)

    def watch(self, ids: Collection[str]) -> Watch:
        watch = RpcWatch(self)
        with self._lock:
            self._watches.append(watch)
        watch.add(ids)
        return watch

    def mailbox(self) -> Mailbox:
        """Return this client's queue, consumed."""
        found = self._mailbox.get()
        found.consume()
        return found

    def wake(self) -> None:
        """Let watches look again."""
        found = self._mailbox.peek()
        if found is not None:
            found.link.wake()

    def absorb(self, mailbox: Mailbox) -> None:
        """Take in what has arrived; tell the watches."""
        with self._lock:
            while mailbox.arrived:
                record = self._record(mailbox.arrived.popleft())
                known = self._known.get(record.id)
                if known is not None and known[0].state == SUCCESS:
                    continue
                self._known[record.id] = (record, time.monotonic() + self._expires)
                for watch in self._watches:
                    watch.offer(record)
            if len(self._known) > _PRUNE:
                self._prune()

    def _prune(self) -> None:
        # The oldest come first: dicts keep their order.
        now = time.monotonic()
        while self._known:
            task_id, (_, until) = next(iter(self._known.items()))
            if until > now:
                return
            del self._known[task_id]

    def _record(self, envelope: Envelope) -> ResultRecord:
        task_id = str(envelope.properties.get("correlation_id"))
        record = ResultRecord(task_id, FAILURE, envelope.body, envelope.content_type, envelope.content_encoding)
        try:
            return record.replace(state=_head_of(envelope.body).status)
        except msgspec.MsgspecError:
            pass
        try:
            return record.replace(state=decode_result(record, self._accept).state)
        except (DecodeError, ContentDisallowed):
            # It counts as ready, so that whoever asks for it is told why it cannot be read.
            return record

    def known(self, ids: Collection[str]) -> list[ResultRecord]:
        """Return what is here already."""
        with self._lock:
            return [self._known[task_id][0] for task_id in ids if task_id in self._known]

    def left(self, watch: "RpcWatch") -> None:
        """A watch was closed."""
        with self._lock:
            if watch in self._watches:
                self._watches.remove(watch)


class RpcWatch(Watch):
    """Waiting for results to arrive."""

    def __init__(self, backend: RpcBackend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._pending: set[str] = set()
        self._ready: dict[str, ResultRecord] = {}
        self._closed = False

    def add(self, ids: Collection[str]) -> None:
        with self._lock:
            self._pending.update(ids)
        for record in self._backend.known(ids):
            self.offer(record)
        if self._ready:
            self._backend.wake()

    def offer(self, record: ResultRecord) -> None:
        """Take a record if it is waited for and ready."""
        if record.state in READY_STATES:
            with self._lock:
                if record.id in self._pending:
                    self._pending.discard(record.id)
                    self._ready[record.id] = record

    def next(self, timeout: float) -> Mapping[str, ResultRecord]:
        deadline = time.monotonic() + timeout
        while not self._closed:
            mailbox = self._backend.mailbox()
            self._backend.absorb(mailbox)
            if not self._ready:
                self._wait(mailbox, max(0.0, deadline - time.monotonic()))
                self._backend.absorb(mailbox)
            with self._lock:
                ready, self._ready = self._ready, {}
            if ready or time.monotonic() >= deadline:
                return ready
        return {}

    def _wait(self, mailbox: Mailbox, timeout: float) -> None:
        mailbox.link.wait(lambda: bool(mailbox.arrived or self._ready or self._closed), timeout)

    def close(self) -> None:
        self._closed = True
        self._backend.left(self)
        self._backend.wake()
