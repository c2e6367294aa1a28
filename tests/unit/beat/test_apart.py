from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from celeriac.beat import stores
from celeriac.beat.apart import Apart
from celeriac.contracts.schedule_store import Firing, ScheduleRecord
from celeriac.model.envelope import Outgoing
from celeriac.model.errors import OperationalError
from celeriac.testing.conformance.making import message
from tests.harness.beat_bench import Bench

RECORD = ScheduleRecord("a", b"1", 60.0)
FIRING = Firing(RECORD.replace(last_run=60.0, runs=1), 60.0, [message("m")])


class Away:
    """A broker that is away once."""

    def __init__(self) -> None:
        self.there = False
        self.sent: list[Outgoing] = []

    def publish(self, outgoing: Any) -> None:
        if not self.there:
            self.there = True
            raise OperationalError("away")
        self.sent += outgoing


def test_what_could_not_be_sent_is_sent_at_the_next_try(make_bench: Callable[..., Bench]) -> None:
    bench, broker = make_bench(), Away()
    store = Apart(bench.store, broker.publish)
    store.put([RECORD])
    token = store.lead("one", 10.0)
    assert token is not None

    with pytest.raises(OperationalError):
        store.fire(token, [FIRING])
    assert store.fire(token, [FIRING]) == [True]
    assert store.fire(token, [FIRING]) == [False]

    assert len(broker.sent) == 1


def test_who_does_not_lead_sends_nothing(make_bench: Callable[..., Bench]) -> None:
    bench, broker = make_bench(), Away()
    broker.there = True
    first, second = Apart(bench.store, broker.publish), Apart(bench.store, broker.publish)
    first.put([RECORD])
    token = first.lead("one", 10.0)
    assert token is not None
    bench.clock.advance(11.0)
    second.lead("two", 10.0)

    assert first.fire(token, [FIRING]) == [False]
    assert broker.sent == []


def test_the_broker_keeps_the_schedule_if_it_can_else_a_file_does(make_bench: Callable[..., Bench], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_bench().app
    assert stores.url_of(app) is None
    app.conf.beat_store = "redis://elsewhere/1"
    assert stores.url_of(app) == "redis://elsewhere/1"

    app = make_bench().app
    app.conf.broker_url = "amqp://guest@localhost//"
    assert stores.url_of(app) == f"sqlite:///{tmp_path}/celerybeat-schedule"
    assert stores.url_of(app, "other") == f"sqlite:///{tmp_path}/other"
    (tmp_path / "celerybeat-schedule").write_bytes(b"GDBM of Celery")
    assert stores.url_of(app) == f"sqlite:///{tmp_path}/celerybeat-schedule.sqlite3"
