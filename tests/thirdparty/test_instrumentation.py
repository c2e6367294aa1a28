"""opentelemetry-instrumentation-celery and sentry-sdk's integration, unchanged, over the drop-in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness.processes import MARKER, end_marked
from tests.harness.requirements import lacking
from tests.harness.waiting import PATIENCE, eventually

BIN = Path(__file__).parents[2] / ".peers" / "third-parties" / "bin"


class Instrumented:
    """A folder with the tasks, a worker started by ``celery``, and what all have told."""

    def __init__(self, folder: Path, module: str, **environment: str) -> None:
        self.module = module
        self.told = folder / "told.jsonl"
        self.folder = folder
        self.run = f"instrumented-{os.getpid()}-{folder.name}"
        shutil.copy(Path(__file__).parent / f"{module}.py", folder)
        own = {"CELERIAC_EMBEDDED_FILE": str(folder / "store.sqlite3"), "TOLD": str(self.told), MARKER: self.run}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CELERY_", "CELERIAC_"))}
        self.env = {**kept, **own, **environment}
        self.log = folder / "worker.log"
        with self.log.open("wb") as log:
            command = [str(BIN / "celery"), "-A", module, "worker", "-c", "1", "-l", "info"]
            self.worker = subprocess.Popen(command, cwd=folder, env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def call(self, code: str) -> None:
        """Run a program that calls tasks."""
        command = [str(BIN / "python"), "-c", f"from {self.module} import *\n{code}"]
        ended = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=40 * PATIENCE, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr + self.log.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """Return everything that was told, in its order."""
        whole = self.told.read_text() if self.told.exists() else ""
        return [json.loads(line) for line in whole.splitlines(keepends=True) if line.endswith("\n")]

    def spans(self) -> dict[str, Any]:
        """Return the latest span of each name."""
        return {span["name"]: span for span in self.lines()}

    def end(self) -> None:
        """Shut the worker down."""
        self.worker.terminate()
        self.worker.wait(20 * PATIENCE)


@contextmanager
def running(folder: Path, module: str, **environment: str) -> Iterator[Instrumented]:
    if not (BIN.parent / ".installed").exists():
        lacking("no third parties here (make third-parties)")
    made = Instrumented(folder, module, **environment)
    try:
        yield made
    finally:
        made.end()
        end_marked(made.run)


@pytest.fixture(scope="module")
def instrumented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instrumented]:
    with running(tmp_path_factory.mktemp("instrumented"), "instrumented_tasks") as made:
        yield made


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


def test_a_failure_has_error_status_in_opentelemetry(instrumented: Instrumented) -> None:
    instrumented.call("divide.delay(1, 0).get(timeout=30, propagate=False)")

    name = "run/instrumented_tasks.divide"
    assert "ERROR" == wait_for(instrumented, name)[name]["status"]


def test_a_retry_and_the_next_step_of_a_chain_stay_in_the_trace(instrumented: Instrumented) -> None:
    instrumented.call("(first.s() | second.s()).delay().get(timeout=30)")

    wait_for(instrumented, "run/instrumented_tasks.second")
    spans = [span for span in instrumented.lines() if span["name"].endswith((".first", ".second"))]
    assert 6 == len(spans)
    assert 1 == len({span["trace"] for span in spans})
    parents = {span["id"]: span for span in spans}
    path, span = [], next(span for span in spans if span["name"] == "run/instrumented_tasks.second")
    while span is not None:
        path.append(span["name"].replace("instrumented_tasks.", ""))
        span = parents.get(span["parent"])
    assert ["run/second", "apply_async/second", "run/first", "apply_async/first", "run/first", "apply_async/first"] == path


def test_sentry_has_the_errors_and_one_trace_and_is_flushed_when_a_task_process_ends(tmp_path: Path) -> None:
    with running(tmp_path, "sentried_tasks") as sentried:
        sentried.call(
            "with sentry_sdk.start_transaction(op='test', name='caller'):\n"
            "    results = [calls.delay(), divide.delay(1, 0), breaks.delay(), again.delay()]\n"
            "for result in results: result.get(timeout=30, propagate=False)"
        )
        ran = eventually(
            lambda: found if 7 == len(found := _transactions(sentried)) else [], "all ran", timeout=20, explain=lambda: sentried.log.read_text()
        )
        sentried.end()

    told = sentried.lines()
    caller = next(line for line in told if line.get("transaction") == "caller")
    assert {caller["contexts"]["trace"]["trace_id"]} == {line["contexts"]["trace"]["trace_id"] for line in ran}
    names = ["add", "add", "again", "again", "breaks", "calls", "divide"]
    assert names == sorted(line["transaction"].removeprefix("sentried_tasks.") for line in ran)
    errors = {line["exception"]["values"][-1]["type"]: line for line in told if line["type"] == "event"}
    assert {"ZeroDivisionError", "KeyError"} == set(errors)
    assert 2 == sum(line["type"] == "event" for line in told)
    job = errors["ZeroDivisionError"]
    assert {"task_name": "sentried_tasks.divide", "args": [1, 0], "kwargs": {}} == job["extra"]["celery-job"]
    assert job["tags"]["celery_task_id"]
    assert {line["pid"] for line in ran} <= {line["pid"] for line in told if line["type"] == "flush"}


def _transactions(sentried: Instrumented) -> list[dict[str, Any]]:
    return [line for line in sentried.lines() if line["type"] == "transaction" and line["transaction"] != "caller"]
