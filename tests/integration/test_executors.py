"""Executors in one process, and task processes that begin as fresh interpreters: what is the same in all, and what each has of its own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from celeriac import exceptions
from tests.harness import project as harness
from tests.harness.project import Project
from tests.harness.waiting import PATIENCE, eventually

TASKS = Path(harness.__file__).parent / "sample" / "executor_tasks.py"

IN_ONE_PROCESS = ("solo", "threads", "asyncio", "gevent", "eventlet")
CONCURRENT = ("threads", "asyncio", "gevent", "eventlet")
GREEN = ("gevent", "eventlet")

Make = Callable[..., Project]


@pytest.fixture
def make(make_project: Make) -> Make:
    return lambda **options: make_project(module=TASKS, **options)


@pytest.fixture(scope="module")
def on_loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with a worker of the asyncio executor that several tests share."""
    project = Project(tmp_path_factory.mktemp("on_loop"), module=TASKS)
    project.worker("-P", "asyncio", "-c", "200")
    yield project
    project.close()


# --- what all of them do


@pytest.mark.parametrize("pool", IN_ONE_PROCESS)
def test_every_executor_runs_functions_and_coroutines_and_tells_failures(make: Make, pool: str) -> None:
    project = make()
    worker = project.worker("-P", pool, "-c", "4")
    sent = project.send_many("add", 200, 1, 2)
    failed = project.send("loses", "on purpose")

    assert {"SUCCESS"} == set(project.states(sent).values())
    assert project.send("naps", 0.01).get(timeout=10) == "napped"
    with pytest.raises(ValueError, match="on purpose"):
        failed.get(timeout=10)
    assert project.depth() == 0
    assert worker.stop() == 0


@pytest.mark.parametrize("pool", CONCURRENT)
def test_tasks_that_wait_wait_side_by_side(make: Make, pool: str) -> None:
    project = make()
    project.worker("-P", pool, "-c", "20")
    begun = time.monotonic()

    project.states(project.send_many("sleeps", 20, 0.5))

    assert time.monotonic() - begun < 4 * PATIENCE
    spans = [(entry.at, entry.event) for entry in project.ledger.entries()]
    assert max(at for at, event in spans if event == "begin") < min(at for at, event in spans if event == "end")


@pytest.mark.parametrize("pool", IN_ONE_PROCESS)
def test_a_warm_shutdown_finishes_what_runs_and_gives_back_the_rest(make: Make, pool: str) -> None:
    project = make()
    worker = project.worker("-P", pool, "-c", "2")
    sent = project.send_many("sleeps", 6, 0.6)
    project.ledger.wait_for("begin", 1 if pool == "solo" else 2)

    assert worker.stop() == 0

    begun = project.ledger.count("begin")
    assert project.ledger.count("end") == begun < 6
    assert project.depth() == 6 - begun
    project.worker("-P", pool, "-c", "3")
    assert {"SUCCESS"} == set(project.states(sent).values())
    account = project.ledger.account(result.id for result in sent)
    assert (account.lost, account.doubled) == (set(), set())


@pytest.mark.parametrize("pool", IN_ONE_PROCESS)
def test_a_cold_shutdown_gives_late_tasks_back_and_records_early_ones_as_lost(make: Make, pool: str) -> None:
    project = make()
    worker = project.worker("-P", pool, "-c", "2")
    late = project.send("sleeps_late", 30)
    project.ledger.wait_for("begin", task_id=late.id)
    early = None
    if pool != "solo":
        early = project.send("sleeps", 30)
        project.ledger.wait_for("begin", task_id=early.id)

    worker.signal(signal.SIGQUIT)

    assert worker.wait_exit(8) == 1
    assert project.depth() == 1
    if early is not None:
        with pytest.raises(exceptions.WorkerLostError):
            early.get(timeout=5)


@pytest.mark.parametrize("pool", CONCURRENT)
def test_the_grace_of_a_warm_shutdown_is_kept(make: Make, pool: str) -> None:
    project = make(conf={"worker_shutdown_timeout": 0.5})
    worker = project.worker("-P", pool, "-c", "2")
    late = project.send("sleeps_late", 30)
    project.ledger.wait_for("begin", task_id=late.id)

    worker.signal(signal.SIGTERM)

    assert worker.wait_exit(8) == 1
    assert project.depth() == 1


@pytest.mark.parametrize("pool", CONCURRENT)
def test_a_long_task_does_not_hold_back_short_ones(make: Make, pool: str) -> None:
    project = make()
    project.worker("-P", pool, "-c", "2")
    project.states(project.send_many("add", 50, 1, 1))
    long = project.send("sleeps", 3)
    begun = time.monotonic()

    project.states(project.send_many("add", 50, 1, 1))

    assert time.monotonic() - begun < 1.5 * PATIENCE
    assert not long.ready()


# --- asyncio


def test_coroutines_run_on_one_loop_and_functions_beside_it(on_loop: Project) -> None:
    begun = time.monotonic()
    results = on_loop.send_many("naps", 200, 0.5)
    assert {"SUCCESS"} == set(on_loop.states(results).values())
    assert time.monotonic() - begun < 5 * PATIENCE

    threads = [on_loop.send("thread_of").get(timeout=5) for _ in range(3)]
    assert {pid for pid, _ in threads} == {on_loop.workers[0].supervisor}


def test_each_coroutine_has_a_context_of_its_own(on_loop: Project) -> None:
    results = {word: on_loop.send("keeps_its_context", word) for word in ("one", "two", "three", "four")}

    assert {word: result.get(timeout=5) for word, result in results.items()} == {word: ["nothing", word, word] for word in results}


def test_a_state_that_was_awaited_is_stored(on_loop: Project, tmp_path: Path) -> None:
    flag = tmp_path / "go"
    result = on_loop.send("tells_progress", str(flag))

    eventually(lambda: result.state == "PROGRESS", "the state is PROGRESS")
    assert result.info == {"done": 1}
    flag.touch()
    assert result.get(timeout=5) == "done"


def test_a_coroutine_awaits_the_tasks_that_it_calls(on_loop: Project) -> None:
    assert on_loop.send("asks_others", 20).get(timeout=10) == 2 * sum(range(20))


def test_coroutines_fail_and_retry_as_functions_do(on_loop: Project) -> None:
    with pytest.raises(KeyError, match="inside"):
        on_loop.send("raises_in_coroutine").get(timeout=5)
    assert on_loop.send("retries").get(timeout=5) == 2


def test_the_soft_limit_is_raised_where_the_coroutine_waits(on_loop: Project) -> None:
    assert float(on_loop.send("over_soft_limit").get(timeout=5)) < 0.3 * PATIENCE

    with pytest.raises(exceptions.SoftTimeLimitExceeded):
        on_loop.send("naps", 30, soft_time_limit=0.2).get(timeout=5)


def test_the_hard_limit_cancels_the_coroutine(on_loop: Project) -> None:
    result = on_loop.send("naps_until_cancelled", time_limit=0.3)

    with pytest.raises(exceptions.TimeLimitExceeded):
        result.get(timeout=5)
    assert on_loop.ledger.count("cancelled", [result.id]) == 1
    on_loop.workers[0].wait_log(rf"Hard time limit \(0\.3s\) exceeded for tasks\.naps_until_cancelled\[{result.id}\]")


def test_a_coroutine_that_ignores_its_cancellation_loses_its_place(on_loop: Project) -> None:
    with pytest.raises(exceptions.TimeLimitExceeded):
        on_loop.send("ignores_its_cancellation").get(timeout=6)
    on_loop.workers[0].wait_log("does not end although it was cancelled")


def test_neither_fetching_nor_writing_holds_up_the_loop(on_loop: Project) -> None:
    ticking = on_loop.send("ticks_on_the_loop", 1.5)
    on_loop.states(on_loop.send_many("sleeps", 100, 0.01))

    assert ticking.get(timeout=10) < 0.15 * PATIENCE


def test_a_cold_shutdown_cancels_coroutines(make: Make) -> None:
    project = make()
    worker = project.worker("-P", "asyncio")
    early, late = project.send("naps_until_cancelled"), project.send("naps_late", 30)
    project.ledger.wait_for("begin", 2)

    worker.signal(signal.SIGQUIT)

    assert worker.wait_exit(6) == 1
    assert project.ledger.count("cancelled", [early.id]) == 1
    assert project.depth() == 1
    assert late.state == "PENDING"
    with pytest.raises(exceptions.WorkerLostError):
        early.get(timeout=5)


@pytest.mark.parametrize(("pool", "task"), [("asyncio", "calculates_on_the_loop"), ("gevent", "calculates"), ("eventlet", "calculates")])
def test_a_task_that_holds_up_the_loop_is_reported_with_where_it_stands(make: Make, pool: str, task: str) -> None:
    project = make()
    worker = project.worker("-P", pool)
    project.send(task, 6)

    worker.wait_log(r"has been holding up the event loop", timeout=6)
    worker.wait_log(rf"in {task}")


# --- gevent and eventlet


@pytest.mark.parametrize("pool", GREEN)
def test_green_tasks_have_soft_and_hard_limits_where_they_wait(make: Make, pool: str) -> None:
    project = make()
    worker = project.worker("-P", pool, "-c", "10")
    soft, uncaught = project.send("sleeps_over_soft_limit"), project.send("sleeps", 30, soft_time_limit=0.3)
    hard, stubborn = project.send("sleeps_over_hard_limit"), project.send("ignores_its_end")

    assert float(soft.get(timeout=5)) < 0.5 * PATIENCE
    with pytest.raises(exceptions.SoftTimeLimitExceeded):
        uncaught.get(timeout=5)
    for result in (hard, stubborn):
        with pytest.raises(exceptions.TimeLimitExceeded):
            result.get(timeout=6)
    worker.wait_log("does not end although its hard time limit has passed")
    assert project.send("add", 1, 1).get(timeout=5) == 2


@pytest.mark.parametrize("pool", GREEN)
def test_green_tasks_go_on_while_the_worker_waits_for_its_broker(make: Make, pool: str) -> None:
    project = make()
    project.worker("-P", pool, "-c", "50")
    ticking = project.send("ticks", 2.5)
    project.states(project.send_many("sleeps", 40, 0.01))

    assert ticking.get(timeout=10) < 0.2 * PATIENCE


@pytest.mark.parametrize("pool", GREEN)
def test_a_worker_that_a_program_starts_patches_late_and_says_so(make: Make, pool: str) -> None:
    project = make()
    program = project.start_python("-c", f"from tasks import app; app.worker_main(['worker', '-P', '{pool}', '-l', 'info'])")
    try:
        assert project.send("add", 2, 2).get(timeout=10) == 4
    finally:
        program.terminate()
        output = program.communicate(timeout=10 * PATIENCE)[0]
    assert f"celeriac worker -P {pool}" in output
    assert program.returncode == 0


# --- threads


def test_tasks_whose_limits_threads_cannot_keep_are_named(make: Make) -> None:
    worker = make().worker("-P", "threads")

    worker.wait_log(r"cannot keep the time_limit of tasks\.ignores_its_cancellation, .*tasks\.sleeps_over_hard_limit")
    worker.wait_log(r"cannot keep the soft_time_limit of tasks\.over_soft_limit")


# --- an executor of one's own


def test_a_program_may_bring_an_executor(make: Make) -> None:
    project = make()
    (project.folder / "mine.py").write_text(
        "from celeriac.worker.executors.threads import Threads\n"
        "class Loud(Threads):\n"
        "    def perform(self, job, tools):\n"
        "        print('here comes', job.delivery.queue)\n"
        "        return super().perform(job, tools)\n"
    )
    worker = project.worker("-P", "mine:Loud", "-c", "2")

    assert project.send("add", 1, 2).get(timeout=10) == 3
    worker.wait_log("here comes celery")


# --- prefork with fresh interpreters, and on poorer platforms


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_task_processes_may_begin_as_fresh_interpreters(make: Make, method: str) -> None:
    project = make()
    worker = project.worker("-c", "2", "--pool-start-method", method)
    sent = project.send_many("add", 300, 1, 2)

    assert {"SUCCESS"} == set(project.states(sent).values())
    with pytest.raises(exceptions.TimeLimitExceeded):
        project.send("sleeps_over_hard_limit").get(timeout=10)
    assert float(project.send("sleeps_over_soft_limit").get(timeout=10)) < 0.6 * PATIENCE
    assert project.send("add", 3, 3).get(timeout=10) == 6
    assert worker.stop() == 0


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_fresh_processes_are_replaced_and_end_with_their_supervisor(make: Make, method: str) -> None:
    project = make()
    worker = project.worker("-c", "1", "--pool-start-method", method)
    pid = project.send("thread_of").get(timeout=10)[0]
    assert pid != worker.supervisor

    os.kill(pid, signal.SIGKILL)
    assert project.send("thread_of").get(timeout=10)[0] != pid

    psutil.Process(worker.supervisor).kill()
    eventually(lambda: not project.processes(), "every process has ended with its supervisor")


def test_settings_of_the_command_line_reach_fresh_processes(make: Make) -> None:
    project = make()
    project.worker("-c", "1", "--pool-start-method", "spawn", "task.track_started=true")
    result = project.send("sleeps", 30)

    eventually(lambda: result.state == "STARTED", "the state is STARTED")


@pytest.mark.parametrize("without", ["packets,parent_death", "fork"])
def test_prefork_works_without_what_only_some_platforms_have(make: Make, without: str) -> None:
    project = make()
    worker = project.worker("-c", "2", env={"CELERIAC_WITHOUT": without})
    sent = project.send_many("add", 300, 1, 2)

    assert {"SUCCESS"} == set(project.states(sent).values())
    assert worker.stop() == 0


def test_without_shared_sockets_a_worker_runs_threads(make: Make) -> None:
    project = make()
    worker = project.worker(env={"CELERIAC_WITHOUT": "fork,sockets,packets,parent_death"})

    assert project.send("thread_of").get(timeout=10)[0] == worker.supervisor


def test_prefork_is_refused_where_it_cannot_be_had(make: Make) -> None:
    run = make().cli("-A", "tasks", "worker", "-P", "prefork", CELERIAC_WITHOUT="sockets")

    assert run.returncode == 2
    assert "Take -P threads or -P asyncio" in run.stderr


