from __future__ import annotations

from datetime import UTC, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from celeriac.config.setting import coerce, seconds
from celeriac.config.table import SETTINGS
from celeriac.model.errors import ImproperlyConfigured


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("task_acks_late", True, True),
        ("task_acks_late", 1, True),
        ("task_acks_late", None, None),
        ("worker_prefetch_multiplier", "4", 4),
        ("worker_prefetch_multiplier", 4.0, 4),
        ("worker_concurrency", "auto", "auto"),
        ("worker_concurrency", "8", 8),
        ("broker_heartbeat", False, 0),
        ("broker_pool_limit", None, None),
        ("result_expires", timedelta(hours=1), timedelta(hours=1)),
        ("result_expires", "3600", 3600.0),
        ("task_time_limit", timedelta(minutes=1), 60.0),
        ("result_expires", 60, 60),
        ("imports", "proj.tasks", ["proj.tasks"]),
        ("accept_content", "json, pickle", ["json", "pickle"]),
        ("accept_content", {"pickle", "json"}, ["json", "pickle"]),
        ("broker_url", ["redis://a", "redis://b"], ["redis://a", "redis://b"]),
        ("timezone", UTC, UTC),
        ("worker_state_db", Path("/var/run/state"), "/var/run/state"),
        ("broker_use_ssl", {"ca_certs": "x"}, {"ca_certs": "x"}),
        ("task_default_delivery_mode", "transient", "transient"),
        ("task_default_rate_limit", "10/m", "10/m"),
        ("security_key_password", b"x", b"x"),
    ],
)
def test_a_value_that_can_be_meant_is_taken(name: str, value: Any, expected: Any) -> None:
    assert expected == coerce(SETTINGS[name], value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", "False"),
        ("task_acks_late", 2),
        ("worker_prefetch_multiplier", "many"),
        ("worker_prefetch_multiplier", None),
        ("worker_prefetch_multiplier", 1.5),
        ("worker_prefetch_multiplier", -1),
        ("worker_concurrency", "all"),
        ("result_expires", "1 day"),
        ("result_expires", [1]),
        ("task_serializer", 3),
        ("task_serializer", None),
        ("task_protocol", 3),
        ("task_time_limit", -5),
        ("task_time_limit", timedelta(seconds=-5)),
        ("beat_schedule", [("x", 1)]),
        ("broker_transport_options", "visibility_timeout=3"),
        ("broker_url", 6379),
        ("task_queues", "celery"),
        ("task_default_delivery_mode", 3),
        ("worker_pool_start_method", "thread"),
        ("worker_pool", 4),
        ("worker_state_db", 4),
        ("timezone", timezone),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_key_and_what_is_allowed(name: str, value: Any) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        coerce(SETTINGS[name], value)

    assert f"Setting {name} = {value!r}" in str(caught.value)
    assert SETTINGS[name].allowed in str(caught.value)


def test_a_refused_secret_is_not_shown() -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        coerce(SETTINGS["redis_password"], 123456)

    assert "123456" not in str(caught.value)


def test_the_text_false_is_refused_with_a_reason() -> None:
    with pytest.raises(ImproperlyConfigured, match="Text is never taken for a truth value"):
        coerce(SETTINGS["task_always_eager"], "False")


def test_durations_become_seconds() -> None:
    assert [1.5, 60.0, 2.0, None] == [seconds(1.5), seconds(timedelta(minutes=1)), seconds("2"), seconds(None)]
