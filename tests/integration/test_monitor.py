"""The monitor in a terminal, with a real worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from celeriac import Celeriac
from celeriac.cli.monitor.feed import Feed
from tests.harness import redis_server
from tests.harness.project import COMMAND, Project
from tests.harness.terminal import Terminal
from tests.harness.waiting import eventually

MODULE = Path(__file__).parents[1] / "harness" / "sample" / "controlled.py"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with one worker that the tests of this module share."""
    project = Project(tmp_path_factory.mktemp("monitor"), module=MODULE)
    project.worker("-c", "1")
    yield project
    project.close()


@pytest.fixture
def terminal(place: Project) -> Iterator[Terminal]:
    place.client.control.disable_events(reply=True, limit=1, timeout=10)
    terminal = Terminal([COMMAND, "-A", "tasks", "events"], env=place.env(), folder=place.folder)
    yield terminal
    terminal.close()


def test_it_shows_a_worker_and_its_tasks_and_leaves_the_terminal_as_it_was(place: Project, terminal: Terminal) -> None:
    terminal.wait_for(lambda text: "Workers: 1 online" in text and "Events of tasks:" in text, "the worker is there, with events")
    result = place.send("add", 2, 2)
    shown = terminal.wait_for(lambda text: "SUCCESS" in text and "tasks.add" in text, "the task is there")
    assert "q Quit" in shown.splitlines()[-1]

    terminal.press("\re")
    terminal.wait_for(lambda text: result.id in text and "SUCCESS: 4" in text, "the details are there, with the result")
    terminal.press("q")
    terminal.wait_for(lambda text: "Workers:" in text, "the lists are there again")
    terminal.press("q")

    assert terminal.wait_for_end() == 0
    assert terminal.settings == terminal.settings_now()
    assert "are off again in w1@" in terminal.text
    assert b"\x1b[?1049l" in terminal.raw
    told = place.client.control.disable_events(reply=True, limit=1, timeout=10)
    assert told == [{f"w1@{os.uname().nodename}": {"ok": "task events already disabled"}}]


def test_a_task_that_waits_is_revoked_from_it(place: Project, terminal: Terminal) -> None:
    result = place.send("early", 100)
    place.ledger.wait_for("begin", task_id=result.id)
    terminal.wait_for(lambda text: "Workers: 1 online" in text, "the worker is there")
    other = place.send("early", 100)

    terminal.wait_for(lambda text: "RECEIVED" in text and "early" in text, "the second task is there")
    terminal.press("r")
    terminal.wait_for(lambda text: other.id[:8] in text, "it asks")
    terminal.press("y")

    terminal.wait_for(lambda text: "flagged as" in text, "the worker's answer is shown")
    place.client.control.terminate(result.id, reply=True, limit=1, timeout=10)
    assert place.states([result, other]) == {result.id: "REVOKED", other.id: "REVOKED"}


def test_it_turns_events_off_also_when_its_terminal_goes_away(place: Project, terminal: Terminal) -> None:
    terminal.wait_for(lambda text: "Events of tasks:" in text, "events are on")

    terminal.process.send_signal(signal.SIGHUP)

    assert terminal.wait_for_end() == 0
    assert "are off again in w1@" in terminal.text
    assert b"\x1b[?1049l" in terminal.raw


def test_it_listens_as_soon_as_the_broker_is_there(tmp_path: Path) -> None:
    with redis_server.running(tmp_path) as server:
        url = server.new_url()
        with Celeriac("away", broker=url, set_as_current=False) as app, Celeriac("other", broker=url, set_as_current=False) as other:
            server.stop()
            feed = Feed(app, most_tasks=10)
            feed.start()
            eventually(lambda: feed.trouble, "it knows that the broker is away", timeout=30)
            assert not feed.listening
            server.start()
            eventually(lambda: feed.listening, "it listens", timeout=30)

            with other.events.default_dispatcher() as dispatcher:
                dispatcher.send("task-received", uuid="id-1", name="proj.add")

            eventually(lambda: "id-1" in feed.state.tasks, "it hears events", timeout=30)
            feed.stop()


def test_without_a_terminal_it_names_dump(place: Project) -> None:
    done = place.cli("-A", "tasks", "events")

    assert done.returncode == 2
    assert "--dump" in done.stderr


def test_without_textual_it_names_the_extra(place: Project) -> None:
    (place.folder / "textual.py").write_text("raise ModuleNotFoundError('No module named textual', name='textual')\n")
    bare = Terminal([COMMAND, "-A", "tasks", "events"], env=place.env(PYTHONPATH=str(place.folder)), folder=place.folder)

    try:
        assert bare.wait_for_end() == 1
        said = bare.text.replace("\n", "")
        assert "pip install 'celeriac[monitor]'" in said
        assert "--dump" in said
        assert "Traceback" not in said
    finally:
        bare.close()
        (place.folder / "textual.py").unlink()
