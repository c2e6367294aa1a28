"""The first seam: a store of messages.

One ``Broker`` object serves one process: every method may be called from several threads at the same time, and ``fetch`` and ``settle``
really run at the same time. It is not used across a fork: a child opens its own. Errors of the store's client library are translated
to ``OperationalError`` (trying again may help) or ``ImproperlyConfigured`` (it will not).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from celeriac.lib.value import Value
from celeriac.model.envelope import Delivery, Envelope, Outgoing, Settlement, Tag
from celeriac.model.topology import Exchange, Queue


class Broker(ABC):
    """A message store. ``owner`` is the name under which deliveries are held: one worker, stable over restarts of its consumer."""

    owner: str

    @abstractmethod
    def connect(self) -> None:
        """Reach the store and make ready what it needs (tables, scripts); idempotent."""

    @abstractmethod
    def close(self) -> None:
        """Let go; what was fetched and not settled stays in this owner's hands (see ``Leases``). Wakes a ``fetch`` that waits."""

    @abstractmethod
    def declare(self, queues: Iterable[Queue]) -> None:
        """Make queues and their bindings known; idempotent."""

    @abstractmethod
    def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Hand over messages; on return the store has accepted all of them, on an exception none or some."""

    @abstractmethod
    def fetch(self, queues: Sequence[str], *, limit: int, wait: float) -> Sequence[Delivery]:
        """Take up to ``limit`` messages that are due; wait up to ``wait`` seconds for the first. Queues take turns; within one, priority then age."""

    @abstractmethod
    def wake(self) -> None:
        """Make a ``fetch`` that waits return at once; when none waits, the next one does not wait. For any thread."""

    @abstractmethod
    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Carry out verdicts in one write; idempotent, unknown tags are passed over."""

    @abstractmethod
    def depth(self, queue: str) -> int:
        """Count the messages that wait in a queue, delayed ones included, those in flight not."""

    @abstractmethod
    def purge(self, queue: str) -> int:
        """Throw away what waits in a queue (delayed included, in flight not); return how many."""


def lost_with_its_worker(deliveries: int, now: float, owner: str) -> str:
    """Return the line that a message tells of a delivery to an owner that died with it (``Delivery.deaths``)."""
    when = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    return f"delivery {deliveries}, {when}, {owner.rpartition('/')[0] or owner}: the whole worker was lost while it had the message"


MOST_DEATHS = 20
"""The most lines that a message tells of its attempts."""


class Delays(ABC):
    """The broker holds a message until it is due (``Outgoing.due``, ``Verdict.POSTPONE``), durably, without a worker's memory."""

    @abstractmethod
    def next_due(self, queues: Sequence[str]) -> float | None:
        """Return when the next delayed message is due (epoch seconds), or None."""


class Prioritizes(ABC):
    """Messages of higher priority are fetched first. ``priorities`` is the span (lowest, highest): on Redis, as Celery has it, 0 is the highest."""

    priorities: tuple[int, int]


class Leases(ABC):
    """What a dead owner holds comes back within ``lease`` seconds; what a living one holds never does, however long it takes."""

    lease: float

    @abstractmethod
    def renew(self) -> None:
        """Say that this owner lives; to be called at least every ``lease / 3`` seconds."""

    @abstractmethod
    def recover(self) -> int:
        """Put back, at the head of their queues and marked redelivered, what owners hold whose lease has run out; return how many."""

    def tend(self) -> int:
        """Do what is due of renewing and recovering; called every ``lease / 3`` seconds. Returns how many messages were put back."""
        self.renew()
        return self.recover()

    @property
    def crowd(self) -> int:
        """How many owners are known to share what all have to look after: each may do it the less often."""
        return 1

    @abstractmethod
    def held(self) -> Sequence[Delivery]:
        """Return everything this owner holds now; a restarted consumer begins with it."""

    def taken_away(self, seconds: float) -> bool:
        """Say whether within the last ``seconds`` anything that this owner held was given to others, because its lease had run out."""
        return False

    @abstractmethod
    def release(self) -> None:
        """Give up the lease in good order: nothing is held any more (what still is goes back, untouched), the owner is forgotten."""


class RemembersBegun(ABC):
    """What has begun and may run only once (``Verdict.BEGIN``) is remembered until it has ended: when its owner dies somebody tells that it was lost.

    It stays in its owner's hands (``held``), does not go back to its queue by whatever happens, and ends by any other verdict.
    """

    @abstractmethod
    def begun(self) -> Collection[Tag]:
        """Return the tags of what this owner has begun; a restarted consumer asks."""

    @abstractmethod
    def inherit(self) -> Sequence[tuple[Delivery, str]]:
        """Take over what owners had begun whose lease has run out, in the queues that this one fetches from; return each with its old owner.

        It counts as begun by this owner from then on. Nobody is taken for dead who only was without his store: where stores are reached by a
        network, a dead owner is one that was found without a lease for as long as a lease.
        """

    def judge(self, may_run_again: Callable[[Delivery], bool]) -> None:  # noqa: B027 (whoever does not ask need not listen)
        """Learn which messages may begin again: a store that asks need not be told of the others that they begin (``begins``)."""

    def begins(self, delivery: Delivery) -> bool:
        """Whether a message, which may begin only once, counts as begun since it was delivered: ``Verdict.BEGIN`` would say nothing new."""
        return False


class ReturnsWhenCut(ABC):
    """What an owner holds is bound to its connection: it comes back by itself as soon as that ends, without leases.

    A consumer that was restarted holds nothing, but its task processes may still run what its predecessor fetched.
    """

    @abstractmethod
    def recognise(self, running: Sequence[Delivery]) -> None:
        """These, which an earlier consumer of this owner fetched, are still being run here: when they are delivered again they are not handed
        out, and they are settled by the tags that they had. What is settled without having been named here is not handed out again either."""

    @abstractmethod
    def reclaim(self, patience: float) -> None:
        """Take over what was named and what was settled since, as soon as the store has it again; waits up to ``patience`` seconds for that.

        Only then it is safe from others, and from being begun again should this consumer die as well.
        """


class DeletesQueues(ABC):
    """Queues can be removed."""

    @abstractmethod
    def delete(self, queue: Queue) -> int:
        """Remove a queue, its bindings, and what waits in it; return how many messages that were. One that does not exist is passed over."""


class Exchanges(ABC):
    """The store has exchanges and bindings of its own, which can be made and removed by hand."""

    @abstractmethod
    def declare_exchange(self, exchange: Exchange, *, passive: bool = False) -> None:
        """Make an exchange, or only see that there is one (``passive``): raises QueueNotFound when there is none."""

    @abstractmethod
    def delete_exchange(self, name: str, *, if_unused: bool = False) -> None:
        """Remove an exchange; raises ImproperlyConfigured when it has bindings and ``if_unused``."""

    @abstractmethod
    def bind(self, queue: str, exchange: str, routing_key: str) -> None:
        """Let an exchange hand messages to a queue; raises QueueNotFound when one of them does not exist."""

    @abstractmethod
    def measure(self, queue: str) -> tuple[int, int] | None:
        """Return how many messages wait in a queue and how many consumers it has, None when there is none of this name."""


class DeadLetter(Value, frozen=True):
    """A message that was set aside, and why."""

    key: str
    queue: str
    envelope: Envelope
    reason: str
    died: float
    """Epoch seconds."""


class DeadLetters(ABC):
    """Rejected messages are kept with their reason."""

    @abstractmethod
    def dead(self, queue: str | None = None, *, limit: int = 100) -> Sequence[DeadLetter]:
        """List dead letters, the newest first."""

    @abstractmethod
    def replay(self, keys: Collection[str]) -> int:
        """Put dead letters back into their queues; return how many."""

    @abstractmethod
    def bury(self, keys: Collection[str]) -> int:
        """Forget dead letters; return how many."""


class Listener(ABC):
    """A subscription to broadcasts."""

    @abstractmethod
    def receive(self, timeout: float) -> Sequence[tuple[str, Envelope]]:
        """Wait up to ``timeout`` seconds; return (routing key, envelope) pairs, oldest first."""

    @abstractmethod
    def close(self) -> None:
        """End the subscription; wakes a ``receive`` that waits."""


class Broadcasts(ABC):
    """Messages that reach every listener of the moment and are kept for nobody: remote control and events.

    Replies to remote control go to an exchange ``reply.<namespace>.pidbox`` by a routing key of the client's own. In stores that Celery uses too
    that is a direct exchange with a queue for each client: the driver sends and listens there as Celery does, or replies do not cross over.
    """

    @abstractmethod
    def broadcast(self, outgoing: Sequence[Outgoing]) -> bool | None:
        """Send to all listeners of each message's exchange whose pattern matches its routing key.

        Returns False when it is certain that nobody listens, None when the store does not tell.
        """

    @abstractmethod
    def listen(self, exchange: str, patterns: Sequence[str] = ("#",)) -> Listener:
        """Listen to an exchange; patterns as in AMQP topic exchanges (``*`` one word, ``#`` any number)."""


class RemembersRevoked(ABC):
    """Revocations are kept in the store, so that a worker which starts later, or was away when they were broadcast, knows them.

    A mark is the id of a task, or stands for a stamp (``engine.revoked.stamp_marks``); to the store it is text.
    """

    @abstractmethod
    def remember_revoked(self, marks: Collection[str], *, kept: float) -> None:
        """Keep marks for ``kept`` seconds from now, in one write; one that is known is kept from now on again."""

    @abstractmethod
    def revoked_since(self, after: float) -> Sequence[tuple[str, float]]:
        """Return (mark, epoch seconds) of what was remembered later than ``after``, the oldest first; nothing that is kept no more."""


class CountsStarts(ABC):
    """Starts of tasks are counted in the store, so that a rate holds for all workers together."""

    @abstractmethod
    def start(self, key: str, *, space: float, slack: float) -> float | None:
        """Take a start, atomically: None when it may be now, else when the next one may be (epoch seconds), and nothing is taken.

        Starts of one key are ``space`` seconds apart; ``slack`` seconds of delay may be made up for (the generic cell rate algorithm).
        """


class ShowsDelayed(ABC):
    """What is delayed can be looked at."""

    @abstractmethod
    def delayed(self, queues: Sequence[str] | None = None, *, limit: int) -> Sequence[tuple[float, Delivery]]:
        """Return (due in epoch seconds, message) of what waits in these queues (None: in all), the next first; they are in nobody's hands."""


class RemovesDelayed(ABC):
    """Single messages can be taken out of what is delayed."""

    @abstractmethod
    def remove_delayed(self, ids: Collection[str]) -> Sequence[str]:
        """Throw away the delayed messages with these task ids, in all queues; return the ids that were found."""


class DeadTo(StrEnum):
    """What becomes of dead letters that are handed to real Celery, which has none."""

    QUEUES = "queues"
    """Back into their queues, to be tried again; those that cannot be read aside."""
    ASIDE = "aside"
    """Into the queue ``<queue>.dead``, from which nobody takes unless asked to."""
    DROP = "drop"
    """Away."""


class Remains(Value, frozen=True):
    """What a store holds of ours and real Celery does not know."""

    held: int = 0
    """Messages in the hands of workers that are gone."""
    delayed: int = 0
    dead: int = 0
    unreadable: int = 0
    """Dead letters, counted above, that no worker of Celery's could read."""
    schedule: int = 0
    """Entries of the schedule."""
    keys: int = 0


class Advises(ABC):
    """The broker looks at how its store is set up."""

    @abstractmethod
    def advice(self) -> Sequence[str]:
        """Return what about it endangers messages, a sentence each with its remedy; nothing when all is well or the store does not tell."""


class Departs(ABC):
    """A store that real Celery uses too can be handed back to it: messages move to where its workers look, what only we know goes."""

    @abstractmethod
    def present(self) -> Sequence[str]:
        """Return the names of our workers (and of the scheduler) that are alive."""

    @abstractmethod
    def remains(self) -> Remains:
        """Count what ``depart`` would move or remove."""

    @abstractmethod
    def depart(self, dead: DeadTo) -> Remains:
        """Move and remove it; return what was. Raises OperationalError while somebody is ``present``. After an exception: call it again."""
