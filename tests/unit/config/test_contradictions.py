from __future__ import annotations

from typing import Any

import pytest

from celeriac.config import contradictions
from celeriac.config.settings import Settings
from celeriac.model.topology import Queue

REDIS = {"broker_url": "redis://"}
RABBIT = {"broker_url": "amqp://"}
SEEDED: list[tuple[str, dict[str, Any]]] = [
    ("timezone", {"timezone": "Europe/Berlni"}),
    ("timezone", {"timezone": "nowhere"}),
    ("broker_transport_options.visibility_timeout", {**REDIS, "broker_transport_options": {"visibility_timeout": 60}, "task_time_limit": 600}),
    ("broker_transport_options.visibility_timeout", {**RABBIT, "broker_transport_options": {"visibility_timeout": 60}}),
    ("broker_transport_options.visibilty_timeout", {**REDIS, "broker_transport_options": {"visibilty_timeout": 60}}),
    ("broker_transport_options.max_retries", {**REDIS, "broker_transport_options": {"max_retries": 3, "interval_start": 0}}),
    ("result_backend_transport_options.polling_interval", {**REDIS, "result_backend_transport_options": {"polling_interval": 1}}),
    ("result_backend_transport_options.retry_polic", {**REDIS, "result_backend_transport_options": {"retry_polic": {"timeout": 5.0}}}),
    ("broker_transport_options.ack_emulation", {**REDIS, "broker_transport_options": {"ack_emulation": False}}),
    ("task_soft_time_limit", {"task_soft_time_limit": 60, "task_time_limit": 60}),
    ("task_time_limit", {"task_time_limit": 60, "worker_pool": "threads"}),
    ("worker_max_tasks_per_child", {"worker_max_tasks_per_child": 60, "worker_pool": "gevent"}),
    ("worker_concurrency", {"worker_concurrency": 4, "worker_pool": "solo"}),
    ("task_reject_on_worker_lost", {"task_reject_on_worker_lost": True, "task_acks_late": False}),
    ("task_acks_on_failure_or_timeout", {"task_acks_on_failure_or_timeout": False, "task_acks_late": False}),
    ("worker_deduplicate_successful_tasks", {**REDIS, "task_acks_late": True, "worker_deduplicate_successful_tasks": True}),
    ("worker_deduplicate_successful_tasks", {"task_ignore_result": True, "worker_deduplicate_successful_tasks": True}),
    ("worker_deduplicate_successful_tasks", {"task_acks_late": False, "worker_deduplicate_successful_tasks": True}),
    ("result_extended", {**REDIS, "result_extended": True}),
    ("task_track_started", {**RABBIT, "task_track_started": True}),
    ("task_default_priority", {**RABBIT, "task_default_priority": 5}),
    ("task_default_priority", {**RABBIT, "task_default_priority": 9, "task_queue_max_priority": 5}),
    ("task_default_priority", {**REDIS, "task_default_priority": 5}),
    ("task_serializer", {"task_serializer": "pickle"}),
    ("task_serializer", {"task_serializer": "json", "accept_content": ["msgpack"], "result_accept_content": ["json"]}),
    ("result_serializer", {"result_serializer": "pickle"}),
    ("result_serializer", {"result_accept_content": []}),
    ("task_serializer", {"task_serializer": "jsn", "accept_content": ["jsn", "json"]}),
    ("security_certificate", {"security_key": "key.pem"}),
    ("task_default_queue", {"task_queues": [Queue("a"), Queue("b")]}),
    ("task_default_queue", {"task_queues": {"a": {}}, "task_create_missing_queues": False, "task_routes": {"x": "a"}}),
    ("task_routes", {"task_queues": {"celery": {}}, "task_create_missing_queues": False, "task_routes": {"x": {"queue": "a"}}}),
    ("redis_socket_timeout", {"result_backend": "db+sqlite:///x", "redis_socket_timeout": 3}),
    ("broker_host", {"broker_url": "amqp://host//", "broker_host": "other"}),
    ("task_publish_retry_policy", {"task_publish_retry": False, "task_publish_retry_policy": {"max_retries": 3}}),
    ("task_publish_retry_policy", {"task_publish_retry_policy": {"max_retires": 3}}),
    ("broker_connection_max_retries", {"broker_connection_retry": False, "broker_connection_max_retries": 3}),
    ("worker_soft_shutdown_timeout", {"worker_soft_shutdown_timeout": 60, "worker_shutdown_timeout": 10}),
    ("beat_schedule['x']", {"beat_schedule": {"x": {"task": "t", "shedule": 1, "schedule": 1}}}),
    ("beat_schedule['x']", {"beat_schedule": {"x": {"schedule": 1}}}),
    ("beat_schedule['x']", {"beat_schedule": {"x": {"task": "t", "schedule": 1, "args": (16)}}}),
]


@pytest.mark.parametrize(("key", "settings"), SEEDED)
def test_a_contradiction_is_named_once_with_a_remedy(key: str, settings: dict[str, Any]) -> None:
    [problem] = contradictions.found(Settings(config=settings))

    assert key == problem.key
    assert problem.text
    assert problem.remedy


def test_every_check_has_a_case() -> None:
    fired = {check for check in contradictions.CHECKS for _, settings in SEEDED if check(Settings(config=settings))}

    assert set() == set(contradictions.CHECKS) - fired


SOUND: list[dict[str, Any]] = [
    {},
    {**REDIS, "result_backend": "redis://", "task_acks_late": True, "task_reject_on_worker_lost": True, "worker_prefetch_multiplier": 1},
    {
        **REDIS,
        "task_acks_late": True,
        "broker_transport_options": {"visibility_timeout": 43200},
        "task_time_limit": 3600,
        "task_soft_time_limit": 3500,
    },
    {**RABBIT, "result_backend": "rpc://", "task_queue_max_priority": 10, "task_default_priority": 5, "timezone": "Europe/Berlin"},
    {**REDIS, "task_serializer": "pickle", "result_serializer": "pickle", "accept_content": ["pickle", "application/json"]},
    {**REDIS, "task_default_priority": 5, "broker_transport_options": {"priority_steps": list(range(10)), "queue_order_strategy": "priority"}},
    {**REDIS, "task_queues": [Queue("a"), Queue("celery")], "task_routes": {"x.*": {"queue": "b"}}},
    {**REDIS, "task_queues": [Queue("a")], "task_routes": {"x.*": {"queue": "b"}}},
    {**RABBIT, "task_acks_on_failure_or_timeout": False, "task_reject_on_worker_lost": True},
    {**REDIS, "result_backend": "s3://", "s3_bucket": "x", "worker_pool": "gevent", "worker_concurrency": 100},
    {**REDIS, "result_backend": "redis://", "s3_bucket": "files", "redis_max_connections": 20, "result_expires": None},
    {"beat_schedule": {"x": {"task": "t", "schedule": 1.0, "args": [1], "options": {"queue": "b"}}}},
]


@pytest.mark.parametrize("settings", SOUND)
def test_a_sound_configuration_is_let_pass(settings: dict[str, Any]) -> None:
    assert [] == [str(problem) for problem in contradictions.found(Settings(config=settings))]


def test_only_the_unknown_time_zone_is_fatal() -> None:
    fatal = {problem.key for _, settings in SEEDED for problem in contradictions.found(Settings(config=settings)) if problem.fatal}

    assert {"timezone"} == fatal
