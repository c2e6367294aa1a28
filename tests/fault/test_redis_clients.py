"""Programs that send tasks and wait for results while Redis is away: every call ends in time, with a clear error or with what it wanted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from celeriac.exceptions import OperationalError
from celeriac.exceptions import TimeoutError as ResultTimeoutError
from tests.harness.fixtures import ROUNDS
from tests.harness.proxy import Proxy, unanswered_port
from tests.harness.redis_project import RedisProject, resumed
from tests.harness.redis_server import RedisServer, running
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")

LIMIT = 1.5
"""The setting ``broker_publish_timeout`` (seconds) of these clients; the driver's own timeouts are longer, as they are by default."""
SLACK = 0.25
AWAY = 300.0 if ROUNDS >= 20 else 3.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def project(server: RedisServer, proxy: Proxy, make_redis_project: Callable[..., RedisProject]) -> RedisProject:
    """Its client goes through the proxy, its workers do not."""
    url = server.new_url()
    made = make_redis_project(url=url, client_url=f"redis://127.0.0.1:{proxy.port}/{url.rpartition('/')[2]}")
    made.client.conf.update(broker_publish_timeout=LIMIT, broker_transport_options={}, result_backend_transport_options={})
    return made


def failing(project: RedisProject) -> float:
    """Send a task that cannot be sent; return how long it took to say so."""
    begun = time.monotonic()
    with pytest.raises(OperationalError) as refused:
        project.send("add", 1, 1)
    took = time.monotonic() - begun
    assert "127.0.0.1" in str(refused.value)
    return took


@pytest.mark.parametrize("connected", [True, False], ids=["connected before", "never connected"])
@pytest.mark.parametrize("how", ["refuse", "stall"])
def test_a_call_ends_within_the_publish_timeout(project: RedisProject, proxy: Proxy, how: str, connected: bool, figures: Any) -> None:
    if connected:
        project.send("add", 1, 1)
    getattr(proxy, how)()

    took = [failing(project) for _ in range(2)]

    figures(f"delay() while the server is away ({how}, {'connected before' if connected else 'never connected'})", took)
    assert max(took) < LIMIT + SLACK
    proxy.flow()
    assert project.send("add", 1, 1).id


def test_a_call_to_a_machine_that_is_switched_off_ends_within_the_publish_timeout(make_redis_project: Any, figures: Any) -> None:
    with unanswered_port() as port:
        project = make_redis_project(url=f"redis://127.0.0.1:{port}/0")
        project.client.conf.update(broker_publish_timeout=LIMIT, broker_transport_options={})

        took = [failing(project) for _ in range(2)]

    figures("delay() to a machine that is switched off", took)
    assert max(took) < LIMIT + SLACK


def test_many_threads_are_told_in_time(project: RedisProject, proxy: Proxy, figures: Any) -> None:
    project.send("add", 1, 1)
    proxy.stall()
    took: list[float] = []
    threads = [threading.Thread(target=lambda: took.append(failing(project))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    figures("delay() of 20 threads at once in a black hole", took)
    assert len(took) == 20
    assert max(took) < LIMIT + SLACK
    proxy.flow()
    assert project.send("add", 1, 1).id


@pytest.mark.timeout(500)
def test_a_long_absence_leaves_a_client_that_works_at_once_afterwards(project: RedisProject, proxy: Proxy, figures: Any) -> None:
    project.send("add", 1, 1)
    proxy.refuse()
    ends = time.monotonic() + AWAY
    took = []
    while time.monotonic() < ends:
        took.append(failing(project))
    proxy.flow()

    begun = time.monotonic()
    project.send("add", 1, 1)
    figures(f"delay() while Redis is away for {AWAY:g} s", took, f"the first call afterwards took {time.monotonic() - begun:.3f} s")

    assert max(took) < LIMIT + SLACK
    assert time.monotonic() - begun < 0.5
    assert proxy.open <= 2


@pytest.mark.parametrize("how", ["refuse", "stall"])
def test_waiting_for_a_result_ends_in_time_too(project: RedisProject, proxy: Proxy, how: str, figures: Any) -> None:
    result = project.send("add", 1, 1)
    with suppress(ResultTimeoutError):
        result.get(timeout=0.2)
    getattr(proxy, how)()

    begun = time.monotonic()
    with pytest.raises((ResultTimeoutError, OperationalError)):
        result.get(timeout=1)

    took = time.monotonic() - begun
    figures(f"get(timeout=1) while the server is away ({how})", [took])
    assert took < 1.5


def test_two_hundred_threads_wait_over_few_connections_through_cuts(project: RedisProject, proxy: Proxy, figures: Any) -> None:
    results = project.send_many("early", 200, 0.01)
    most = 0
    values: list[Any] = []
    errors: list[BaseException] = []

    def wait(result: Any, number: int) -> None:
        try:
            values.append(result.get(timeout=30))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=wait, args=(result, n)) for n, result in enumerate(results)]
    for thread in threads:
        thread.start()
    most = max(most, proxy.open)
    worker = project.worker("-c", "2")
    for number in range(10):
        eventually(lambda: len(values) + len(errors) >= 18 * number, "results come", timeout=20, explain=worker.describe)  # noqa: B023
        most = max(most, proxy.open)
        proxy.cut(reset=bool(number % 2))
        most = max(most, proxy.open)
    for thread in threads:
        thread.join(30)

    figures("200 threads wait while their connection is cut 10 times", f"at most {most} connections, {len(errors)} errors")
    assert (len(values), errors) == (200, [])
    assert most <= 4
    assert resumed(project) < 5
