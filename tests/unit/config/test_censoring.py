from __future__ import annotations

from typing import Any

import pytest

from celeriac.config.censoring import HIDDEN, censored


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("security_key_password", "x", HIDDEN),
        ("s3_secret_access_key", "x", HIDDEN),
        ("MY_API_KEY", "x", HIDDEN),
        ("redis_password", None, None),
        ("task_default_routing_key", "celery", "celery"),
        ("task_repr_maxlevels", 3, 3),
        ("broker_url", "redis://:pw@h:1/0;redis://:pw@i:1/0", "redis://:**@h:1/0;redis://:**@i:1/0"),
        ("broker_url", ["amqp://u:pw@h//"], ["amqp://u:**@h//"]),
        ("result_backend", "db+postgresql://u:pw@h/d?password=pw&x=1", f"db+postgresql://u:**@h/d?password={HIDDEN}&x=1"),
        ("broker_transport_options", {"sentinel_kwargs": {"password": "pw"}, "db": 1}, {"sentinel_kwargs": {"password": HIDDEN}, "db": 1}),
        ("worker_log_format", "[%(asctime)s] %(message)s", "[%(asctime)s] %(message)s"),
    ],
)
def test_what_is_secret_is_not_shown(key: str, value: Any, expected: Any) -> None:
    assert expected == censored(key, value)
