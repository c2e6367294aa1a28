"""The examples are complete programs that run as they are."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.project import COMMAND
from tests.harness.waiting import eventually

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_the_word_statistics_run_from_start_to_end(tmp_path: Path) -> None:
    example = tmp_path / "word_statistics"
    shutil.copytree(EXAMPLES / "word_statistics", example, ignore=shutil.ignore_patterns(".celeriac", "__pycache__"))

    done = subprocess.run([sys.executable, "demo.py", "--files", "40", "--top", "3"], cwd=example, capture_output=True, text=True, timeout=60)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert re.search(r"40 files in [\d.]+ s: [\d,]+ tasks per second", done.stdout)
    assert re.search(r"self +[\d,]+", done.stdout)
    assert (example / ".celeriac" / "celeriac.sqlite3").exists()


@pytest.fixture
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["Example"]:
    """A copy of the example that the test names, with a worker that runs."""
    name, application, *options = request.param
    made = Example(tmp_path / name, name)
    try:
        made.start(COMMAND, "-A", application, "worker", "-c", "2", "-l", "info", *options)
        eventually(lambda: " ready." in made.output(), "the worker is ready", timeout=30.0, explain=made.output)
        yield made
    finally:
        made.close()


class Example:
    """An example in a folder of its own, and the processes that were started in it."""

    def __init__(self, folder: Path, name: str) -> None:
        shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns(".celeriac", "__pycache__"))
        self.folder = folder
        self.log = folder / "processes.log"
        self.processes: list[subprocess.Popen[bytes]] = []

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CELERY_", "CELERIAC_"))}
        return {**kept, "PYTHONUNBUFFERED": "1"}

    def start(self, *command: str) -> None:
        with self.log.open("ab") as log:
            self.processes.append(
                subprocess.Popen(command, cwd=self.folder, env=self.environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            )

    def serve(self, *command: str, port: int) -> httpx.Client:
        """Start a web server and wait until it answers."""
        self.start(sys.executable, "-m", *command)
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0)

        def answers() -> bool:
            try:
                return client.get("/").status_code == 200
            except httpx.TransportError:
                return False

        eventually(answers, "the web server answers", timeout=30.0, explain=self.output)
        return client

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def close(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def streamed(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    """Read a stream of server-sent events to its end."""
    with client.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: ")]


@pytest.mark.parametrize("example", [("fastapi_progress", "reports")], indirect=True)
def test_the_fastapi_example_awaits_results_and_streams_progress(example: Example) -> None:
    port = free_port()
    with closing(example.serve("uvicorn", "api:api", "--port", str(port), port=port)) as client:
        assert {"sum": 5} == client.post("/sums", json={"x": 2, "y": 3}).json()
        assert 422 == client.post("/reports", json={"rows": 0}).status_code
        assert 404 == client.get("/books/unheard-of/events").status_code
        assert 'id="bar"' in client.get("/").text

        report = client.post("/reports", json={"rows": 60})
        told = streamed(client, report.json()["events"])
        assert 202 == report.status_code
        assert {"state": "SUCCESS", "result": {"rows": 60, "total": 1830}, "end": True} == told[-1]
        done = [each["done"] for each in told if each["state"] == "PROGRESS"]
        assert done
        assert sorted(done) == done

        book = streamed(client, client.post("/books", json={"pages": 30}).json()["events"])
        assert {"state": "PROGRESS", "done": 30, "total": 30, "failed": 0, "end": True} == book[-1]


@pytest.mark.parametrize("example", [("fastapi_progress", "reports")], indirect=True)
def test_the_fastapi_example_serves_others_while_results_are_awaited(example: Example) -> None:
    port = free_port()
    with closing(example.serve("uvicorn", "api:api", "--port", str(port), "--log-level", "warning", port=port)):
        late = sorted(asyncio.run(_late_while_awaited(f"http://127.0.0.1:{port}")))

    # About 20 ms on a quiet machine; a blocked loop would keep all of them waiting.
    assert late[len(late) // 2] < 0.5


async def _late_while_awaited(url: str) -> list[float]:
    """Return how long a trivial request takes (seconds), again and again, while fifty others await results."""
    async with httpx.AsyncClient(base_url=url, timeout=30.0) as client:

        async def ask(number: int) -> None:
            assert {"sum": number + 1} == (await client.post("/sums", json={"x": number, "y": 1})).json()

        asking = asyncio.gather(*(ask(number) for number in range(50)))
        late = []
        for _ in range(20):
            before = time.monotonic()
            assert 200 == (await client.get("/health")).status_code
            late.append(time.monotonic() - before)
        await asking
    return late


@pytest.mark.parametrize("example", [("flask_jobs", "jobs")], indirect=True)
def test_the_flask_example_sends_and_polls(example: Example) -> None:
    port = free_port()
    with closing(example.serve("flask", "--app", "web", "run", "--port", str(port), port=port)) as client:
        good, bad = (_ended(client, client.post("/jobs", data={"rows": str(rows)})) for rows in (12, 20))
        assert {"state": "SUCCESS", "ready": True, "result": 12} == good
        assert {"state": "FAILURE", "ready": True, "error": "Row 13 cannot be read"} == bad
        assert 400 == client.post("/jobs", data={"rows": "many"}).status_code


def _ended(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    page = answer.headers["location"]
    assert 303 == answer.status_code
    assert 'id="bar"' in client.get(page).text
    eventually(lambda: client.get(f"{page}/state").json()["ready"], "the job has ended", timeout=30.0)
    return dict(client.get(f"{page}/state").json())


@pytest.mark.parametrize("example", [("asyncio_client", "prices", "-P", "asyncio")], indirect=True)
def test_the_asyncio_client_is_never_blocked(example: Example) -> None:
    done = subprocess.run(
        [sys.executable, "client.py", "--products", "200"], cwd=example.folder, env=example.environment(), capture_output=True, text=True, timeout=60
    )

    told = re.search(r"200 prices, together 1990000, in [\d.]+ s; the event loop was usually ([\d.]+) ms late", done.stdout)
    assert told, done.stdout + done.stderr + example.output()
    assert float(told.group(1)) < 250.0


def test_every_example_is_run_by_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).resolve().parents[1].rglob("*.py"))

    assert [] == [folder.name for folder in EXAMPLES.iterdir() if (folder / "README.md").exists() and f'"{folder.name}"' not in tests]
