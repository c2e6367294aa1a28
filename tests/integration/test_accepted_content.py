"""Workers that accept one kind of content only: messages that workers send to each other are of that kind too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.project import Project

GOLDEN = Path(__file__).parents[1] / "golden" / "signed.json"
TASKS = """
from celeriac import Celeriac, chord

app = Celeriac("accepting", **SETTINGS)
if app.conf.task_serializer == "auth":
    app.setup_security()

@app.task(bind=True, max_retries=2)
def add(self, x, y):
    if self.request.retries == 0:
        raise self.retry(countdown=0.01)
    return x + y

@app.task
def total(numbers):
    return sum(numbers)
"""
CLIENT = """
from content import *
print(chord([add.s(1, 1), add.s(2, 2)], total.s()).delay().get(timeout=30))
"""


def settings_of(kind: str, folder: Path) -> dict[str, Any]:
    if kind != "auth":
        return {"task_serializer": kind, "result_serializer": kind, "accept_content": [kind]}
    golden = json.loads(GOLDEN.read_text())
    (folder / "key.pem").write_text(golden["private_key"])
    (folder / "cert.pem").write_text(golden["certificate"])
    files = {"security_key": "key.pem", "security_certificate": "cert.pem", "security_cert_store": "cert*.pem"}
    named = {setting: str(folder / name) for setting, name in files.items()}
    return {"task_serializer": "auth", "accept_content": ["auth"], "result_accept_content": ["json"], **named}


@pytest.mark.parametrize("kind", ["auth", "msgpack"])
def test_retries_and_chords_run_where_json_is_not_accepted(make_project: Callable[..., Project], kind: str) -> None:
    project = make_project()
    (project.folder / "content.py").write_text(TASKS.replace("SETTINGS", repr(settings_of(kind, project.folder))))
    project.worker("-c", "1", app="content")
    finished = project.python("-c", CLIENT, timeout=40)

    assert "6\n" == finished.stdout, finished.stderr
