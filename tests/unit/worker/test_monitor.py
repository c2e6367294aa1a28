"""What a worker tells of itself: the text, the verdicts, and that dashboards and alerts go by what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from celeriac.beat.families import SchedulerFamilies
from celeriac.lib.ids import uuid
from celeriac.model.effects import Effects, Ending, Job, Writes
from celeriac.model.envelope import Delivery, Envelope, Settlement, Verdict
from celeriac.model.errors import OperationalError
from celeriac.worker.monitor.contact import HOPELESS, SLOW, STUCK, Contact
from celeriac.worker.monitor.counts import UNKNOWN, Counts
from celeriac.worker.monitor.monitor import Monitor
from celeriac.worker.monitor.scrape import WorkerFamilies
from celeriac.worker.monitor.text import histogram, simple, write
from celeriac.worker.place import InsidePlace

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "monitoring"


class Clock:
    def __init__(self) -> None:
        self.at = 1_000.0

    def now(self) -> float:
        return 1_700_000_000.0 + self.at

    def monotonic(self) -> float:
        return self.at


class Broker:
    def __init__(self) -> None:
        self.away = False

    def depth(self, queue: str) -> int:
        if self.away:
            raise OperationalError("it is away")
        return 3


class Loop:
    leads, following, sent, late = True, 1_700_000_999.0, 7, 0.25


def job(name: str = "add", at: float = 1_700_000_000.0, received: float = 1_700_000_002.0, **headers: Any) -> Job:
    made = uuid(_now=lambda: int(at * 1e9))
    return Job(Delivery("1", "celery", Envelope({"task": name, "id": made, **headers}, b"")), received)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def contact(clock: Clock) -> Contact:
    made = Contact(clock)  # type: ignore[arg-type]
    made.connected = True
    return made


def families(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def whole_scrape(contact: Contact, clock: Clock) -> str:
    """Return everything that a worker and a scheduler can tell."""
    counts = Counts({"add"})
    counts.received([job(), job()])
    counts.ended([job()], [Writes(ending=Ending.SUCCEEDED)], [0.5])
    counts.refused(job().delivery, Effects(Settlement(Verdict.REJECT, "1", "celery"), ending=Ending.REJECTED))
    counts.redelivered["celery"] = 1
    monitor = Monitor(contact, clock, WorkerFamilies(counts, {"hostname": "w", "executor": "solo"}, "worker", None, None))  # type: ignore[arg-type]
    monitor.place = InsidePlace("solo", 1, list, lambda: None, clock)  # type: ignore[arg-type]
    monitor.depths = {"celery": 3}
    schedule = Monitor(contact, clock, SchedulerFamilies(contact, Loop(), clock))  # type: ignore[arg-type]
    return monitor.metrics() + schedule.metrics()


def test_labels_are_escaped_and_numbers_are_read_back() -> None:
    text = write([simple("x", "gauge", "An x.", [({"name": 'a"b\\c\nd'}, 0.25)]), histogram("h", "An h.", (0.1, 1.0), [({}, [1, 2, 3], 9.5)])])

    found = families(text)

    assert ({"name": 'a"b\\c\nd'}, 0.25) == (found["x"].samples[0].labels, found["x"].samples[0].value)
    assert [("0.1", 1), ("1", 3), ("+Inf", 6)] == [(each.labels["le"], each.value) for each in found["h"].samples if "le" in each.labels]
    assert [9.5, 6] == [each.value for each in found["h"].samples if "le" not in each.labels]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, 2.0),
        ({"eta": "2023-11-14T22:13:21+00:00"}, 1.0),
        ({"celeriac_sent": 1_700_000_001.5}, 0.5),
        ({"id": "0b9f2c1e-5a3d-4c1e-9f00-0123456789ab"}, None),
        ({"eta": "nonsense"}, None),
    ],
)
def test_queue_latency_begins_when_the_message_could_have_run(given: dict[str, Any], seconds: float | None) -> None:
    counts = Counts({"add"})

    counts.received([job(**given)])

    series = counts.of("add", "celery")
    assert (seconds is not None) == bool(sum(series.wait))
    assert series.wait_time == pytest.approx(seconds or 0.0, abs=0.002)


def test_names_that_nobody_registered_make_one_series() -> None:
    counts = Counts({"add"})

    for name in ("x", "y", "add"):
        counts.refused(job(name).delivery, Effects(ending=Ending.REJECTED))

    assert {"add", UNKNOWN} == {task for task, _ in counts.series}


def test_a_counter_that_was_told_never_goes_back(contact: Contact, clock: Clock) -> None:
    counts = Counts({"add"})
    monitor = Monitor(contact, clock, WorkerFamilies(counts, {}, "worker", None, None))  # type: ignore[arg-type]

    def received() -> float:
        return next(each.value for each in families(monitor.metrics())["celeriac_tasks"].samples if each.labels["state"] == "received")

    counts.received([job(), job()])
    assert received() == 2
    counts.given_back([job()])
    assert received() == 2
    counts.received([job(), job()])
    assert received() == 3


def test_a_loop_that_does_not_turn_is_stuck_unless_it_runs_a_task_or_waits_for_the_broker(contact: Contact, clock: Clock) -> None:
    pulse = contact.pulse("fetching")
    assert contact.stuck() == []
    pulse.beat()
    clock.at += STUCK + 1
    assert "fetching" in contact.stuck()[0]
    pulse.busy = True
    assert contact.stuck() == []
    pulse.busy = False
    with contact.call("fetch", 1.0):
        clock.at += SLOW + 2
        assert contact.stuck() == []
        assert "no answer to fetch" in contact.away()[0]
        clock.at += HOPELESS
        assert "fetch" in contact.stuck()[0]
    assert contact.stuck() == [] == contact.away()


def test_what_failed_counts_until_it_works_again(contact: Contact) -> None:
    with pytest.raises(OperationalError), contact.call("settle"):
        raise OperationalError("gone")

    assert ["cannot settle: gone"] == contact.away()
    with contact.call("settle"):
        pass
    assert ([], 1, 1) == (contact.away(), contact.errors["settle"], contact.recoveries)


def test_where_nothing_was_asked_for_a_while_the_broker_is_asked_whether_it_is_there(contact: Contact, clock: Clock, tmp_path: Path) -> None:
    broker, counts = Broker(), Counts({})
    monitor = Monitor(contact, clock, WorkerFamilies(counts, {}, "worker", None, None))  # type: ignore[arg-type]
    place = InsidePlace("solo", 1, list, lambda: None, clock)  # type: ignore[arg-type]
    monitor.attach(broker, place, lambda: ["celery"], int)  # type: ignore[arg-type]
    monitor.start_measuring()

    clock.at += 60
    assert [] == monitor.ready()
    clock.at += 60
    broker.away = True
    assert ["cannot measure: it is away"] == monitor.ready()
    broker.away = False
    assert [] == monitor.ready()
    contact.stopping = True
    assert ["it is shutting down"] == monitor.ready()


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\bceleriac_[a-z_]+", text))


def told(contact: Contact, clock: Clock) -> set[str]:
    return {sample.name for family in families(whole_scrape(contact, clock)).values() for sample in family.samples}


def test_every_metric_that_the_dashboard_names_exists(contact: Contact, clock: Clock) -> None:
    board = json.loads((GUIDE / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    expressions += [each["query"]["query"] for each in board["templating"]["list"] if each["type"] == "query"]

    assert len(board["panels"]) == len({panel["id"] for panel in board["panels"]})
    assert set() == names_in("\n".join(expressions)) - told(contact, clock)


def test_every_metric_that_the_alerts_name_exists(contact: Contact, clock: Clock) -> None:
    rules = [rule for each in yaml.safe_load((GUIDE / "alert-rules.yml").read_text())["groups"] for rule in each["rules"]]

    assert all({"alert", "expr", "labels", "annotations"} <= set(rule) for rule in rules)
    assert set() == names_in("\n".join(rule["expr"] for rule in rules)) - told(contact, clock)


def test_the_guide_names_every_metric(contact: Contact, clock: Clock) -> None:
    page = (GUIDE.parent / "monitoring.md").read_text()

    assert set() == {re.sub("_(bucket|sum|count)$", "", name) for name in told(contact, clock)} - names_in(page)
