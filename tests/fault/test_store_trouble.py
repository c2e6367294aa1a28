"""The file under the worker: locked by others, removed, read-only, not a database."""

from __future__ import annotations

import sqlite3
import time

from tests.harness.project import Project
from tests.harness.waiting import eventually


def test_a_writer_that_holds_the_file_for_seconds_delays_and_loses_nothing(project: Project) -> None:
    worker = project.worker("-c", "2")
    results = project.send_many("safe", 100, 0.005)
    project.ledger.wait_for("end", 20)
    hog = sqlite3.connect(project.store, isolation_level=None, timeout=10)
    hog.execute("BEGIN IMMEDIATE")

    time.sleep(3)  # the length of the obstruction is what is tested
    hog.execute("ROLLBACK")
    hog.close()

    assert set(project.states(results, timeout=30).values()) == {"SUCCESS"}
    account = project.ledger.account(r.id for r in results)
    assert (account.lost, account.doubled) == (set(), set())
    assert worker.process.poll() is None


def test_a_file_that_is_no_database_is_refused_by_name(project: Project) -> None:
    project.store.write_bytes(b"this is a shopping list, not a database " * 100)

    refused = project.cli("-A", "tasks", "worker", "-c", "1", timeout=15)

    assert refused.returncode != 0
    assert str(project.store) in refused.stderr + refused.stdout
    assert "Traceback" not in refused.stderr + refused.stdout


def test_a_folder_that_cannot_be_made_is_refused_by_name(project: Project) -> None:
    (project.folder / "file").touch()
    missing = project.folder / "file" / "folder" / "store.sqlite3"

    refused = project.cli("-A", "tasks", "-b", f"sqlite:///{missing}", "worker", "-c", "1", timeout=15)

    assert refused.returncode != 0
    assert str(missing.parent) in refused.stderr + refused.stdout


def test_the_file_is_sound_after_many_kills(project: Project) -> None:
    project.conf["worker_lease"] = 1.0
    results = project.send_many("safe", 200, 0.002)
    for _ in range(4):
        ended = project.ledger.count("end")
        worker = project.worker("-c", "2")
        project.ledger.wait_for("end", ended + 10, timeout=15)
        worker.process.kill()
        worker.wait_exit()
    eventually(lambda: not project.processes(), "all processes are gone", timeout=5)

    connection = sqlite3.connect(project.store)
    verdict = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()

    assert verdict == ("ok",)
    project.worker("-c", "2")
    assert set(project.states(results).values()) == {"SUCCESS"}


def test_a_client_killed_while_it_sends_leaves_whole_messages_only(project: Project) -> None:
    sender = project.start_python("-c", "from tasks import early\nprint('go', flush=True)\nwhile True: early.delay(0)\n")
    assert sender.stdout is not None
    sender.stdout.readline()
    eventually(lambda: project.depth() > 50, "it sends")
    sender.kill()
    sender.wait()
    sent = project.depth()

    project.worker("-c", "2")

    eventually(lambda: project.ledger.count("end") == sent, "all that was sent has run", timeout=30, explain=project.describe)
    assert project.client.broker.dead("celery") == []
