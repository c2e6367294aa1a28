from __future__ import annotations

from pathlib import Path

import pytest

from celeriac import Celeriac
from tests.unit.cli.conftest import Run


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A broker with two calls that are due and one in an hour."""
    url = f"sqlite:///{tmp_path / 'source.sqlite3'}"
    with Celeriac("source", broker=url, set_as_current=False) as app:
        app.send_task("proj.add", (1, 2))
        app.send_task("proj.mail", ("x",))
        app.send_task("proj.add", (3, 4), countdown=3600)
    return url


@pytest.fixture
def destination(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'destination.sqlite3'}"


def waiting(url: str, queue: str = "celery") -> tuple[int, int]:
    """Return how many messages wait in all, and how many of them are due."""
    with Celeriac("looking", broker=url, set_as_current=False) as app:
        app.broker.declare([app.queues[queue]])
        depth = app.broker.depth(queue)
        return depth, len(app.broker.fetch([queue], limit=9, wait=0.05))


def test_messages_are_moved_delayed_ones_with_their_time(cli: Run, source: str, destination: str) -> None:
    status, out, _ = cli("migrate", source, destination, "-a", "-t", "0.05")

    assert status == 0
    assert out.startswith("Moved 3 messages from")
    assert (0, 0) == waiting(source)
    assert (3, 2) == waiting(destination)


def test_without_acknowledgement_they_are_copied(cli: Run, source: str, destination: str) -> None:
    _, out, _ = cli("migrate", source, destination, "-t", "0.05")

    assert out.startswith("Copied 3 messages")
    assert (3, 2) == waiting(source)
    assert (3, 2) == waiting(destination)


def test_by_task_and_to_another_queue(cli: Run, source: str, destination: str) -> None:
    _, out, _ = cli("migrate", source, destination, "-a", "-t", "0.05", "-T", "proj.mail", "-Q", "celery:post")

    assert out.startswith("Moved 1 message from")
    assert (2, 1) == waiting(source)
    assert (1, 1) == waiting(destination, "post")


def test_at_most_so_many(cli: Run, source: str, destination: str) -> None:
    assert cli("migrate", source, destination, "-a", "-t", "0.05", "-n", "1")[1].startswith("Moved 1 message")


def test_for_ever_needs_to_take_them_away(cli: Run, source: str, destination: str) -> None:
    status, _, err = cli("migrate", source, destination, "-F")

    assert status == 2
    assert "-F needs -a" in err
