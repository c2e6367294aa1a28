from __future__ import annotations

from collections.abc import Sequence

from celeriac.contracts.settler import BodyOf
from celeriac.model.effects import Writes
from celeriac.model.envelope import Settlement, Verdict
from celeriac.model.errors import OperationalError
from celeriac.worker.outbox import Outbox


class Store:
    """Keeps what is flushed; refuses the next writes with the given errors, and always those whose tag is poison."""

    def __init__(self, *errors: Exception, poison: int | None = None) -> None:
        self.errors = list(errors)
        self.poison = poison
        self.batches: list[list[Writes]] = []

    def flush(self, writes: Sequence[Writes], body_of: BodyOf) -> None:
        if self.errors:
            raise self.errors.pop(0)
        if any(w.settlement and w.settlement.tag == self.poison and w.settlement.verdict is Verdict.ACK for w in writes):
            raise ValueError("no")
        self.batches.append(list(writes))


def ack(tag: int) -> Writes:
    return Writes(settlement=Settlement(Verdict.ACK, tag, "q"))


def outbox(store: Store, pauses: list[float]) -> Outbox:
    return Outbox(store, lambda due: [], pauses.append)


def test_what_waits_is_written_in_one_batch_in_order() -> None:
    store = Store()
    box = outbox(store, [])

    box.add([ack(1)])
    box.add([ack(2)])
    box.flush(ack(3))
    box.flush()

    assert [[ack(1), ack(2), ack(3)]] == store.batches


def test_a_store_that_is_away_is_tried_again_with_growing_pauses() -> None:
    store, pauses = Store(OperationalError("away"), OperationalError("away")), []

    outbox(store, pauses).flush(ack(1))

    assert ([[ack(1)]], [0.1, 0.2]) == (store.batches, pauses)


def test_an_outcome_that_the_store_refuses_does_not_hold_back_the_others() -> None:
    store = Store(poison=2)

    outbox(store, []).flush(ack(1), ack(2), ack(3))

    verdicts = [(w.settlement.tag, w.settlement.verdict) for batch in store.batches for w in batch if w.settlement]
    assert [(1, Verdict.ACK), (2, Verdict.REJECT), (3, Verdict.ACK)] == verdicts
