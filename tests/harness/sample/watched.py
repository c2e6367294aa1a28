"""Tasks and a camera for the tests of events; copied into a project's folder as ``tasks.py``."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from celeriac import Celeriac
from celeriac.events.snapshot import Polaroid

app = Celeriac("tasks")
app.conf.update(json.loads(os.environ.get("CELERIAC_TEST_CONF", "{}")))


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task
def wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)


@app.task(bind=True)
def tells(self: Any) -> None:
    self.send_event("task-halfway", done=50)


@app.task(send_events=False)
def secret() -> None:
    return None


class Counting(Polaroid):
    clear_after = True

    def on_shutter(self, state: Any) -> None:
        if state.tasks:
            with open("pictures", "a") as file:
                file.write("".join(f"{task.name} {task.state}\n" for task in state.tasks.values()))
