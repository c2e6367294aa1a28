"""The two commands of the quick start, and what goes with them."""

from __future__ import annotations

import re

import pytest

from tests.harness.project import Project


def test_call_prints_the_id_and_result_the_value(shared: Project) -> None:
    called = shared.cli("-A", "tasks", "call", "tasks.add", "-a", "[2, 2]")
    assert called.returncode == 0, called.stderr
    task_id = called.stdout.strip()
    assert re.fullmatch(r"[0-9a-f-]{36}", task_id)
    shared.client.AsyncResult(task_id).get(timeout=10)

    shown = shared.cli("-A", "tasks", "result", task_id)

    assert (shown.returncode, shown.stdout.strip()) == (0, "4"), shown.stderr


def test_the_application_may_be_named_behind_the_command(shared: Project) -> None:
    called = shared.cli("call", "-A", "tasks", "tasks.echo", "-a", "[1]", "-k", '{"two": 2}')

    assert called.returncode == 0, called.stderr
    assert shared.client.AsyncResult(called.stdout.strip()).get(timeout=10) == [[1], {"two": 2}]


def test_the_banner_says_where_the_embedded_file_lies(shared: Project) -> None:
    assert str(shared.store) in shared.workers[0].log


def test_the_banner_lists_queues_and_tasks(shared: Project) -> None:
    log = shared.workers[0].log

    assert "celery" in log[log.index("[queues]") : log.index("[tasks]")]
    assert "tasks.add" in log[log.index("[tasks]") :]


def test_purge_throws_away_what_waits(project: Project) -> None:
    project.client.broker.connect()
    for _ in range(3):
        project.send("add", 1, 1)

    purged = project.cli("-A", "tasks", "purge", "-f")

    assert purged.returncode == 0, purged.stderr
    assert "3" in purged.stdout + purged.stderr
    assert project.depth() == 0


def test_report_names_versions_and_settings(project: Project) -> None:
    report = project.cli("-A", "tasks", "report")

    assert report.returncode == 0, report.stderr
    assert "celeriac" in report.stdout
    assert "broker_url" in report.stdout


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("worker", "--help"), ("-A", "tasks", "check")])
def test_commands_that_only_tell_succeed(project: Project, arguments: tuple[str, ...]) -> None:
    finished = project.cli(*arguments)

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.strip()


def test_check_names_a_mistyped_setting(project: Project) -> None:
    project.conf["wroker_concurrency"] = 3

    checked = project.cli("-A", "tasks", "check")

    assert "worker_concurrency" in checked.stdout + checked.stderr


def test_the_worker_warns_of_a_mistyped_setting(project: Project) -> None:
    project.conf["task_allways_eager"] = True

    project.worker("-c", "1").wait_log("task_always_eager")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-A", "no_such_module", "worker"), "no_such_module"),
        (("-A", "json", "worker"), "json"),
        (("-A", "tasks", "wroker"), "worker"),
        (("-A", "tasks", "worker", "--no-such-option"), "no-such-option"),
        (("-A", "tasks", "worker", "-P", "nonsense"), "nonsense"),
        (("-A", "tasks", "worker", "-c", "many"), "many"),
    ],
)
def test_a_mistake_on_the_command_line_is_named(project: Project, arguments: tuple[str, ...], said: str) -> None:
    refused = project.cli(*arguments)

    assert refused.returncode not in (0, None)
    assert said in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr


def test_an_error_inside_the_users_module_is_shown_as_it_is(project: Project) -> None:
    (project.folder / "broken.py").write_text("import does_not_exist_anywhere\n")

    refused = project.cli("-A", "broken", "worker")

    assert refused.returncode != 0
    assert "does_not_exist_anywhere" in refused.stderr + refused.stdout


def test_the_log_may_go_to_a_file(project: Project) -> None:
    worker = project.worker("-c", "1", "--logfile", "%n.log", ready=False)
    log = project.folder / "w1.log"
    result = project.send("add", 1, 2)
    assert result.get(timeout=15) == 3
    assert worker.stop() == 0

    assert f"Task tasks.add[{result.id}] succeeded" in log.read_text()
    assert f"Task tasks.add[{result.id}]" not in re.sub(r".*w1\.log.*", "", worker.log)
