"""What a real Prometheus says of the alert rules and of every query of the dashboard, while it scrapes a real worker and a real scheduler."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from celeriac import group
from tests.harness import project as harness
from tests.harness.project import Project
from tests.harness.rabbitmq import free_port
from tests.harness.requirements import lacking
from tests.harness.waiting import eventually

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "monitoring"
TASKS = Path(harness.__file__).parent / "sample" / "monitored.py"
BOARD = json.loads((GUIDE / "grafana-dashboard.json").read_text())
QUERIES = {f"{panel['title']} {n}": target["expr"] for panel in BOARD["panels"] for n, target in enumerate(panel["targets"], 1)}
PLACES = os.environ.get("CELERIAC_PROMETHEUS", "") + os.pathsep + os.environ.get("PATH", "")
"""Where its programs are: a folder that the variable names, or the usual ones."""

pytestmark = pytest.mark.timeout(120)


def program(name: str) -> str:
    """Return a program of Prometheus, or skip the test."""
    found = shutil.which(name, path=PLACES)
    if found is None:
        lacking(f"no {name} on this machine (Debian: apt-get install prometheus; or its folder in CELERIAC_PROMETHEUS)")
    return found


class Prometheus:
    """A server that scrapes these ports every half second."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        self.feed: Callable[[], None] = lambda: None
        """Lets tasks run."""
        self.port = free_port()
        targets = [f"127.0.0.1:{port}" for port in ports]
        config = {
            "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"}, "rule_files": [str(GUIDE / "alert-rules.yml")],
            "scrape_configs": [{"job_name": "celeriac", "static_configs": [{"targets": targets}]}],
        }  # fmt: skip
        (folder / "prometheus.yml").write_text(json.dumps(config))
        self.log = folder / "prometheus.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    program("prometheus"), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip

    def query(self, text: str) -> list[Any]:
        """Return what a query finds now."""
        return list(self.get("query", query=text)["result"])

    def get(self, what: str, **asked: str) -> Any:
        """Ask its interface."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(asked)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def answers(self) -> bool:
        """Say whether it is there."""
        try:
            return bool(self.query("vector(1)"))
        except OSError:
            return False


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus over a worker and a scheduler; tasks have run, failed, been retried, refused and lost with their process."""
    program("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    project, ports = Project(folder, module=TASKS), [free_port(), free_port()]
    prometheus = Prometheus(folder, ports)
    beat = project.start_python("-m", "celeriac", "-A", "tasks", "beat", "--metrics", f"127.0.0.1:{ports[1]}")
    try:
        project.worker("-c", "2", "--metrics", f"127.0.0.1:{ports[0]}")
        eventually(prometheus.answers, "Prometheus answers", timeout=30, explain=prometheus.log.read_text)
        eventually(lambda: len(prometheus.query("up == 1")) == 2, "both are scraped", timeout=30)
        prometheus.feed = lambda: run_some(project)
        prometheus.feed()
        yield prometheus
    finally:
        for process in (prometheus.process, beat):
            process.kill()
            process.wait()
        project.close()


def run_some(project: Project) -> None:
    """Let tasks end in every way, more than once: a rate needs two scrapes with a change between them."""
    for name in ("good", "bad", "second_try", "rejected", "unwanted") * 2:
        group([project.client.signature(f"tasks.{name}") for _ in range(50)], app=project.client).apply_async()
    project.client.signature("tasks.dies_once", (str(project.folder / "mark"),)).apply_async()


def test_promtool_accepts_the_alert_rules() -> None:
    done = subprocess.run([program("promtool"), "check", "rules", str(GUIDE / "alert-rules.yml")], capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr
    assert "rules found" in done.stdout


def filled(expression: str) -> str:
    """Return a query of the dashboard as Grafana sends it when all is chosen."""
    return re.sub(r"\$(job|queue|task)\b", ".*", expression)


def test_every_query_of_the_dashboard_finds_data(watched: Prometheus) -> None:
    missing: dict[str, str] = {}

    def all_found() -> bool:
        # What has ended between two scrapes shows no change: a rate needs one after each kind of end was seen for the first time.
        watched.feed()
        missing.clear()
        missing.update({name: text for name, text in QUERIES.items() if not _found(watched.query(filled(text)))})
        return not missing

    eventually(all_found, "every query finds something", timeout=30, pause=1.0, explain=lambda: "\n".join(map(str, missing.items())))


def _found(result: list[Any]) -> bool:
    return any(one["value"][1] != "NaN" for one in result)


def test_every_alert_is_evaluated(watched: Prometheus) -> None:
    def rules() -> dict[str, Any]:
        return {rule["name"]: rule for each in watched.get("rules")["groups"] for rule in each["rules"]}

    eventually(lambda: all(rule["health"] == "ok" for rule in rules().values()), "every rule is well", timeout=20, explain=lambda: str(rules()))
    eventually(
        lambda: {"firing"} == {rules()[name]["state"] for name in ("CeleriacTasksLost", "CeleriacDeadLetters")}, "what was lost is told of",
        explain=lambda: str(rules()),
    )  # fmt: skip
    assert {"inactive"} == {rules()[name]["state"] for name in ("CeleriacNoWorkers", "CeleriacBrokerAway", "CeleriacStuck", "CeleriacNoScheduler")}
