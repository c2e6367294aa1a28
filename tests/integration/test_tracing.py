"""OpenTelemetry: one trace through client, workers and scheduler, with the right parents."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import project as harness
from tests.harness.project import Project
from tests.harness.waiting import eventually

TASKS = Path(harness.__file__).parent / "sample" / "traced.py"

Span = dict[str, Any]


class Traced(Project):
    """A project whose processes write their spans into a file."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, module=TASKS, **options)
        self.spans_path = folder / "spans.jsonl"

    def env(self, **extra: str) -> dict[str, str]:
        return super().env(CELERIAC_TEST_SPANS=str(self.spans_path), **extra)

    def call(self, code: str) -> None:
        """Run a program that calls tasks."""
        ended = self.python("-c", f"from celeriac import chain, chord, group\nfrom tasks import *\n{code}")
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def spans(self) -> list[Span]:
        lines = self.spans_path.read_text().splitlines() if self.spans_path.exists() else []
        return [json.loads(line) for line in lines]

    def trace_with(self, name: str, count: int) -> list[Span]:
        """Wait until one trace has the last so many spans of this name, and return it."""

        def found() -> list[Span]:
            spans = self.spans()
            traces = [span["trace"] for span in spans if span["name"] == name]
            whole = [span for span in spans if traces and span["trace"] == traces[-1]]
            return whole if sum(span["name"] == name for span in whole) >= count else []

        return eventually(found, f"{count} x {name}", timeout=20, explain=lambda: "\n".join(map(str, self.spans())) + self.describe())


@pytest.fixture(scope="module", params=["prefork", "asyncio"])
def traced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    project = Traced(tmp_path_factory.mktemp("traced"))
    project.worker("-P", request.param, "-c", "2", "--json-logs")
    yield project
    project.close()


def named(spans: list[Span], name: str) -> list[Span]:
    return [span for span in spans if span["name"] == name]


def parents(spans: list[Span]) -> set[tuple[str, str | None]]:
    """Return the pairs (name, its parent's name) of a trace."""
    names = {span["id"]: span["name"] for span in spans}
    return {(span["name"], names.get(span["parent"])) for span in spans}


def test_a_workflow_is_one_trace_with_the_right_parents(traced: Traced) -> None:
    code = "chain(second_try.s(1), group(add.s(2), add.s(3)), total.s(), add.s(10)).apply_async().get(timeout=30)"
    traced.call(code)

    spans = traced.trace_with("process tasks.add", 3)

    assert {span["trace"] for span in named(traced.spans(), "send tasks.second_try")} == {spans[0]["trace"]}
    assert {
        ("send tasks.second_try", None), ("process tasks.second_try", "send tasks.second_try"),
        ("send tasks.second_try", "process tasks.second_try"),
        ("send tasks.add", "process tasks.second_try"), ("process tasks.add", "send tasks.add"),
        ("send tasks.total", "process tasks.second_try"), ("process tasks.total", "send tasks.total"),
        ("send tasks.add", "process tasks.total"),
    } == parents(spans)  # fmt: skip
    first, again = named(spans, "process tasks.second_try")
    assert [0, 1] == [first["attributes"]["celeriac.task.retries"], again["attributes"]["celeriac.task.retries"]]
    assert (first["events"], first["status"]) == (["retry"], "UNSET")
    assert again["links"] == [again["parent"]]


def test_a_chord_called_outside_of_any_span_has_one_span_above_it(traced: Traced) -> None:
    traced.call("chord([add.s(1, 1), add.s(2, 2)], total.s())().get(timeout=30)")

    spans = traced.trace_with("process tasks.total", 1)

    assert {
        ("send workflow", None), ("send tasks.add", "send workflow"), ("process tasks.add", "send tasks.add"),
        ("send tasks.total", "send workflow"), ("process tasks.total", "send tasks.total"),
    } == parents(spans)  # fmt: skip


def test_a_call_inside_a_task_and_inside_a_span_of_the_clients_belong_to_their_traces(traced: Traced) -> None:
    traced.call("with trace.get_tracer('mine').start_as_current_span('request'): calls.delay().get(timeout=30)")

    spans = traced.trace_with("process tasks.add", 1)

    assert {
        ("request", None), ("send tasks.calls", "request"), ("process tasks.calls", "send tasks.calls"),
        ("send tasks.add", "process tasks.calls"), ("process tasks.add", "send tasks.add"),
    } == parents(spans)  # fmt: skip


def test_a_failure_is_the_status_of_its_span_and_the_log_names_the_trace(traced: Traced) -> None:
    traced.call("fails.delay().get(timeout=30, propagate=False)")

    [span] = named(traced.trace_with("process tasks.fails", 1), "process tasks.fails")

    assert (span["status"], span["kind"], span["events"]) == ("ERROR", "CONSUMER", ["exception"])
    said = span["attributes"]
    assert said["error.type"] == "builtins.ValueError"
    assert (said["messaging.system"], said["messaging.operation.type"], said["messaging.destination.name"]) == ("sqlite", "process", "celery")
    lines = [json.loads(line) for line in traced.workers[0].log.splitlines() if line.startswith("{")]
    told = [line for line in lines if line.get("task_id") == said["messaging.message.id"] and "trace_id" in line]
    assert {(f"{span['trace']:032x}", f"{span['id']:016x}")} == {(line["trace_id"], line["span_id"]) for line in told}


def test_what_runs_again_after_its_process_died_is_linked_and_what_the_scheduler_sends_is_traced(tmp_path: Path) -> None:
    schedule = {"often": {"task": "tasks.add", "schedule": 0.5, "args": [1, 1]}}
    project = Traced(tmp_path, conf={"beat_schedule": schedule, "worker_lease": 2.0})
    try:
        project.worker("-c", "1")
        project.call(f"dies_once.delay({str(tmp_path / 'mark')!r}).get(timeout=40)")
        spans = project.trace_with("process tasks.dies_once", 1)
        [again] = named(spans, "process tasks.dies_once")
        assert (again["links"], again["attributes"]["celeriac.task.deliveries"]) == ([again["parent"]], 2)

        beat = subprocess.Popen([harness.COMMAND, "-A", "tasks", "beat"], env=project.env(), cwd=tmp_path)
        try:
            spans = project.trace_with("process tasks.add", 1)
        finally:
            beat.terminate()
            beat.wait(20)
        assert {("send tasks.add", None), ("process tasks.add", "send tasks.add")} == parents(spans)
        assert {"often"} == {span["attributes"].get("celeriac.periodic_task") for span in spans}
    finally:
        project.close()


def test_disconnecting_leaves_nothing_behind() -> None:
    code = """
import os; os.environ["CELERIAC_TEST_SPANS"] = "none"
from celeriac import Celeriac, signals
from celeriac.contrib.opentelemetry import instrument
app = Celeriac("x")
made = instrument(app)
assert signals.task_prerun.connected and "submit" in vars(app)
made.disconnect()
assert not signals.task_prerun.connected and not signals.before_task_publish.connected and "submit" not in vars(app)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


