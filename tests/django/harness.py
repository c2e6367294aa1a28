"""A Django project in a folder of its own, in the environment that `make django` sets up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.harness.requirements import lacking
from tests.harness.waiting import PATIENCE
from tests.harness.worker_process import WorkerProcess

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("CELERIAC_DJANGO_BIN") or ROOT / ".peers" / "django" / "bin")
"""The environment's programs; the variable names another one, with another Django."""
PROJECT = Path(__file__).parent / "project"
BEGIN = "import json, time\nimport django\ndjango.setup()\n"


class DjangoProject:
    """A copy of a project, with a database; its programs end with ``end``."""

    def __init__(self, folder: Path, source: Path = PROJECT, settings_module: str = "proj.settings", **settings: Any) -> None:
        if not (BIN / "celery").exists():
            lacking("Django is not installed: run `make django`")
        self.folder = folder / "project"
        shutil.copytree(source, self.folder, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3", ".celeriac"))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CELERY_", "CELERIAC_EMB", "DJANGO_"))}
        self.environment = {
            **kept,
            "DJANGO_SETTINGS_MODULE": settings_module,
            "PYTHONPATH": str(self.folder),
            "PYTHONUNBUFFERED": "1",
            "SHOP_SETTINGS": json.dumps(settings),
        }
        self.running: list[WorkerProcess] = []
        self.run(BIN / "python", "-m", "django", "migrate", "-v0")

    def run(self, *command: Any, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the project's folder."""
        done = subprocess.run(
            [str(word) for word in command], cwd=self.folder, env={**self.environment, **environment}, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=50 * PATIENCE,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def python(self, code: str, **environment: str) -> Any:
        """Run code in the project; return what it prints last, as JSON."""
        return json.loads(self.run(BIN / "python", "-c", BEGIN + code, **environment).stdout.splitlines()[-1])

    def start(self, *command: Any, name: str) -> WorkerProcess:
        """Start a program that runs until ``end``."""
        log = self.folder / f"{name}.log"
        words = [str(word) for word in command]
        process = WorkerProcess(words, env=self.environment, folder=self.folder, log=log, signposts=self.folder / f"signposts-{name}")
        self.running.append(process)
        return process

    def end(self) -> None:
        """End what was started."""
        for process in reversed(self.running):
            if process.process.poll() is None:
                process.process.terminate()
        for process in self.running:
            try:
                process.process.wait(15 * PATIENCE)
            except subprocess.TimeoutExpired:
                process.process.kill()
                process.process.wait()
