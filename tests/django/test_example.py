"""The example project: over HTTP, by its admin, and in a real browser where there is one."""

from __future__ import annotations

import http.cookiejar
import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.django.harness import BIN, ROOT, DjangoProject
from tests.harness.rabbitmq import free_port
from tests.harness.waiting import PATIENCE, eventually

pytestmark = pytest.mark.timeout(180)

BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


class Site:
    """The running example: a server, a worker with the scheduler in it, and a visitor who keeps cookies."""

    def __init__(self, project: DjangoProject, port: int) -> None:
        self.project = project
        self.address = f"http://127.0.0.1:{port}"
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))

    def ask(self, path: str, **fields: str) -> tuple[str, str]:
        """Get a page, or send a form; return where that led and what it shows."""
        data = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": self._token()}).encode() if fields else None
        with self._opener.open(self.address + path, data, timeout=20 * PATIENCE) as answer:
            return answer.geturl(), answer.read().decode()

    def _token(self) -> str:
        return next(str(cookie.value) for cookie in self._jar if cookie.name == "csrftoken")

    def order(self, title: str) -> tuple[str, str]:
        """Order something; return the path of the page that follows it, and the task's id."""
        self.ask("/")
        where, page = self.ask("/", title=title)
        found = re.search(r"/tasks/([^/]+)/", page)
        assert found is not None, page
        return urllib.parse.urlsplit(where).path, found[1]

    def state(self, task_id: str) -> dict[str, object]:
        """Return what the site tells of a task."""
        return json.loads(self.ask(f"/tasks/{task_id}/")[1])  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    project = DjangoProject(tmp_path_factory.mktemp("example"), ROOT / "examples" / "django_shop", "shop.settings")
    port = free_port()
    worker = project.start(BIN / "python", "manage.py", "celeriac", "worker", "-B", "-l", "info", "-c", "2", name="worker")
    server = project.start(BIN / "python", "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}", name="server")
    try:
        worker.wait_ready(40)
        server.wait_log("Starting development server", timeout=40)
        made = Site(project, port)
        eventually(lambda: _answers(made), "the server answers", timeout=30)
        yield made
    finally:
        project.end()


def _answers(site: Site) -> bool:
    try:
        site.ask("/")
    except OSError:
        return False
    return True


def test_the_page_of_an_order_follows_its_task(site: Site) -> None:
    _, task_id = site.order("boots")
    seen: list[dict[str, object]] = []
    eventually(lambda: seen.append(site.state(task_id)) or seen[-1]["ready"], "the order is packed", timeout=40)  # type: ignore[func-returns-value]

    assert seen[-1] == {"state": "SUCCESS", "done": 5, "of": 5, "ready": True}
    assert {"PENDING", "PROGRESS", "SUCCESS"} >= {str(told["state"]) for told in seen}
    assert "boots</a>: 5 of 5" in site.ask("/")[1]


def test_the_admin_shows_orders_and_results(site: Site) -> None:
    _, task_id = site.order("a hat")
    eventually(lambda: site.state(task_id)["ready"], "the order is packed", timeout=40)
    site.project.run(
        BIN / "python", "manage.py", "createsuperuser", "--noinput", "--username", "anna", "--email", "a@example.com", DJANGO_SUPERUSER_PASSWORD="hat"
    )
    site.ask("/admin/login/")
    site.ask("/admin/login/?next=/admin/", username="anna", password="hat")
    listed = site.ask("/admin/celeriac/taskresult/")[1]

    assert "a hat" in site.ask("/admin/orders/order/")[1]
    assert task_id in listed
    assert "orders.tasks.pack" in listed
    assert "SUCCESS" in listed
    scheduled = site.ask("/admin/celeriac/periodictask/")[1]
    assert "count the orders" in scheduled
    assert "Sent by beat@" in scheduled


def test_the_schedule_of_the_settings_is_known_to_the_scheduler(site: Site) -> None:
    done = site.project.run(BIN / "celeriac", "-A", "shop", "schedule", "list")

    assert "count the orders" in done.stdout


@pytest.mark.skipif(BROWSER is None, reason="no browser is installed: apt install chromium")
def test_the_bar_fills_in_a_real_browser(site: Site, tmp_path: Path) -> None:
    path, task_id = site.order("a coat")
    eventually(lambda: site.state(task_id)["ready"], "the order is packed", timeout=40)

    def shown() -> bool:
        done = subprocess.run(
            [
                str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={tmp_path}",
                "--virtual-time-budget=10000", "--dump-dom", site.address + path,
            ],
            capture_output=True, text=True, check=False, timeout=60 * PATIENCE,
        )  # fmt: skip
        return 'value="5"' in done.stdout and "SUCCESS" in done.stdout

    eventually(shown, "the page shows a full bar", timeout=60)
