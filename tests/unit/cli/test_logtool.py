from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

LOG = """
 celery@h  celeriac 0.1.0
[2026-01-02 03:04:05,678: INFO/MainProcess] celery@h ready.
[2026-01-02 03:04:06,001: INFO/MainProcess] Task proj.add[a-1] received
[2026-01-02 03:04:06,002: INFO/ForkPoolWorker-1] Task proj.add[a-1] succeeded in 0.001s: 3
[2026-01-02 03:04:07,001: INFO/MainProcess] Task proj.bad[b-1] received
[2026-01-02 03:04:07,002: ERROR/ForkPoolWorker-1] Task proj.bad[b-1] raised unexpected: ValueError('no')
Traceback (most recent call last):
  File "proj.py", line 6, in bad
ValueError: no
[2026-01-02 03:04:08,001: INFO/MainProcess] Task proj.bad[b-2] received
[2026-01-02 03:04:08,002: ERROR/ForkPoolWorker-1] Task proj.bad[b-2] raised unexpected: ValueError('no')
Traceback (most recent call last):
  File "proj.py", line 6, in bad
ValueError: no
[2026-01-02 03:04:09,001: INFO/MainProcess] Task proj.long[c-1] received
[2026-01-02 03:04:09,002: INFO/ForkPoolWorker-1] Task proj.long[c-1] retry: Retry in 3s
[2026-01-02 03:04:09,003: INFO/MainProcess] Discarding revoked task: proj.old[d-1] (expired)
"""


@pytest.fixture
def log(tmp_path: Path) -> str:
    path = tmp_path / "worker.log"
    path.write_text(LOG.lstrip("\n"))
    return str(path)


def test_stats_count_by_task_and_in_all(cli: Run, log: str) -> None:
    _, out, _ = cli("logtool", "stats", log)

    assert "proj.bad: 2 received, 2 raised unexpected" in out
    assert "proj.old: 1 revoked" in out
    assert out.splitlines()[-1].startswith("Total: 4 received")


def test_errors_have_their_tracebacks_and_traces_are_counted(cli: Run, log: str) -> None:
    errors, traces = cli("logtool", "errors", log)[1], cli("logtool", "traces", log)[1]

    assert 2 == errors.count("raised unexpected") == errors.count("ValueError: no\n")
    assert traces.startswith("2 x\nTraceback")


def test_what_has_not_ended_is_incomplete_in_whichever_order_files_are_read(cli: Run, log: str, tmp_path: Path) -> None:
    (tmp_path / "child.log").write_text("[2026-01-02 03:04:06,002: INFO/P-1] Task proj.add[e-1] succeeded in 0.001s: 3\n")
    (tmp_path / "main.log").write_text("[2026-01-02 03:04:06,001: INFO/MainProcess] Task proj.add[e-1] received\n")

    assert "proj.long[c-1]\n" == cli("logtool", "incomplete", str(tmp_path / "child.log"), str(tmp_path / "main.log"), log)[1]


def test_debug_shows_the_rest(cli: Run, log: str) -> None:
    told = cli("logtool", "debug", log)[1].splitlines()

    assert [" celery@h  celeriac 0.1.0", "[2026-01-02 03:04:05,678: INFO/MainProcess] celery@h ready."] == told


def test_json_logs_are_read_too(cli: Run, tmp_path: Path) -> None:
    path = tmp_path / "json.log"
    path.write_text('{"time": "x", "message": "Task proj.add[a-1] received"}\n{"message": "Task proj.add[a-1] succeeded in 0.1s: 3"}\n')

    assert "Total: 1 received, 1 succeeded\n" in cli("logtool", "stats", str(path))[1]
