"""The other side: real Celery in its own environment, spoken to over pipes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.requirements import lacking

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".peers" / "celery" / "bin" / "python"
SIDE = Path(__file__).with_name("celery_side.py")


class Peer:
    """A process that runs real Celery: client, worker and result store in one."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self._process = subprocess.Popen(
            [str(PYTHON), str(SIDE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=SIDE.parent,
        )
        self._answer()

    def ask(self, do: str, **command: Any) -> dict[str, Any]:
        """Have it do something and return its answer; bytes travel as base64."""
        encoded = {name: base64.b64encode(value).decode() if isinstance(value, bytes) else value for name, value in command.items()}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **encoded}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or '{"error": "Celery ended"}')
        assert "error" not in answer, answer["error"]
        return {name: base64.b64decode(value) if name in ("body", "payload") else value for name, value in answer.items()}

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def require_peers() -> None:
    """Skip where real Celery is not installed; fail there under continuous integration."""
    if PYTHON.exists():
        return
    lacking("real Celery is not installed: run `make peers`")


@pytest.fixture(scope="session")
def celery() -> Iterator[Peer]:
    """Real Celery."""
    require_peers()
    peer = Peer()
    yield peer
    peer.close()
