"""Messages that cannot be run: set aside with their reason, never thrown away, never in anybody's way."""

from __future__ import annotations

import json

import pytest

from celeriac import exceptions
from celeriac.model.envelope import Envelope, Outgoing
from tests.harness.project import Project
from tests.harness.waiting import eventually


def publish(project: Project, headers: dict[str, object], body: bytes, content_type: str = "application/json", encoding: str = "utf-8") -> None:
    envelope = Envelope(headers=headers, body=body, content_type=content_type, content_encoding=encoding)
    project.client.broker.publish([Outgoing(envelope, routing_key="celery")])


def dead(project: Project) -> list[object]:
    return list(project.client.broker.dead("celery"))


def test_an_unregistered_task_fails_and_is_set_aside(project: Project) -> None:
    worker = project.worker("-c", "1")

    result = project.send("not_written_yet", 1)

    with pytest.raises(exceptions.NotRegistered):
        result.get(timeout=10)
    worker.wait_log(r"ERROR.*Received unregistered task of type 'tasks\.not_written_yet'")
    listed = project.cli("-A", "tasks", "dead", "list")
    assert "tasks.not_written_yet" in listed.stdout
    assert result.id in listed.stdout


def test_what_was_set_aside_can_be_put_back_when_the_task_is_written(project: Project) -> None:
    old = project.worker("-c", "1")
    result = project.send("not_written_yet", 4)
    eventually(lambda: dead(project), "the message is set aside")
    old.stop()
    with (project.folder / "tasks.py").open("a") as file:
        file.write("\n\n@app.task\ndef not_written_yet(n):\n    return n * n\n")
    project.worker("-c", "1")

    replayed = project.cli("-A", "tasks", "dead", "replay", "--all")

    assert replayed.returncode == 0, replayed.stderr
    eventually(lambda: project.client.AsyncResult(result.id).state == "SUCCESS", "the replayed task succeeded", explain=project.describe)
    assert project.client.AsyncResult(result.id).get(timeout=5) == 16
    assert dead(project) == []


def test_what_was_set_aside_can_be_thrown_away(project: Project) -> None:
    project.worker("-c", "1")
    project.send("not_written_yet", 4)
    eventually(lambda: dead(project), "the message is set aside")

    purged = project.cli("-A", "tasks", "dead", "purge", "--all", "-f")

    assert purged.returncode == 0, purged.stderr
    assert dead(project) == []


MALFORMED = {
    "a body that is not JSON": ({"task": "tasks.add", "id": "m1", "lang": "py"}, b"\xff{{{", "application/json"),
    "a body of the wrong shape": ({"task": "tasks.add", "id": "m2", "lang": "py"}, b'{"no": "list"}', "application/json"),
    "no task and no id": ({}, json.dumps({"hello": "world"}).encode(), "application/json"),
    "a content type that is not accepted": ({"task": "tasks.add", "id": "m4", "lang": "py"}, b"\x80\x04N.", "application/x-python-serialize"),
    "a content type that nobody knows": ({"task": "tasks.add", "id": "m5", "lang": "py"}, b"...", "application/x-odd"),
    "args of the wrong type": ({"task": "tasks.add", "id": "m6", "lang": "py"}, b'[7, {}, {}]', "application/json"),
    "an eta that is no time": ({"task": "tasks.add", "id": "m7", "lang": "py", "eta": "soon"}, b"[[1, 2], {}, {}]", "application/json"),
    "headers of odd types": ({"task": 7, "id": [1]}, b"[[1, 2], {}, {}]", "application/json"),
    "an unknown compression": ({"task": "tasks.add", "id": "m9", "compression": "application/x-odd"}, b"[[1, 2], {}, {}]", "application/json"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_message_does_not_hurt_its_neighbours(shared: Project, case: str) -> None:
    headers, body, content_type = MALFORMED[case]
    before = len(shared.client.broker.dead("celery", limit=1000))
    alive = shared.workers[0].children
    publish(shared, headers, body, content_type)

    assert shared.send("add", 1, 1).get(timeout=10) == 2
    letters = eventually(
        lambda: found if len(found := shared.client.broker.dead("celery", limit=1000)) > before else None, "it is set aside", explain=shared.describe
    )
    assert len(letters[0].reason) > 10
    assert letters[0].envelope.body == body
    assert shared.workers[0].children == alive


def test_a_message_of_another_language_runs(shared: Project) -> None:
    publish(shared, {"task": "tasks.add", "id": "from-elsewhere"}, b"[[2, 3], {}, null]")

    assert shared.client.AsyncResult("from-elsewhere").get(timeout=10) == 5


def test_a_message_of_protocol_one_runs(shared: Project) -> None:
    publish(shared, {}, json.dumps({"task": "tasks.add", "id": "of-version-one", "args": [3, 3], "kwargs": {}}).encode())

    assert shared.client.AsyncResult("of-version-one").get(timeout=10) == 6
