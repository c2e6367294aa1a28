"""Workflows of all shapes, sent and run by real Celery, and sent and run by the drop-in: the same comes of them, but for what the docs say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness.redis_server import running
from tests.harness.waiting import PATIENCE, eventually
from tests.interop.peer import PYTHON, require_peers
from tests.interop.test_programs import environment

pytest.importorskip("redis")

SIDE = Path(__file__).with_name("canvas_side")
AT_ONCE = 2


def workflows() -> list[str]:
    """Return the workflows with their marks: all of them in the nightly command, else some."""
    found = [line for line in (SIDE / "workflows.txt").read_text().splitlines() if line and not line.startswith("#")]
    return found if int(os.environ.get("CELERIAC_CANVAS_CASES", "200")) > 200 else found[::8]


@contextmanager
def worker(ours: bool, env: dict[str, str], folder: Path) -> Iterator[None]:
    log = folder / f"{'ours' if ours else 'celery'}.log"
    pool = ["-c", "2"] if ours else ["-P", "threads", "-c", "4"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "info"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable if ours else str(PYTHON), "-m", "celery", "-A", "canvas_tasks", "worker", *pool, *quiet],
            env=env, cwd=SIDE, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        eventually(lambda: " ready." in log.read_text(), "the worker is ready", timeout=20, explain=log.read_text)
        yield
    finally:
        process.terminate()
        process.wait(20 * PATIENCE)


@contextmanager
def asking(ours: bool, env: dict[str, str], folder: Path, lines: list[str]) -> Iterator[Path]:
    """Let a client send these workflows while the caller does something else."""
    answers = folder / f"{'ours' if ours else 'celery'}-{id(lines)}.jsonl"
    with answers.open("wb") as output:
        client = subprocess.Popen(
            [sys.executable if ours else str(PYTHON), "canvas_client.py"], env=env, cwd=SIDE, stdin=subprocess.PIPE, stdout=output,
        )  # fmt: skip
    assert client.stdin is not None
    client.stdin.write("\n".join(lines).encode())
    client.stdin.close()
    try:
        yield answers
    finally:
        assert client.wait(120 * PATIENCE) == 0


@pytest.mark.timeout(300)
def test_the_same_comes_of_a_workflow_as_in_celery(tmp_path: Path) -> None:
    require_peers()
    marks = {line.lstrip("~! "): line[:2] if line[0] in "~!" else "" for line in workflows()}
    lines = {True: list(marks), False: [line for line, mark in marks.items() if mark != "! "]}
    found: dict[bool, dict[str, Any]] = {}
    with running(tmp_path) as redis, ExitStack() as sides, ExitStack() as clients:
        answers: list[tuple[bool, Path]] = []
        for ours in (False, True):
            env = environment(ours, CANVAS_URL=redis.new_url(), CANVAS_PATIENCE=str(5 * PATIENCE), C_FORCE_ROOT="1")
            sides.enter_context(worker(ours, env, tmp_path))
            for first in range(AT_ONCE):
                answers.append((ours, clients.enter_context(asking(ours, env, tmp_path, lines[ours][first::AT_ONCE]))))
        clients.close()
        for ours, path in answers:
            found.setdefault(ours, {}).update(json.loads(line) for line in path.read_text().splitlines())

    pairs = {line: {"celery": found[False].get(line), "ours": found[True][line]} for line in marks}
    assert {line: pair for line, pair in pairs.items() if pair["celery"] != pair["ours"] and not marks[line]} == {}
    assert [line for line, pair in pairs.items() if pair["ours"][0] == "hangs"] == []
