from __future__ import annotations

import pytest

from celeriac.lib.early import asked_for


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("celeriac -A proj worker -P gevent", "gevent"),
        ("/usr/bin/celery worker -A proj -Peventlet", "eventlet"),
        ("celeriac worker --pool=gevent", "gevent"),
        ("celeriac worker --pool eventlet -c 5", "eventlet"),
        ("-m worker -P gevent", "gevent"),
        ("/lib/celeriac/__main__.py worker -P gevent", "gevent"),
        ("celeriac worker -P threads", None),
        ("celeriac worker", None),
        ("celeriac worker -P", None),
        ("celeriac shell -P gevent", None),
        ("program.py worker -P gevent", None),
        ("", None),
    ],
)
def test_only_a_worker_that_asks_for_a_green_executor_patches(words: str, expected: str | None) -> None:
    assert expected == asked_for(words.split(), {})


def test_the_environment_may_ask_too_and_the_command_line_wins() -> None:
    environ = {"CELERY_WORKER_POOL": "gevent"}

    assert asked_for(["celeriac", "worker"], environ) == "gevent"
    assert asked_for(["celeriac", "worker", "-P", "solo"], environ) is None
