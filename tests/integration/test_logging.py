"""The log of a real worker: its files, the order of its lines, and what is the program's own affair."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.project import Project
from tests.harness.waiting import eventually

LINE = re.compile(r"Task tasks\.add\[(?P<id>[0-9a-f-]+)\] (?P<turn>received|succeeded)")


def turns(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in LINE.finditer(text):
        found.setdefault(line["id"], []).append(line["turn"])
    return found


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_what_was_received_stands_above_how_it_ended(make_project: Callable[..., Project], pool: str) -> None:
    project = make_project()
    project.worker("-P", pool, "-c", "2", "-f", "all.log", ready=False)
    for number in range(40):
        project.send("add", number, 1).get(timeout=20)
    project.states(project.send_many("add", 300, 1, 2))
    log = project.folder / "all.log"
    eventually(lambda: log.read_text().count(" succeeded in ") >= 340, "all is written", explain=log.read_text)

    found = turns(log.read_text())

    assert 340 == len(found)
    assert [["received", "succeeded"]] == list({tuple(each): each for each in found.values()}.values())


def test_each_process_has_a_file_where_the_name_asks_for_it(make_project: Callable[..., Project]) -> None:
    project = make_project()
    worker = project.worker("-c", "1", "-n", "blue@box.example.org", "-f", "%n-%h-%d%I.log", ready=False)
    project.send("add", 1, 1).get(timeout=20)
    main, child = (project.folder / name for name in ("blue-box.example.org-example.org.log", "blue-box.example.org-example.org-1.log"))
    eventually(lambda: child.exists() and " succeeded in " in child.read_text(), "the task process has written", explain=worker.describe)

    assert [["received"], ["succeeded"]] == [next(iter(turns(path.read_text()).values())) for path in (main, child)]


OWN = """
import logging
from celeriac import Celeriac, signals

app = Celeriac("tasks")

@signals.setup_logging.connect
def set_up(**named):
    logging.basicConfig(filename="own.log", level=logging.INFO, format="OWN %(name)s %(message)s")

@app.task
def says():
    print("printed by the task", flush=True)
    logging.getLogger("some.package").info("said by a package")
"""


def test_a_program_that_sets_up_its_log_itself_keeps_its_output_too(make_project: Callable[..., Project], tmp_path: Path) -> None:
    module = tmp_path / "own_tasks.py"
    module.write_text(OWN)
    project = make_project(module=module)
    worker = project.worker("-c", "1", "-f", "ours.log", ready=False)
    project.send("says").get(timeout=20)
    own = project.folder / "own.log"
    eventually(lambda: " succeeded in " in own.read_text(), "it has logged", explain=worker.describe)

    assert "OWN some.package said by a package" in own.read_text()
    assert "printed by the task" not in own.read_text()
    assert "printed by the task" in worker.log
    assert not (project.folder / "ours.log").exists()
