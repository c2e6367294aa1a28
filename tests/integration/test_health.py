"""Probes tell a worker that hangs from one whose broker is away, and cost next to nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.harness import project as harness
from tests.harness.project import Project
from tests.harness.proxy import Proxy
from tests.harness.rabbitmq import free_port
from tests.harness.redis_project import RedisProject
from tests.harness.redis_server import running
from tests.harness.scraping import Scrape, ask
from tests.harness.waiting import eventually

TASKS = Path(harness.__file__).parent / "sample" / "monitored.py"

MEASURED = """
import sys, celeriac_probe
celeriac_probe.main()
print("apps imported:", sum(name in sys.modules for name in ("celeriac", "tasks")), open("/proc/self/status").read())
"""

Make = Callable[..., Project]


def is_ready(port: int) -> bool:
    return ask(port, "/readyz")[0] == 200


def test_while_the_broker_is_away_a_worker_lives_and_is_not_ready(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        port, proxy = free_port(), Proxy(server.port)
        project = RedisProject(tmp_path, url=server.new_url().replace(str(server.port), str(proxy.port)))
        try:
            proxy.refuse()
            worker = project.worker("-c", "1", "--metrics", f"127.0.0.1:{port}", ready=False)
            eventually(lambda: ask(port, "/livez")[0] == 200, "it lives", timeout=20, explain=worker.describe)
            assert [503, 503] == [ask(port, "/startupz")[0], ask(port, "/health/ready")[0]]
            proxy.flow()
            eventually(lambda: is_ready(port), "it is ready", timeout=20, explain=worker.describe)
            assert ask(port, "/startupz")[0] == 200

            proxy.stall()
            eventually(lambda: ask(port, "/readyz")[0] == 503, "it is not ready", timeout=20, explain=worker.describe)
            assert ask(port, "/livez") == (200, "ok\n")
            proxy.refuse()
            time.sleep(0.5)
            assert ask(port, "/livez") == (200, "ok\n")
            assert ask(port, "/startupz")[0] == 200
            assert Scrape(port).value("celeriac_broker_up") == 0
            assert Scrape(port).value("celeriac_broker_errors_total") >= 1

            proxy.flow()
            eventually(lambda: is_ready(port), "it is ready again", timeout=20, explain=worker.describe)
            assert Scrape(port).value("celeriac_broker_recoveries_total") >= 1
        finally:
            project.close()
            proxy.close()


def test_a_worker_that_stands_still_is_not_live_within_ten_seconds(make_project: Make) -> None:
    project, port = make_project(module=TASKS), free_port()
    worker = project.worker("-c", "1", "--metrics", f"127.0.0.1:{port}")
    assert ask(port, "/livez")[0] == 200

    # The supervisor first: it would continue a consumer that was stopped.
    pids = [worker.supervisor, worker.consumer()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert ask(port, "/livez", timeout=1.0)[0] == 0
        assert time.monotonic() - began < 10
        os.kill(pids[1], signal.SIGCONT)
        eventually(lambda: "supervisor" in ask(port, "/livez")[1], "it says what is wrong")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    eventually(lambda: ask(port, "/livez")[0] == 200, "it lives again")


def test_the_probe_command_costs_less_than_fifty_milliseconds_and_twenty_megabytes(make_project: Make) -> None:
    project = make_project(module=TASKS)
    address = f"unix:{project.folder}/worker.sock"
    project.worker("-c", "1", "--metrics", address)
    command = [sys.executable, "-m", "celeriac_probe", "live", address]
    seconds = []
    for _ in range(5):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        seconds.append(used.ru_utime + used.ru_stime)
    told = project.python("-c", MEASURED, "live", address).stdout
    [memory] = re.findall(r"VmHWM:\s+(\d+) kB", told)

    assert min(seconds) < 0.05
    assert int(memory) < 20 * 1024
    assert "apps imported: 0" in told


def test_the_probe_command_says_no_where_nobody_answers_and_explains_itself_to_nonsense(make_project: Make) -> None:
    project = make_project(module=TASKS)

    away = project.python("-m", "celeriac_probe", "ready", f"127.0.0.1:{free_port()}")
    nonsense = project.python("-m", "celeriac_probe", "alive")

    assert (away.returncode, "no answer" in away.stdout) == (1, True)
    assert (nonsense.returncode, "usage" in nonsense.stderr) == (2, True)


def test_a_scheduler_tells_how_late_it_is(make_project: Make) -> None:
    port = free_port()
    project = make_project(module=TASKS, conf={"beat_schedule": {"often": {"task": "tasks.good", "schedule": 0.3}}})
    beat = subprocess.Popen([harness.COMMAND, "-A", "tasks", "beat", "--metrics", f"127.0.0.1:{port}"], env=project.env(), cwd=project.folder)
    try:
        eventually(lambda: is_ready(port), "it is ready", timeout=20)
        eventually(lambda: Scrape(port).value("celeriac_scheduler_sent_total") >= 2, "it sends", timeout=20)
        assert Scrape(port).value("celeriac_scheduler_leads") == 1
        assert 0 <= Scrape(port).value("celeriac_scheduler_lag_seconds") < 20
        os.kill(beat.pid, signal.SIGSTOP)
        assert ask(port, "/livez", timeout=0.5)[0] == 0
        os.kill(beat.pid, signal.SIGCONT)
        eventually(lambda: ask(port, "/livez")[0] == 200, "it lives again")
    finally:
        beat.terminate()
        beat.wait(20)
