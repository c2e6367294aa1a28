from __future__ import annotations

from typing import Any

import pytest

from celeriac.config import sources
from celeriac.config.nearness import distance
from celeriac.config.settings import Settings
from celeriac.config.spelling import misspelt
from celeriac.config.table import OLD_NAMES, SETTINGS


def slips(name: str) -> list[str]:
    middle = len(name) // 2
    dropped = name[:middle] + name[middle + 1 :]
    doubled = name[:middle] + name[middle] + name[middle:]
    swapped = name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :]
    return [slip for slip in (dropped, doubled, swapped) if slip not in SETTINGS and slip != name]


@pytest.mark.parametrize("name", [name for name in SETTINGS if name.startswith(("task_", "worker_", "broker_", "result_", "beat_"))])
def test_a_slip_of_the_finger_is_recognised(name: str) -> None:
    remedies = [str(problem) for slip in slips(name) for problem in misspelt(Settings(config={slip: None}))]

    assert [f"did you mean {name!r}?"] * len(slips(name)) == [remedy.partition(": ")[2] for remedy in remedies]


@pytest.mark.parametrize("old", [old for old in OLD_NAMES if old.startswith(("CELERY", "BROKER"))])
def test_a_slip_in_an_old_name_is_recognised(old: str) -> None:
    missing = old[:-3] + old[-2:]

    [problem] = misspelt(Settings(config={missing: None}))

    assert repr(old) in problem.remedy


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("always_eager", "task_always_eager"),
        ("acks_late", "task_acks_late"),
        ("concurrency", "worker_concurrency"),
        ("broker", "broker_url"),
        ("backend", "result_backend"),
        ("celeryd_concurrency", "worker_concurrency"),
        ("celery_broker_url", "broker_url"),
        ("worker_always_eager", "task_always_eager"),
        ("task_result_expires", "result_expires"),
        ("worker_prefetch", "worker_prefetch_multiplier"),
        ("visibility_timeout", "broker_transport_options"),
        ("TASK_ALWAYS_EAGER", "task_always_eager"),
        ("CELERY_BROKER_URL", "BROKER_URL"),
        ("CELREY_TASK_SERIALIZER", "CELERY_TASK_SERIALIZER"),
    ],
)
def test_other_ways_to_miss_a_name_are_recognised(key: str, meant: str) -> None:
    [problem] = misspelt(Settings({key: 1}))

    assert meant in problem.remedy


def test_the_namespace_that_was_forgotten_is_named() -> None:
    [problem] = misspelt(Settings(config={"CELERY_TASK_ALWAYS_EAGER": True}))

    assert 'namespace="CELERY"' in problem.remedy


def test_with_a_namespace_the_remedy_is_written_with_it() -> None:
    [problem] = misspelt(Settings(config=sources.read({"CELERY_TASK_ALWAYS_EAGR": 1}, namespace="CELERY"), namespace="CELERY"))

    assert ("CELERY_TASK_ALWAYS_EAGR", "did you mean 'CELERY_TASK_ALWAYS_EAGER'?") == (problem.key, problem.remedy)


def test_a_name_that_begins_like_ours_and_is_like_none_is_named_where_it_was_given_by_hand() -> None:
    [problem] = misspelt(Settings({"task_colour": "red"}))

    assert "There is no setting 'task_colour', nothing reads it" == problem.text
    assert [] == list(misspelt(Settings(config={"task_colour": "red"})))


# fmt: off
DJANGO = (
    "ABSOLUTE_URL_OVERRIDES", "ADMINS", "ALLOWED_HOSTS", "APPEND_SLASH", "AUTHENTICATION_BACKENDS", "AUTH_USER_MODEL",
    "BASE_DIR", "CACHES", "CACHE_MIDDLEWARE_SECONDS", "CSRF_COOKIE_AGE", "DATABASES", "DATABASE_ROUTERS",
    "DATABASE_URL", "DATE_FORMAT", "DEBUG", "DEFAULT_AUTO_FIELD", "DJANGO_CELERY_BEAT_TZ_AWARE", "EMAIL_BACKEND",
    "EMAIL_HOST", "REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_DB", "LANGUAGES", "LOGGING", "MIDDLEWARE",
    "ROOT_URLCONF", "SECRET_KEY", "SECURE_SSL_REDIRECT", "SESSION_ENGINE", "TEMPLATES", "TIME_ZONE", "USE_TZ",
    "INSTALLED_APPS", "TASK_QUEUE", "TASKS", "RESULTS_PER_PAGE", "WORKER_COUNT", "BEAT_INTERVAL", "CELERY_ENABLED",
    "CELERY_QUEUE_NAME", "REST_FRAMEWORK", "INTERNAL_IPS",
)
# fmt: on


@pytest.mark.parametrize(
    "source",
    [
        dict.fromkeys(DJANGO, "x"),
        dict.fromkeys(DJANGO, "x") | {"CELERY_TASK_SERIALIZER": "json", "BROKER_URL": "redis://", "CELERYBEAT_SCHEDULE": {}},
        {"redis_url": "redis://", "default_queue": "x", "default_exchange": object(), "broker_url": "x", "project": "x", "task_dir": "x"},
        {"redbeat_redis_url": "x", "beat_dburi": "x", "singleton_backend_url": "x", "once": {}, "flower_port": 1},
    ],
)
def test_names_that_belong_to_others_are_let_pass(source: dict[str, Any]) -> None:
    assert [] == list(misspelt(Settings(config=sources.read(source))))


def test_a_django_module_with_a_namespace_is_let_pass() -> None:
    source = dict.fromkeys(DJANGO, "x") | {"CELERY_BROKER_URL": "redis://", "CELERY_QUEUE_NAME": "x", "CELERY_REDIS_URL": "x"}

    assert [] == list(misspelt(Settings(config=sources.read(source, namespace="CELERY"), namespace="CELERY")))


def test_a_name_whose_value_was_passed_on_is_let_pass() -> None:
    conf = Settings({"broker_url": "redis://"})
    conf.update({"CELERY_BROKER_URL": "redis://", "SECRET_KEY": "x", "TESTING": False})

    assert [] == list(misspelt(conf))


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("abc", "abc", 0), ("abc", "acb", 1), ("abc", "abcd", 1), ("abc", "xbz", 2), ("abc", "xyz", 3)]
)
def test_distance_counts_slips(one: str, other: str, expected: int) -> None:
    assert expected == distance(one, other, 2)
