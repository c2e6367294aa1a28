"""Counts for Prometheus: exact, in every executor, and in a form that Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from celeriac import group
from tests.harness import project as harness
from tests.harness.project import Project
from tests.harness.rabbitmq import free_port
from tests.harness.scraping import Scrape, ask
from tests.harness.waiting import eventually

TASKS = Path(harness.__file__).parent / "sample" / "monitored.py"
MANY = {"good": 6_000, "bad": 1_500, "second_try": 1_000, "rejected": 500, "unwanted": 500, "late": 500}
FEW = {"good": 120, "bad": 30, "second_try": 20, "rejected": 10, "unwanted": 10, "late": 10}
AT_ONCE = 500

Make = Callable[..., Project]


def send(project: Project, mixed: dict[str, int]) -> None:
    """Send so many calls of each task; those of ``late`` come too late."""
    past = datetime.now(UTC) - timedelta(seconds=5)
    for name, count in mixed.items():
        options = {"expires": past} if name == "late" else {}
        for begin in range(0, count, AT_ONCE):
            calls = [project.client.signature(f"tasks.{name}", **options) for _ in range(min(AT_ONCE, count - begin))]
            group(calls, app=project.client).apply_async()


def expected(mixed: dict[str, int]) -> dict[str, dict[str, int]]:
    def ran(count: int, state: str) -> dict[str, int]:
        return {"received": count, "started": count, state: count}

    twice = mixed["second_try"]
    return {
        "good": ran(mixed["good"], "succeeded"),
        "bad": ran(mixed["bad"], "failed"),
        "second_try": {"received": 2 * twice, "started": 2 * twice, "retried": twice, "succeeded": twice},
        "rejected": ran(mixed["rejected"], "rejected"),
        "unwanted": ran(mixed["unwanted"], "ignored"),
        "late": {"revoked": mixed["late"]},
    }


def check(project: Project, port: int, mixed: dict[str, int]) -> Scrape:
    """Send, scrape until everything has ended, and compare every count."""
    send(project, mixed)
    right = expected(mixed)
    told: list[float] = []

    def all_ended() -> bool:
        scrape = Scrape(port)
        told.append(scrape.value("celeriac_tasks_total"))
        return {name: scrape.states(name) for name in right} == right

    eventually(all_ended, "every count is right", timeout=40, pause=0.1, explain=lambda: Scrape(port).text)
    assert sorted(told) == told, "a counter must never go back"
    # A scrape does not wait long for the broker: while that is busy it tells the depth of before.
    eventually(lambda: Scrape(port).value("celeriac_queue_depth", queue="celery") == 0, "the queue is empty", explain=lambda: Scrape(port).text)
    scrape = Scrape(port)
    assert mixed["rejected"] == scrape.value("celeriac_dead_letters_total", queue="celery")
    assert mixed["good"] == scrape.value("celeriac_task_runtime_seconds_count", task="tasks.good")
    assert mixed["good"] == scrape.value("celeriac_task_queue_latency_seconds_count", task="tasks.good")
    return scrape


@pytest.fixture
def make(make_project: Make) -> Make:
    return lambda **options: make_project(module=TASKS, **options)


def test_after_ten_thousand_mixed_tasks_every_count_is_exact(make: Make) -> None:
    project, port = make(), free_port()
    project.worker("-c", "2", "-l", "error", "--metrics", f"127.0.0.1:{port}", ready=False)
    eventually(lambda: ask(port, "/readyz")[0] == 200, "it is ready", timeout=30)

    scrape = check(project, port, MANY)

    assert scrape.value("celeriac_slots") == 2
    assert scrape.value("celeriac_broker_up") == 1
    assert {"consumer", "supervisor", "task process"} == {
        sample.labels["role"] for sample in scrape.families["celeriac_process_resident_memory_bytes"].samples
    }


@pytest.mark.parametrize("pool", ["solo", "threads", "asyncio", "gevent", "eventlet"])
def test_the_counts_are_exact_in_every_executor(make: Make, pool: str) -> None:
    project, port = make(), free_port()
    project.worker("-P", pool, "-c", "4", "-l", "error", "--metrics", f"127.0.0.1:{port}", ready=False)
    eventually(lambda: ask(port, "/readyz")[0] == 200, "it is ready", timeout=30)

    check(project, port, FEW)


def test_a_task_that_dies_with_its_process_is_counted_as_lost_and_as_received_again(make: Make) -> None:
    project, port = make(conf={"worker_lease": 2.0}), free_port()
    project.worker("-c", "1", "--metrics", f"127.0.0.1:{port}", "--pool-start-method", "spawn")

    assert project.send("dies_once", str(project.folder / "mark")).get(timeout=30) == 1

    right = {"received": 2, "started": 2, "lost": 1, "succeeded": 1}
    eventually(lambda: Scrape(port).states("dies_once") == right, "it is counted", timeout=10, explain=lambda: Scrape(port).text)
    assert Scrape(port).value("celeriac_redeliveries_total", queue="celery") == 1


def test_queue_latency_is_the_time_in_the_queue_and_for_a_retry_only_that_after_its_delay(make: Make) -> None:
    project, port = make(), free_port()
    waiting = project.send("good")
    soon = project.send("late", countdown=1.0)
    eventually(lambda: project.depth() == 2, "both wait")
    project.worker("-c", "1", "--metrics", f"127.0.0.1:{port}")

    assert [waiting.get(timeout=20), soon.get(timeout=20)] == [1, 1]

    eventually(lambda: Scrape(port).value("celeriac_tasks_total", state="succeeded") == 2, "both are counted", timeout=10)
    scrape = Scrape(port)
    assert 0.05 < scrape.value("celeriac_task_queue_latency_seconds_sum", task="tasks.good") < 60
    assert scrape.value("celeriac_task_queue_latency_seconds_count", task="tasks.late") == 1


@pytest.mark.parametrize(
    ("address", "told"),
    [("9540", "HOST:PORT"), ("nowhere.invalid:80", "cannot be served"), ("unix:/no/such/folder/x.sock", "cannot be served")],
)
def test_an_address_that_cannot_be_had_is_refused(make: Make, address: str, told: str) -> None:
    project = make()

    ended = project.cli("-A", "tasks", "worker", "-c", "1", "--metrics", address)

    assert ended.returncode != 0
    assert told in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
