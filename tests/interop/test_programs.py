"""Celery programs, unchanged, under real Celery and under ours: what they print is compared line by line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.harness.processes import MARKER
from tests.harness.project import Project
from tests.harness.waiting import PATIENCE, eventually
from tests.interop.peer import PYTHON, ROOT, require_peers

KNOWN = {
    # No value stands behind an ignored attempt; and the order of a link's handlers is by process, not by nesting.
    "eager.py": {"ignore", "link", "order of failure"},
    # A long argument is shortened in other places.
    "published.py": {"8 before", "9 after"},
    "signatures.py": {"chain as call"},
    # Our name, our own defaults (None: the setting decides), Celery's warnings for its own old code, our words for a misspelt setting.
    "tasks_and_app.py": {
        "app", "attributes of proj.annotated", "attributes of proj.bound", "attributes of proj.plain", "bases of CDeprecationWarning",
        "bases of CPendingDeprecationWarning", "bases of CeleryCommandException", "unknown setting",
    },
}  # fmt: skip
"""What differs, by program and label; the compatibility page says so where it matters."""

ANY_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
PROGRAMS = Path(__file__).parent / "programs"


def dropin_path() -> str:
    """Return the folder from which ``import celery`` means ours."""
    found = [path.parent.parent for path in (ROOT / "dropin").glob("**/celery/__init__.py") if "build" not in path.parts]
    assert found, "dropin/ has no package celery"
    return str(found[0])


def environment(ours: bool, **extra: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CELERY_", "CELERIAC_")) and name != "PYTHONPATH"}
    return {**kept, **extra, **({"PYTHONPATH": dropin_path()} if ours else {})}


def told(program: str, *, ours: bool, folder: Path) -> dict[str, Any]:
    """Run a program and return what it printed, by label; random ids are made equal."""
    interpreter = sys.executable if ours else str(PYTHON)
    finished = subprocess.run(
        [interpreter, str(PROGRAMS / program)], env=environment(ours, CELERIAC_EMBEDDED_FILE=str(folder / "store.sqlite3")), cwd=folder,
        capture_output=True, text=True, timeout=30 * PATIENCE, check=False,
    )
    assert finished.returncode == 0, finished.stderr
    # Which of the two writes the default delivery mode before its receivers see the properties says nothing to a program.
    text = re.sub(r', "delivery_mode": (null|2)|"delivery_mode": (null|2), ', "", re.sub(ANY_UUID, "ID", finished.stdout))
    return dict(json.loads(line) for line in text.splitlines())


@pytest.mark.parametrize("program", sorted(path.name for path in PROGRAMS.glob("*.py") if path.name != "worker_tasks.py"))
def test_a_celery_program_does_the_same_under_ours(tmp_path: Path, program: str) -> None:
    require_peers()

    theirs, ours = told(program, ours=False, folder=tmp_path), told(program, ours=True, folder=tmp_path)

    pairs = {label: {"celery": theirs.get(label), "ours": ours.get(label)} for label in {**theirs, **ours}}
    known = KNOWN.get(program, set())
    different = {label: pair for label, pair in pairs.items() if pair["celery"] != pair["ours"] and label not in known}
    assert different == {}


def worker_log(project: Project, *, ours: bool) -> list[str]:
    """Run the worker program to its end under one of the two and return its log."""
    name = "ours" if ours else "celery"
    env = environment(ours, STORE=str(project.folder / name), **{MARKER: project.run})
    interpreter = sys.executable if ours else str(PYTHON)
    log = project.folder / f"{name}.log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [interpreter, "-m", "celery", "-A", "worker_tasks", "worker", "-P", "solo", "-l", "info", "--without-gossip", "--without-mingle"],
            env=env, cwd=PROGRAMS, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
        )
        eventually(lambda: " ready." in log.read_text(), "the worker is ready", timeout=20, explain=log.read_text)
        sent = subprocess.run([interpreter, "worker_tasks.py"], env=env, cwd=PROGRAMS, capture_output=True, text=True, timeout=40, check=False)
        assert sent.returncode == 0, sent.stderr + log.read_text()
        worker.send_signal(signal.SIGTERM)
        worker.wait(20)
    return log.read_text().splitlines()


def normal(lines: list[str]) -> list[str]:
    """Return the lines about tasks, without what differs from run to run, in an order that does not depend on chance."""
    kept = []
    for line in lines:
        text = re.sub(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: ", "[", line)
        text = re.sub(r"in [\d.e-]+s:", "in TIMEs:", text)
        # Both shorten a long value, in other places.
        text = re.sub(r"'x{50,}.*", "'LONG'", text)
        # Ours says why.
        text = re.sub(r"(Discarding revoked task: .*\]) \(\w+\)", r"\1", text)
        text = re.sub(r"MainProcess|Task-?Process-?\d*", "PROCESS", text)
        if "worker_tasks." in text and text.startswith("["):
            kept.append(text)
    return sorted(kept)


@pytest.mark.timeout(120)
def test_the_log_of_the_same_project_reads_the_same(project: Project) -> None:
    require_peers()

    theirs, ours = worker_log(project, ours=False), worker_log(project, ours=True)

    # What has expired is refused before it counts as received.
    received = "[INFO/PROCESS] Task worker_tasks.add[id-expired] received"
    assert normal(ours) == [line for line in normal(theirs) if line != received]
