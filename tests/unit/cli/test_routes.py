"""``celeriac routes``: which rule counts, and where a call would go."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from celeriac import Broadcast, Celeriac, Exchange, Queue
from celeriac.cli.main import run_for


def by_size(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **_more: Any) -> Any:
    return {"queue": "big", "priority": 2} if args and args[0] > 100 else None


@pytest.fixture
def app() -> Celeriac:
    app = Celeriac("shop", broker="amqp://nowhere:1//", set_as_current=False)
    app.conf.task_queues = [
        Queue("celery"),
        Queue("images", Exchange("media", "topic"), "image.*"),
        Queue("all", Exchange("media", "topic"), "#"),
        Queue("quick", max_priority=9),
        Broadcast("reload"),
    ]
    app.conf.task_routes = [
        {"shop.exact": "quick", "shop.img.*": {"exchange": "media", "exchange_type": "topic", "routing_key": "image.png"}},
        (re.compile(r"shop\.re.+"), {"queue": "reload"}),
        by_size,
    ]
    for name in ("exact", "img.crop", "reload", "sized", "plain"):
        app.task(lambda: None, name=f"shop.{name}")
    app.task(lambda: None, name="shop.own", queue="mine", delivery_mode=1)
    return app


def lines(app: Celeriac, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, list[str]]:
    """Return what is said, by its label."""
    assert run_for(app, ["routes", *words]) == 0
    found: dict[str, list[str]] = {}
    for line in capsys.readouterr().out.splitlines():
        found.setdefault(line[:13].strip(), []).append(line[13:])
    return found


@pytest.mark.parametrize(
    ("words", "rule", "goes_to"),
    [
        (["shop.exact"], "the name 'shop.exact', in router 1: {'queue': 'quick'}", ["quick: by its name"]),
        (["shop.img.crop"], "the pattern 'shop.img.*', in router 1", ["images: bound by the pattern 'image.*'", "all: bound by the pattern '#'"]),
        (
            ["shop.reload"],
            r"the expression /shop\.re.+/, in router 2",
            ["reload.<each worker that consumes it>: a fanout exchange hands everything to every queue"],
        ),
        (["shop.sized", "-a", "[101]"], "the router tests.unit.cli.test_routes.by_size, in router 3", ["big: by its name"]),
        (["shop.sized", "-a", "[1]"], "no entry matches", ["celery: by its name"]),
        (["shop.exact", "--queue", "images"], "the name 'shop.exact'", ["images: bound by the pattern 'image.*'", "all: bound by the pattern '#'"]),
    ],
)
def test_it_names_the_rule_and_the_queues(
    app: Celeriac, capsys: pytest.CaptureFixture[str], words: list[str], rule: str, goes_to: list[str]
) -> None:
    found = lines(app, capsys, *words)

    assert found["task_routes"][0].startswith(rule)
    assert found["goes to"] == goes_to


def test_it_says_who_set_what(app: Celeriac, capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(app, capsys, "shop.own")["queue"] == ["mine, from the task's attribute"]
    assert lines(app, capsys, "shop.own")["kept"] == ["in the server's memory only (delivery_mode 1)"]
    assert lines(app, capsys, "shop.own", "--queue", "quick")["queue"] == ["quick, from the call"]
    assert lines(app, capsys, "shop.plain")["queue"] == ["celery, from task_default_queue"]
    assert lines(app, capsys, "shop.sized", "-a", "[101]")["priority"][0].startswith("2, from task_routes; no effect: big has no max_priority")
    assert lines(app, capsys, "shop.exact", "--priority", "5")["priority"][0].startswith("5, from the call; higher numbers first")


@pytest.mark.parametrize(
    ("words", "delay"),
    [
        (["shop.exact", "--countdown", "10"], "it waits in the queue quick.delayed.3 first"),
        (["shop.img.crop", "--countdown", "70"], "it waits in the queue media.delayed.6 first"),
        (["shop.exact", "--eta", "2001-01-01T00:00:00+00:00"], "it is due already"),
    ],
)
def test_it_says_how_a_call_is_delayed(app: Celeriac, capsys: pytest.CaptureFixture[str], words: list[str], delay: str) -> None:
    assert lines(app, capsys, *words)["delay"] == [delay]


def test_an_unknown_task_is_routed_all_the_same(app: Celeriac, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_for(app, ["routes", "shop.exakt"]) == 0
    output = capsys.readouterr()

    assert "shop.exakt is not a task of this application, only its workers may know it. Did you mean shop.exact?" in output.err
    assert "celery, from task_default_queue" in output.out


def test_a_queue_that_must_not_be_made_is_an_error(app: Celeriac, capsys: pytest.CaptureFixture[str]) -> None:
    app.conf.task_create_missing_queues = False

    assert run_for(app, ["routes", "shop.own"]) == 1
    assert "Error: Queue 'mine' is not in task_queues and task_create_missing_queues is off" in capsys.readouterr().err


def test_json_has_all_of_it(app: Celeriac, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_for(app, ["routes", "shop.exact", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert (found["queue"], found["registered"], found["rule"]["number"], found["queues"]) == ("quick", True, 1, {"quick": "by its name"})
