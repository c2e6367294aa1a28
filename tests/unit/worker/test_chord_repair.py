from __future__ import annotations

from celeriac.drivers.memory.backend import MemoryBackend, ResultStore
from celeriac.lib.clock import ManualClock
from celeriac.testing.conformance.making import part
from celeriac.worker.chord_repair import ChordRepair


def test_what_is_due_at_two_looks_is_counted_again():
    store = MemoryBackend(ResultStore(ManualClock()))
    added, flushed = [], []
    repair = ChordRepair(store, added.extend, lambda: flushed.append(True))
    store.count([part(0, size=2)])
    repair.look()
    store.count([part(1, size=2)])

    repair.look()
    assert [] == added
    repair.look()

    assert ([part(1, size=2)], 1) == ([writes.part for writes in added], len(flushed))
    assert 1 == len(store.count([added[0].part]))
    store.done(["g1"])
    repair.look()
    assert 1 == len(flushed)


def test_parts_that_do_not_know_the_size_never_make_it_due():
    store = MemoryBackend(ResultStore(ManualClock()))

    assert [] == list(store.count([part(0, size=0)]))
    assert [] == list(store.due())


def test_parts_that_add_to_the_chord_let_it_wait_for_more():
    store = MemoryBackend(ResultStore(ManualClock()))

    assert [] == list(store.count([part(0, size=2).replace(more=1), part(1, size=2)]))
    assert [0, 1, 1_000_000] == [found.index for found in store.count([part(1_000_000, size=2)])[0].parts]
