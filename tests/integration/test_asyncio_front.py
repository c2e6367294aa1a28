"""The client under asyncio, and the typed one in its own process."""

from __future__ import annotations

from tests.harness.project import Project

AWAITS = """
import asyncio, time
from tasks import add

async def lag(stop):
    worst = 0.0
    while not stop.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        worst = max(worst, time.perf_counter() - began - 0.001)
    return worst

async def main():
    one = await add.adelay(2, 2)
    print(await one)
    stop = asyncio.Event()
    watch = asyncio.create_task(lag(stop))
    results = await asyncio.gather(*(add.adelay(n, 1) for n in range(500)))
    values = await asyncio.gather(*results)
    stop.set()
    print(values == [n + 1 for n in range(500)])
    print(await watch)

asyncio.run(main())
"""

CALLS = """
from tasks import add, early
result = add.delay(4, 4)
print(result.get(timeout=10), result.state, result.ready())
try:
    add.delay("x")
except TypeError as error:
    print(error)
print(add.apply_async((2, 2), countdown=0.2, expires=60, queue="celery", task_id="chosen").get(timeout=10))
print(add.s(1).delay(2).get(timeout=10), (add.s(1, 2) | add.s(3)).delay().get(timeout=10))
print(add(1, 1), add.apply((1, 2)).get())
"""


def test_results_are_awaited_without_blocking_the_loop(shared: Project) -> None:
    finished = shared.python("-c", AWAITS, timeout=40)

    assert finished.returncode == 0, finished.stderr
    value, all_right, worst_lag = finished.stdout.split()
    assert (value, all_right) == ("4", "True")
    assert float(worst_lag) < 0.1


def test_the_quick_start_does_what_it_says(shared: Project) -> None:
    finished = shared.python("-c", CALLS)

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines() == [
        "8 SUCCESS True", "add() missing 1 required positional argument: 'y'", "4", "3 6", "2 3",
    ]


def test_a_client_that_forks_keeps_working_in_both_processes(shared: Project) -> None:
    forks = """
import os
from tasks import add
add.delay(1, 1).get(timeout=10)
pid = os.fork()
right = add.delay(os.getpid(), 0).get(timeout=10) == os.getpid()
if not pid:
    os._exit(0 if right else 1)
print(right, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    finished = shared.python("-c", forks)

    assert (finished.returncode, finished.stdout.split()) == (0, ["True", "0"]), finished.stderr


def test_threads_share_one_client(shared: Project) -> None:
    threads = """
from concurrent.futures import ThreadPoolExecutor
from tasks import add
with ThreadPoolExecutor(16) as pool:
    print(sum(pool.map(lambda n: add.delay(n, 1).get(timeout=20), range(400))))
"""
    finished = shared.python("-c", threads, timeout=40)

    assert (finished.returncode, finished.stdout.strip()) == (0, str(sum(range(400)) + 400)), finished.stderr
