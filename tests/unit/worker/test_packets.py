from __future__ import annotations

import os

from celeriac.model.effects import Job, Writes
from celeriac.model.envelope import Delivery, Envelope, Settlement, Verdict
from celeriac.model.outcome import Lost
from celeriac.worker.packets import Channel, Packet, Report, decode_packet, decode_report, encode


def job(tag: int = 1, body: bytes = b"[]") -> Job:
    return Job(Delivery(tag, "celery", Envelope({"task": "tasks.add", "id": f"id-{tag}", "timelimit": [None, 3.5]}, body)), received=1.5)


def test_a_packet_survives_encoding() -> None:
    packet = Packet(3, (job(1), job(2).replace(acked=True, lost=Lost("signal 9", signal=9))))

    assert packet == decode_packet(encode(packet))


def test_a_report_survives_encoding() -> None:
    settlement = Settlement(Verdict.POSTPONE, "tag", "celery", until=12.5)
    report = Report(1, 3, 0, (Writes(settlement=settlement),), (0.25,), (Writes(),), 4, True)

    assert report == decode_report(encode(report))


def test_a_message_that_does_not_fit_a_packet_travels_by_file() -> None:
    channel = Channel()
    large = Packet(1, (job(body=os.urandom(3_000_000)),))

    channel.send(encode(large))
    channel.send(b"small")

    assert large == decode_packet(channel.receive() or b"")
    assert b"small" == channel.receive()


def test_receiving_without_blocking_tells_that_there_is_nothing() -> None:
    channel = Channel()

    assert None is channel.receive(block=False)


def test_the_end_is_read_when_all_senders_are_gone() -> None:
    channel = Channel()
    channel.send(b"last")
    channel.close_sender()

    assert [b"last", b""] == [channel.receive(), channel.receive()]


def test_try_send_does_not_wait_for_a_reader() -> None:
    channel = Channel()
    sent = 0
    while channel.try_send(b"x" * 50_000):
        sent += 1

    assert 0 < sent < 1_000
