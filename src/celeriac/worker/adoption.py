"""How a restarted consumer takes over what its predecessor had in flight."""

from __future__ import annotations

import time
from collections.abc import Mapping

from celeriac.contracts.broker import Broker, Leases
from celeriac.lib.value import Value
from celeriac.model.effects import Writes
from celeriac.model.envelope import Delivery, Settlement, Tag, Verdict
from celeriac.worker.intake import Intake
from celeriac.worker.ledger import Ledger
from celeriac.worker.outbox import Outbox
from celeriac.worker.packets import Channel, Packet, decode_packet, encode
from celeriac.worker.slots import Slots

_SETTLING = 0.05
"""Seconds in which a task process that has just taken a packet will have noted it in its slot."""


class Adopted(Value, frozen=True):
    """What the broker says this worker holds, and which of it the task processes have or will get."""

    held: Mapping[Tag, Delivery]
    known: frozenset[Tag]


def adopt(broker: Broker, slots: Slots, jobs: Channel, ledger: Ledger, intake: Intake, *, restarted: bool) -> Adopted:
    """Learn from the sockets and slots what is out, and from the broker what this worker holds.

    The order matters: unread packets, then slots, then (by the caller) reports, so that a job on its way is seen in at least one of them.
    """
    if not restarted or not isinstance(broker, Leases):
        return Adopted({}, frozenset())
    held = {delivery.tag: delivery for delivery in broker.held()}
    unread = [packet for packet, _ in unread_packets(jobs)]
    time.sleep(_SETTLING)
    known: set[Tag] = set()
    for packet in unread:
        if not packet.jobs:
            jobs.send(encode(packet))
        intake.put_first(packet.jobs)
        known.update(job.delivery.tag for job in packet.jobs)
    for slot in slots.all():
        snapshot = slot.look()
        if snapshot.packet and snapshot.content:
            packet = ledger.adopt(snapshot.content, snapshot.reported)
            known.update(job.delivery.tag for job in packet.jobs)
    return Adopted(held, frozenset(known))


def return_orphans(adopted: Adopted, outbox: Outbox) -> None:
    """Put back what the predecessor held and nobody has now; it may have begun, so it counts as delivered."""
    settled = {writes.settlement.tag for writes in outbox.waiting() if writes.settlement is not None}
    orphans = [delivery for tag, delivery in adopted.held.items() if tag not in adopted.known and tag not in settled]
    outbox.flush(*(Writes(settlement=Settlement(Verdict.REQUEUE, delivery.tag, delivery.queue)) for delivery in orphans))


def unread_packets(jobs: Channel) -> list[tuple[Packet, bytes]]:
    """Take every packet that no task process has read yet."""
    found = []
    while content := jobs.receive(block=False):
        found.append((decode_packet(content), content))
    return found
