from __future__ import annotations

from celeriac.model.effects import Job, Writes
from celeriac.model.envelope import Delivery, Envelope
from celeriac.worker.ledger import Ledger
from celeriac.worker.packets import Packet, Report, encode
from celeriac.worker.slots import Snapshot, State


def jobs(count: int) -> list[Job]:
    return [Job(Delivery(tag, "celery", Envelope({"task": "t", "id": str(tag)}, b"")), received=0.0) for tag in range(count)]


def snapshot(packet: Packet, claimed: int, reported: int) -> Snapshot:
    return Snapshot(0, 1, State.BUSY, packet.number, claimed, reported, 0, 0.0, 0.0, 0.0, encode(packet))


def report(packet: Packet, first: int, count: int, *, unclaimed: int = -1, last: bool = False) -> Report:
    return Report(0, packet.number, first, (Writes(),) * count, (0.1,) * count, (), unclaimed, last)


def test_a_packet_is_out_until_its_last_report() -> None:
    ledger, work = Ledger(0), jobs(3)
    packet = ledger.open(work)

    assert work[:2] == list(ledger.report(report(packet, 0, 2)))
    assert 1 == len(ledger)
    assert work[2:] == list(ledger.report(report(packet, 2, 1, last=True)))
    assert 0 == len(ledger)


def test_jobs_that_were_not_begun_come_back() -> None:
    ledger, work = Ledger(0), jobs(4)
    packet = ledger.open(work)

    assert work[2:] == ledger.hand_back(report(packet, 0, 1, unclaimed=2))
    ledger.report(report(packet, 0, 2, last=True))
    assert 0 == len(ledger)


def test_of_a_dead_process_the_begun_and_the_unbegun_jobs_are_told_apart() -> None:
    ledger, work = Ledger(0), jobs(5)
    packet = ledger.open(work)
    ledger.report(report(packet, 0, 1))

    begun, unbegun = ledger.dead(snapshot(packet, claimed=3, reported=1))

    assert (work[1:3], work[3:], 0) == (begun, unbegun, len(ledger))


def test_a_process_that_dies_after_its_last_report_had_nothing_in_hand() -> None:
    ledger, work = Ledger(0), jobs(2)
    packet = ledger.open(work)
    ledger.report(report(packet, 0, 2, last=True))

    assert ([], []) == ledger.dead(snapshot(packet, claimed=2, reported=0))


def test_a_packet_of_the_predecessor_is_known_by_the_dead_process_s_slot() -> None:
    work = jobs(3)
    packet = Ledger(0).open(work)

    begun, unbegun = Ledger(1).dead(snapshot(packet, claimed=2, reported=1))

    assert (work[1:2], work[2:]) == (begun, unbegun)


def test_a_packet_of_the_predecessor_that_was_reported_in_full_is_closed() -> None:
    packet = Ledger(0).open(jobs(1))
    ledger = Ledger(1)
    ledger.report(report(packet, 0, 1, last=True))

    assert ([], []) == ledger.dead(snapshot(packet, claimed=1, reported=0))


def test_an_adopted_packet_goes_on_where_its_reports_were() -> None:
    work = jobs(3)
    packet = Ledger(0).open(work)
    ledger = Ledger(1)

    assert packet == ledger.adopt(encode(packet), reported=1)
    assert work[1:] == list(ledger.report(report(packet, 1, 2, last=True)))
    assert ledger.open(work).number > packet.number


def test_missing_packets_are_those_in_nobody_s_hand() -> None:
    ledger = Ledger(0)
    first, second = ledger.open(jobs(1)), ledger.open(jobs(2))

    assert [second.number] == ledger.missing({first.number})
    assert 2 == len(ledger.withdraw(second.number))
    assert [] == ledger.missing({first.number})
