from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click
import pytest

from celeriac.cli import main as command_line
from celeriac.cli.main import COMMANDS, run_for
from celeriac.lib.importing import symbol_by_name
from celeriac.model.envelope import Settlement, Verdict
from tests.unit.cli.conftest import Run


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_of_the_table_is_there_and_explains_itself(cli: Run, name: str) -> None:
    status, out, _ = cli(name, "--help")

    assert status == 0
    assert f"Usage: celeriac {name}" in out


def test_the_version_is_printed(cli: Run) -> None:
    assert cli("--version")[:2] == (0, "0.1.0 (celeriac)\n")


def test_a_mistyped_command_is_answered_with_the_nearest(cli: Run) -> None:
    status, _, err = cli("wroker")

    assert status == 2
    assert "No such command 'wroker'. Did you mean worker" in err


def test_every_command_has_its_place_in_the_help(cli: Run) -> None:
    _, out, _ = cli("--help")

    assert set() == set(command_line.COMMANDS) - {name for names in command_line.SECTIONS.values() for name in names}
    assert "Queues and messages:" in out


def test_a_plug_in_brings_its_command(cli: Run, tasks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "_plugins", lambda: [EntryPoint("flower", f"{__name__}:plug_in", "celery.commands")])

    status, out, _ = cli("-A", "tasks", "flower", "--port", "5555")

    assert (status, out) == (0, "tasks 5555\n")


@click.command()
@click.option("--port", type=int)
@click.pass_context
def plug_in(ctx: click.Context, port: int) -> None:
    """Do what Flower does: read the application from the context's object."""
    ctx.obj.echo(f"{ctx.obj.app.main} {port}")


@pytest.mark.parametrize("place", ["before", "behind"])
def test_the_application_may_be_named_before_or_behind_the_command(cli: Run, tasks: Path, place: str) -> None:
    named = ["-A", "tasks"]

    status, out, err = cli(*named, "report") if place == "before" else cli("report", *named)

    assert status == 0, err
    assert "broker_url" in out


def test_call_sends_and_prints_the_id(cli: Run, tasks: Path) -> None:
    status, out, err = cli("-A", "tasks", "call", "tasks.add", "-a", "[2, 2]")

    assert status == 0, err
    assert re.fullmatch(r"[0-9a-f-]{36}\n", out)
    assert symbol_by_name("tasks:app").broker.depth("celery") == 1


def test_call_checks_the_arguments_of_a_task_it_knows(cli: Run, tasks: Path) -> None:
    status, _, err = cli("-A", "tasks", "call", "tasks.add", "-a", "[2]")

    assert status == 1
    assert "missing 1 required positional argument: 'y'" in err


def test_call_of_an_unknown_task_is_sent_with_a_hint(cli: Run, tasks: Path) -> None:
    status, out, err = cli("-A", "tasks", "call", "tasks.ad")

    assert status == 0
    assert out.strip()
    assert "Did you mean tasks.add?" in err


@pytest.mark.parametrize("arguments", [("-a", "[1"), ("-a", "{}"), ("-k", "[]"), ("--eta", "soon"), ("--expires", "x"), ("--countdown", "x")])
def test_call_refuses_what_it_cannot_read(cli: Run, tasks: Path, arguments: tuple[str, ...]) -> None:
    status, _, err = cli("-A", "tasks", "call", "tasks.add", *arguments)

    assert status == 2
    assert "Invalid value" in err


def test_result_that_does_not_come_in_time_tells_the_state(cli: Run, tasks: Path) -> None:
    status, _, err = cli("-A", "tasks", "result", "nobody", "--timeout", "0.05")

    assert status == 1
    assert "PENDING" in err


def test_purge_counts_what_it_threw_away(cli: Run, tasks: Path) -> None:
    for _ in range(3):
        cli("-A", "tasks", "call", "tasks.add", "-a", "[2, 2]")

    assert cli("-A", "tasks", "purge", "-f")[:2] == (0, "Purged 3 messages from 1 known task queue.\n")
    assert cli("-A", "tasks", "purge", "-f")[:2] == (0, "No messages purged from 1 queue.\n")


def test_check_finds_nothing_wrong_with_a_plain_application(cli: Run, tasks: Path) -> None:
    status, out, _ = cli("-A", "tasks", "check")

    assert status == 0
    assert "No problems found" in out


def test_check_names_a_mistyped_setting(cli: Run, tasks: Path) -> None:
    tasks.write_text(tasks.read_text() + "app.conf.update(wroker_concurrency=3)\n")

    status, out, _ = cli("-A", "tasks", "check")

    assert status == 0
    assert "worker_concurrency" in out


def test_a_broker_that_this_version_lacks_is_one_clear_error(cli: Run, tasks: Path) -> None:
    status, _, err = cli("-A", "tasks", "-b", "sqs://localhost", "purge", "-f")

    assert status == 1
    assert "no driver yet for the broker 'sqs://localhost'" in err


def dead_letter(app: Any) -> str:
    result = app.tasks["tasks.add"].delay(1, 2)
    broker = app.open_broker(owner="tester")
    (delivery,) = broker.fetch(["celery"], limit=1, wait=0)
    broker.settle([Settlement(Verdict.REJECT, delivery.tag, "celery", reason="because")])
    return str(result.id)


def test_dead_letters_are_listed_shown_and_put_back(cli: Run, tasks: Path) -> None:
    cli("-A", "tasks", "report")
    task_id = dead_letter(symbol_by_name("tasks:app"))

    _, listed, _ = cli("-A", "tasks", "dead", "list")
    _, shown, _ = cli("-A", "tasks", "dead", "show", task_id)
    _, replayed, _ = cli("-A", "tasks", "dead", "replay", task_id)

    assert f"tasks.add[{task_id}]  because" in listed
    assert "reason: because" in shown
    assert replayed == "Put back 1 message.\n"
    assert symbol_by_name("tasks:app").broker.depth("celery") == 1


def test_dead_letters_are_forgotten(cli: Run, tasks: Path) -> None:
    cli("-A", "tasks", "report")
    dead_letter(symbol_by_name("tasks:app"))

    assert cli("-A", "tasks", "dead", "purge", "--all", "-f")[:2] == (0, "Forgot 1 message.\n")
    assert "no dead letters" in cli("-A", "tasks", "dead", "list")[2]


@pytest.mark.parametrize("arguments", [(), ("a", "--all")])
def test_dead_letters_are_named_or_all_never_guessed(cli: Run, tasks: Path, arguments: tuple[str, ...]) -> None:
    status, _, err = cli("-A", "tasks", "dead", "replay", *arguments)

    assert status == 2
    assert "--all" in err


def test_an_application_runs_the_command_line_for_itself(tasks: Path, cli: Run, capsys: pytest.CaptureFixture[str]) -> None:
    cli("-A", "tasks", "report")

    assert run_for(symbol_by_name("tasks:app"), ["report"]) == 0
    assert "memory://" in capsys.readouterr().out
