"""opentelemetry-instrumentation-celery, unchanged, over the drop-in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.processes import MARKER, end_marked
from tests.harness.requirements import lacking
from tests.harness.waiting import PATIENCE, eventually

BIN = Path(__file__).parents[2] / ".peers" / "third-parties" / "bin"
TASKS = Path(__file__).parent / "instrumented_tasks.py"


class Instrumented:
    """A folder with the tasks, a worker started by ``celery``, and the spans of all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = f"instrumented-{os.getpid()}-{folder.name}"
        shutil.copy(TASKS, folder)
        own = {"CELERIAC_EMBEDDED_FILE": str(folder / "store.sqlite3"), "SPANS": str(folder / "spans.jsonl"), MARKER: self.run}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CELERY_", "CELERIAC_"))}
        self.env = {**kept, **own}
        self.log = folder / "worker.log"
        with self.log.open("wb") as log:
            command = [str(BIN / "celery"), "-A", "instrumented_tasks", "worker", "-c", "1", "-l", "info"]
            self.worker = subprocess.Popen(command, cwd=folder, env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def call(self, code: str) -> None:
        """Run a program that calls tasks."""
        command = [str(BIN / "python"), "-c", f"from instrumented_tasks import *\n{code}"]
        ended = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=40 * PATIENCE, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr + self.log.read_text()

    def spans(self) -> dict[str, Any]:
        """Return the latest span of each name."""
        file = self.folder / "spans.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return {span["name"]: span for span in map(json.loads, lines)}


@pytest.fixture(scope="module")
def instrumented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instrumented]:
    if not (BIN.parent / ".installed").exists():
        lacking("no third parties here (make third-parties)")
    made = Instrumented(tmp_path_factory.mktemp("instrumented"))
    try:
        yield made
    finally:
        made.worker.terminate()
        made.worker.wait(20 * PATIENCE)
        end_marked(made.run)


def wait_for(instrumented: Instrumented, name: str) -> dict[str, Any]:
    return eventually(
        lambda: found if name in (found := instrumented.spans()) else {}, name, timeout=20, explain=lambda: instrumented.log.read_text()
    )


def test_a_call_and_its_run_are_one_trace_also_inside_a_task(instrumented: Instrumented) -> None:
    instrumented.call("calls.delay().get(timeout=30)")

    spans = wait_for(instrumented, "run/instrumented_tasks.add")

    chain = [spans[f"{what}/instrumented_tasks.{name}"] for name in ("calls", "add") for what in ("apply_async", "run")]
    assert len({span["trace"] for span in chain}) == 1
    assert [None, *(span["id"] for span in chain[:-1])] == [span["parent"] for span in chain]
