from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from celeriac.cli.context import Context
from celeriac.cli.main import run
from celeriac.contracts.current import current_client, set_current_client

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with nothing in it, in which commands run; what they import is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before, app = set(sys.modules), current_client()
    yield tmp_path
    set_current_client(app)
    for name in set(sys.modules) - before:
        found = getattr(sys.modules[name], "__file__", None)
        if found is None or found.startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process; returns status, stdout, stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = run(list(arguments), Context())
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture
def tasks(project: Path) -> Path:
    """The module tasks.py with an application on its own in-memory broker."""
    path = project / "tasks.py"
    path.write_text(
        f"from celeriac import Celeriac\n"
        f"app = Celeriac('tasks', broker='memory://{project.name}', backend='cache+memory://{project.name}')\n"
        f"@app.task\n"
        f"def add(x: int, y: int) -> int:\n"
        f"    return x + y\n"
    )
    return path
