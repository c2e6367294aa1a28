"""How a restarted consumer takes over what its predecessor had in flight."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from celeriac.contracts.broker import Broker, Leases, RemembersBegun, ReturnsWhenCut
from celeriac.lib.value import Value
from celeriac.model.effects import Job, Writes
from celeriac.model.envelope import Delivery, Settlement, Tag, Verdict
from celeriac.model.errors import OperationalError
from celeriac.worker.intake import Intake
from celeriac.worker.ledger import Ledger
from celeriac.worker.outbox import Outbox
from celeriac.worker.packets import Channel, Packet, decode_packet, encode
from celeriac.worker.slots import Slots

logger = logging.getLogger("celeriac.worker")

_RECLAIMING = 0.5
_SETTLING = 0.05
"""Seconds in which a task process that has just taken a packet will have noted it in its slot."""


class Adopted(Value, frozen=True):
    """What the broker says this worker holds, and which of it the task processes have or will get."""

    held: Mapping[Tag, Delivery]
    known: frozenset[Tag]
    begun: frozenset[Tag] = frozenset()
    """Of what is held: what may not begin again."""


def adopt(broker: Broker, slots: Slots, jobs: Channel, ledger: Ledger, intake: Intake, *, restarted: bool) -> Adopted:
    """Learn from the sockets and slots what is out, and from the broker what this worker holds.

    The order matters: unread packets, then slots, then (by the caller) reports, so that a job on its way is seen in at least one of them.
    """
    if not restarted or not isinstance(broker, (Leases, ReturnsWhenCut)):
        return Adopted({}, frozenset())
    held = {delivery.tag: delivery for delivery in broker.held()} if isinstance(broker, Leases) else {}
    known = _jobs_that_are_out(slots, jobs, ledger, intake)
    if isinstance(broker, ReturnsWhenCut):
        broker.recognise([job.delivery for job in known if not job.acked])
    begun = frozenset(broker.begun()) if isinstance(broker, RemembersBegun) else frozenset()
    return Adopted(held, frozenset(job.delivery.tag for job in known), begun)


def _jobs_that_are_out(slots: Slots, jobs: Channel, ledger: Ledger, intake: Intake) -> list[Job]:
    """Return what task processes run or have not begun; packets that none of them has read are handed out again, before all else."""
    unread = [packet for packet, _ in unread_packets(jobs)]
    time.sleep(_SETTLING)
    known: list[Job] = []
    for packet in unread:
        if not packet.jobs:
            jobs.send(encode(packet))
        intake.put_first(packet.jobs)
        known += packet.jobs
    for slot in slots.all():
        snapshot = slot.look()
        if snapshot.packet and snapshot.content:
            known += ledger.adopt(snapshot.content, snapshot.reported).jobs[snapshot.reported :]
    return known


def reclaim(broker: Broker) -> None:
    """Get hold again of what is out, where it went back to the store with the predecessor's connection."""
    if isinstance(broker, ReturnsWhenCut):
        try:
            broker.reclaim(_RECLAIMING)
        except OperationalError as error:
            logger.warning("consumer: What task processes run could not be taken over yet: %s", error)


def return_orphans(adopted: Adopted, outbox: Outbox) -> list[Delivery]:
    """Put back what the predecessor held and nobody has now; it may have begun, so it counts as delivered. Return what may not begin again."""
    settled = {writes.settlement.tag for writes in outbox.waiting() if writes.settlement is not None}
    orphans = [delivery for tag, delivery in adopted.held.items() if tag not in adopted.known and tag not in settled]
    back = [delivery for delivery in orphans if delivery.tag not in adopted.begun]
    outbox.flush(*(Writes(settlement=Settlement(Verdict.REQUEUE, delivery.tag, delivery.queue)) for delivery in back))
    return [delivery for delivery in orphans if delivery.tag in adopted.begun]


def unread_packets(jobs: Channel) -> list[tuple[Packet, bytes]]:
    """Take every packet that no task process has read yet."""
    found = []
    while content := jobs.receive(block=False):
        found.append((decode_packet(content), content))
    return found
