from __future__ import annotations

from celeriac.engine.deaths import Deaths, account
from celeriac.model.effects import Job
from celeriac.model.envelope import Delivery, Envelope
from celeriac.model.outcome import Lost

KILLED = Lost("Worker exited prematurely: signal 9 (SIGKILL)", signal=9)


def job(task_id: str, deliveries: int = 1) -> Job:
    return Job(Delivery("tag", "celery", Envelope({"id": task_id}, b""), deliveries=deliveries), 0.0, hostname="w@h")


def test_attempts_are_told_in_order_with_their_memory() -> None:
    deaths = Deaths()

    deaths.note(job("a"), KILLED, now=0.0, pid=11, memory=2048)
    lost = deaths.note(job("a", 2), KILLED, now=1.0, pid=12, memory=None)

    assert lost.attempts == (
        "delivery 1, 1970-01-01T00:00:00+00:00, w@h, process 11: Worker exited prematurely: signal 9 (SIGKILL), peak memory 2.0 MiB",
        "delivery 2, 1970-01-01T00:00:01+00:00, w@h, process 12: Worker exited prematurely: signal 9 (SIGKILL)",
    )


def test_what_the_message_tells_comes_first() -> None:
    told = job("a", 3)
    told = told.replace(delivery=told.delivery.replace(deaths=("delivery 1, ...", "delivery 2, ...")))

    lost = Deaths().note(told, KILLED, now=0.0, pid=13, memory=None)

    assert [line[:10] for line in lost.attempts] == ["delivery 1", "delivery 2", "delivery 3"]


def test_the_oldest_are_forgotten() -> None:
    deaths = Deaths(most=2)
    for name in ("a", "b", "c"):
        deaths.note(job(name), KILLED, now=0.0, pid=1, memory=None)

    assert ((), 1, 1) == (deaths.of("a"), len(deaths.of("b")), len(deaths.of("c")))


def test_the_account_has_attempts_and_the_end_of_the_log() -> None:
    assert account(("one",), "first\nsecond\n").split("\n") == [
        "Attempts whose process died:", "  one", "The last lines that its process logged:", "  first", "  second",
    ]  # fmt: skip
    assert account(()) == ""
