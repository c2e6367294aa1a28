from __future__ import annotations

from pathlib import Path

from tests.unit.cli.conftest import Run

PROJECT = """
from celeriac import Celeriac
app = Celeriac("proj", broker="memory://{name}")
@app.task
def add(x, y): return x + y
"""


def module(project: Path, name: str) -> str:
    (project / f"{name}.py").write_text(PROJECT.format(name=name))
    return name


def test_nothing_is_handed_back_from_a_store_that_celery_does_not_use(project: Path, cli: Run) -> None:
    status, out, error = cli("-A", module(project, "proj_back"), "hand-back", "-f")

    assert (status, out) == (1, "")
    assert "MemoryBroker lacks Departs" in error


def test_queues_tells_how_many_wait(project: Path, cli: Run) -> None:
    name = module(project, "proj_queues")
    cli("-A", name, "call", f"{name}.add", "-a", "[1, 2]")
    cli("-A", name, "call", f"{name}.add", "-a", "[1, 2]", "--countdown", "100")

    assert cli("-A", name, "queues") == (0, "celery  2\n", "")


def test_what_is_delayed_is_listed_and_removed_by_id(project: Path, cli: Run) -> None:
    name = module(project, "proj_delayed")
    task_id = cli("-A", name, "call", f"{name}.add", "-a", "[1, 2]", "--countdown", "100")[1].strip()

    status, out, _ = cli("-A", name, "delayed", "list")
    assert status == 0
    assert out.startswith(f"{task_id}  ")
    assert out.endswith(f"  celery  {name}.add[{task_id}]\n")
    assert cli("-A", name, "delayed", "remove", task_id, "unknown") == (1, "Removed 1 message.\n", "Nothing is delayed of unknown.\n")
    assert cli("-A", name, "delayed", "list") == (0, "", "Nothing is delayed.\n")
