from __future__ import annotations

import threading

from celeriac.model.effects import Writes
from celeriac.model.errors import OperationalError
from celeriac.worker.settling import Settling
from tests.harness.waiting import eventually


class FakeOutbox:
    """An outbox that notes what is flushed, and waits for leave to flush."""

    def __init__(self) -> None:
        self.waiting: list[Writes] = []
        self.flushed: list[int] = []
        self.leave = threading.Event()
        self.leave.set()
        self.error: Exception | None = None

    def add(self, writes: object) -> None:
        self.waiting.extend(writes)  # type: ignore[arg-type]

    def flush(self) -> None:
        self.leave.wait(5)
        batch, self.waiting = self.waiting, []
        self.flushed.append(len(batch))
        if self.error is not None:
            raise self.error


def settling(outbox: FakeOutbox) -> Settling:
    made = Settling(outbox, lambda: None)  # type: ignore[arg-type]
    made.start()
    return made


def test_what_is_added_is_written_and_whoever_waits_hears_of_it() -> None:
    outbox = FakeOutbox()
    thread = settling(outbox)

    thread.add_and_wait((Writes(),))

    assert outbox.flushed[-1] == 1
    thread.end()


def test_what_comes_while_a_batch_is_written_makes_the_next() -> None:
    outbox = FakeOutbox()
    outbox.leave.clear()
    thread = settling(outbox)
    for _ in range(5):
        thread.add((Writes(),))

    outbox.leave.set()
    eventually(lambda: sum(outbox.flushed) == 5, "all are written")

    assert len([count for count in outbox.flushed if count]) <= 2
    thread.end()


def test_the_end_writes_what_is_left() -> None:
    outbox = FakeOutbox()
    thread = settling(outbox)
    thread.add((Writes(), Writes()))

    thread.end()

    assert sum(outbox.flushed) == 2


def test_a_store_that_was_given_up_does_not_end_the_thread() -> None:
    outbox = FakeOutbox()
    outbox.error = OperationalError("away")
    thread = settling(outbox)

    thread.add_and_wait((Writes(),))
    outbox.error = None
    thread.add_and_wait((Writes(),))

    assert outbox.flushed.count(1) == 2
    thread.end()
