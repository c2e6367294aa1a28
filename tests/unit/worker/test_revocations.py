from __future__ import annotations

import uuid

import pytest

from celeriac.drivers.registry import open_broker
from celeriac.engine.revoked import Revoked
from celeriac.lib.clock import ManualClock
from celeriac.worker.revocations import Revocations, read_file


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def broker(clock):
    return open_broker(f"memory://{uuid.uuid4().hex}", options={"clock": clock})


def test_what_the_store_knows_is_learnt_at_the_start_and_later(broker, clock):
    told = []
    broker.remember_revoked(["before"], kept=100)
    revocations = Revocations(Revoked(), broker, clock, None)
    revocations.on_change = lambda: told.append(1)

    revocations.load()
    clock.advance(1)
    broker.remember_revoked(["later"], kept=100)
    revocations.sync()
    revocations.sync()

    assert (["before", "later"], 2) == (revocations.revoked.ids(), len(told))


def test_the_file_brings_them_back(broker, clock, tmp_path):
    first = Revocations(Revoked(), broker, clock, str(tmp_path / "state.db"))
    first.load()
    first.add(["a", "b"])
    first.save()

    second = Revocations(Revoked(), broker, clock, str(tmp_path / "state.db"))
    second.load()

    assert ["a", "b"] == second.revoked.ids()
    assert [("a", clock.now()), ("b", clock.now())] == read_file(tmp_path / "state.db")


def test_a_broken_file_is_as_good_as_an_empty_one(broker, clock, tmp_path, caplog):
    (tmp_path / "state.db").write_bytes(b"\xc1 no file of ours")
    revocations = Revocations(Revoked(), broker, clock, str(tmp_path / "state.db"))

    revocations.load()
    revocations.add(["a"])
    revocations.save()

    assert "cannot be read" in caplog.text
    assert ["a"] == [mark for mark, _ in read_file(tmp_path / "state.db")]


def test_old_entries_of_the_file_are_forgotten(broker, clock, tmp_path):
    first = Revocations(Revoked(kept=10), broker, clock, str(tmp_path / "state.db"))
    first.add(["a"])
    first.save()
    clock.advance(20)

    second = Revocations(Revoked(kept=10), broker, clock, str(tmp_path / "state.db"))
    second.load()

    assert [] == second.revoked.ids()
