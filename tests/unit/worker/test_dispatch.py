from __future__ import annotations

import threading

from celeriac.model.effects import Job
from celeriac.model.envelope import Delivery, Envelope
from celeriac.model.outcome import Lost
from celeriac.worker.dispatch import Dispatch
from celeriac.worker.ledger import Ledger
from celeriac.worker.pace import Pace
from celeriac.worker.packets import Channel, Report, decode_packet


def jobs(*names: str) -> list[Job]:
    return [Job(Delivery(tag, "celery", Envelope({"task": name, "id": str(tag)}, b"")), received=0.0) for tag, name in enumerate(names)]


def dispatch(processes: int = 2) -> tuple[Dispatch, Channel, Ledger, Pace]:
    channel, ledger, pace = Channel(), Ledger(0), Pace(1.0)
    return Dispatch(channel, ledger, pace, processes), channel, ledger, pace


def test_jobs_are_packed_by_how_long_they_take() -> None:
    made, _, _, pace = dispatch()
    pace.note("short", 0.25)
    pace.note("long", 5.0)

    packets = made.pack(jobs("short", "short", "long", "short", "short", "short", "short", "short"), room=3)

    assert [["short", "short"], ["long"], ["short"] * 4] == [[job.delivery.envelope.headers["task"] for job in packet] for packet in packets]


def test_a_job_that_only_has_to_be_concluded_travels_alone() -> None:
    made, _, _, pace = dispatch()
    pace.note("short", 0.01)
    lost, *others = jobs("short", "short", "short")

    packets = made.pack([lost.replace(lost=Lost("signal 9")), *others], room=5)

    assert [1, 2] == [len(packet) for packet in packets]


def test_a_packet_that_was_sent_takes_room_until_it_comes_back() -> None:
    made, channel, ledger, _ = dispatch(processes=1)

    assert 1 == made.wait_for_room(0)
    made.send([jobs("a")])
    assert 0 == made.wait_for_room(0.01)

    packet = decode_packet(channel.receive() or b"")
    ledger.report(Report(0, packet.number, last=True))
    assert 1 == made.wait_for_room(0)


def test_who_waits_for_room_is_told_when_there_is_some() -> None:
    made, _, ledger, _ = dispatch(processes=1)
    made.send([jobs("a")])
    found: list[int] = []
    waiter = threading.Thread(target=lambda: found.append(made.wait_for_room(30)))
    waiter.start()

    ledger.report(Report(0, 1, last=True))
    made.freed()
    waiter.join(10)

    assert [1] == found
