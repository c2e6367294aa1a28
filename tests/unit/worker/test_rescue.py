from __future__ import annotations

import pytest

from celeriac.model.effects import Job
from celeriac.model.envelope import Delivery, Envelope
from celeriac.worker.ledger import Ledger
from celeriac.worker.packets import Packet, encode
from celeriac.worker.rescue import PAUSE, Rescue
from celeriac.worker.slots import Slots


@pytest.fixture
def slots() -> Slots:
    return Slots(1)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(0)


def taken(slots: Slots, ledger: Ledger, jobs: int) -> Packet:
    """Let the process take a packet and begin its first job."""
    packet = ledger.open([Job(Delivery(number, "celery", Envelope({}, b"")), 0.0) for number in range(jobs)])
    slots.slot(0).take(packet.number, encode(packet))
    slots.slot(0).claim(1, 0.0, 0.0, 0.0)
    return packet


def tags(jobs: list[Job]) -> list[object]:
    return [job.delivery.tag for job in jobs]


def test_jobs_behind_one_that_stands_still_are_marked_first_and_taken_at_the_next_look(slots: Slots, ledger: Ledger) -> None:
    rescue, packet = Rescue(slots, ledger), taken(slots, ledger, 4)

    assert [[], [], [1, 2, 3], []] == [tags(rescue.look(step * PAUSE + 1)) for step in range(4)]
    assert slots.slot(0).taken_away(packet.number, 1)
    assert not slots.slot(0).taken_away(packet.number, 0)


def test_a_process_that_gets_on_is_left_alone(slots: Slots, ledger: Ledger) -> None:
    rescue, packet = Rescue(slots, ledger), taken(slots, ledger, 6)

    for step in range(4):
        assert [] == rescue.look(step * PAUSE + 1)
        slots.slot(0).claim(step + 2, 0.0, 0.0, 0.0)

    assert not slots.slot(0).taken_away(packet.number, 5)


def test_a_job_that_was_begun_before_the_mark_was_seen_is_not_taken(slots: Slots, ledger: Ledger) -> None:
    rescue, _ = Rescue(slots, ledger), taken(slots, ledger, 4)
    rescue.look(1.0)
    rescue.look(1.0 + PAUSE)

    slots.slot(0).claim(2, 0.0, 0.0, 0.0)

    assert [2, 3] == tags(rescue.look(1.0 + 2 * PAUSE))


def test_a_mark_does_not_count_for_the_next_packet(slots: Slots, ledger: Ledger) -> None:
    rescue, first = Rescue(slots, ledger), taken(slots, ledger, 4)
    rescue.look(1.0)
    rescue.look(1.0 + PAUSE)
    ledger.withdraw(first.number)

    second = taken(slots, ledger, 4)

    assert not slots.slot(0).taken_away(second.number, 3)
    assert [] == rescue.look(1.0 + 2 * PAUSE)
