"""Settings of the broker and of results that make no sense together."""

from __future__ import annotations

from typing import Any

from celeriac.config.nearness import nearest
from celeriac.config.problem import Problem
from celeriac.config.schemes import backend_scheme, broker_scheme, stores_results
from celeriac.config.settings import Settings
from celeriac.config.spelling import TRANSPORT_OPTIONS

_POLICY_KEYS = ("max_retries", "interval_start", "interval_step", "interval_max", "retry_errors", "timeout")

# Not s3, gcs and their like: S3_BUCKET is an old name, and programs that keep files there have one of their own.
_STORES = {
    "redis": ("redis", "rediss", "sentinel"),
    "database": ("db", "database"),
    "elasticsearch": ("elasticsearch",),
    "couchbase": ("couchbase",),
    "arangodb": ("arangodb",),
    "mongodb": ("mongodb",),
    "cache": ("cache", "memcached"),
}


def visibility_shorter_than_tasks(settings: Settings) -> Problem | None:
    """Tasks that may run for longer than their messages stay invisible."""
    visible = settings["broker_transport_options"] or {}
    timeout = visible.get("visibility_timeout")
    limit = settings.seconds("task_time_limit") or settings.seconds("task_soft_time_limit")
    if not isinstance(timeout, int | float) or limit is None or limit <= timeout:
        return None
    whose = "it is handed out again"
    if broker_scheme(settings) in ("redis", "rediss", "redis+socket", "sentinel"):
        whose = "one that a worker of Celery's runs is handed out again (what these workers run never is, while they live)"
    return Problem(
        key="broker_transport_options.visibility_timeout",
        text=f"visibility_timeout is {timeout:g} s and a task may run for {limit:g} s: before it ends, {whose}",
        remedy=f"raise visibility_timeout above {limit:g}, or lower task_time_limit",
    )


def visibility_without_use(settings: Settings) -> Problem | None:
    """A visibility timeout for a broker that has none."""
    if "visibility_timeout" not in (settings["broker_transport_options"] or {}) or broker_scheme(settings) not in ("amqp", "amqps", "pyamqp"):
        return None
    return Problem(
        key="broker_transport_options.visibility_timeout",
        text="visibility_timeout has no effect with RabbitMQ, which knows when a worker has gone",
        remedy="remove it; the server's own limit is its consumer_timeout",
    )


_OPTIONS = ("broker_transport_options", "result_backend_transport_options")


def _options(settings: Settings) -> list[tuple[str, Any]]:
    return [(name, key) for name in _OPTIONS for key in settings[name] or {}]


def transport_option_misspelt(settings: Settings) -> Problem | None:
    """A name among the options of the broker or the result store that is nearly another."""
    for name, key in _options(settings):
        meant = None if not isinstance(key, str) or key in TRANSPORT_OPTIONS else nearest(key, TRANSPORT_OPTIONS)
        if meant:
            return Problem(key=f"{name}.{key}", text=f"{name} has {key!r}, which is ignored", remedy=f"did you mean {meant!r}?")
    return None


_WITHOUT_USE_IN_REDIS = {
    "ack_emulation": "a message is always kept until it is acknowledged; task_acks_late=False acknowledges it before the task runs",
    "polling_interval": "nothing is polled",
    "unacked_mutex_key": "several workers may look for lost messages at once, each is given back by one",
    "unacked_mutex_expire": "several workers may look for lost messages at once, each is given back by one",
    "unacked_restore_throttle": "unacked_restore_limit and unacked_restore_interval say how many messages are given back, and how often",
    "reauth_check_interval": "credentials are asked for at every login",
    "sentinel_fanout_compat": "the channels are always those of a plain Redis",
    **dict.fromkeys(
        ("max_retries", "interval_start", "interval_step", "interval_max"),
        "task_publish_retry_policy and broker_publish_timeout say how often and for how long sending is tried",
    ),
}


def transport_option_without_use(settings: Settings) -> Problem | None:
    """An option of Celery's for Redis that nothing here needs."""
    if broker_scheme(settings) not in ("redis", "rediss", "sentinel"):
        return None
    for name, key in _options(settings):
        if key in _WITHOUT_USE_IN_REDIS:
            return Problem(
                key=f"{name}.{key}",
                text=f"{name} has {key!r}, which has no effect: {_WITHOUT_USE_IN_REDIS[key]}",
                remedy="remove it, unless workers of Celery read the same settings",
            )
    return None


def priority_without_queue(settings: Settings) -> Problem | None:
    """Priorities that RabbitMQ takes no notice of."""
    priority, highest = settings["task_default_priority"], settings["task_queue_max_priority"]
    if priority is None or broker_scheme(settings) not in ("amqp", "amqps", "pyamqp"):
        return None
    if highest is None and not settings["task_queues"]:
        return Problem(
            key="task_default_priority",
            text=f"task_default_priority={priority} has no effect: RabbitMQ's queues have no priorities unless they are declared with them",
            remedy="set task_queue_max_priority = 10",
        )
    if highest is not None and priority > highest:
        return Problem(
            key="task_default_priority",
            text=f"task_default_priority={priority} is above task_queue_max_priority={highest} and counts as {highest}",
            remedy="lower it, or raise task_queue_max_priority",
        )
    return None


def priority_without_steps(settings: Settings) -> Problem | None:
    """A priority that Redis queues do not tell from another."""
    priority = settings["task_default_priority"]
    steps = (settings["broker_transport_options"] or {}).get("priority_steps")
    if broker_scheme(settings) not in ("redis", "rediss", "sentinel") or priority is None or priority in (steps or (0, 3, 6, 9)):
        return None
    return Problem(
        key="task_default_priority",
        text=f"task_default_priority={priority} is none of {list(steps or (0, 3, 6, 9))}, the steps of a Redis queue: it counts as the next below",
        remedy="choose a step, or set broker_transport_options['priority_steps'] = list(range(10))",
    )


def broker_named_twice(settings: Settings) -> Problem | None:
    """A broker that is named by a URL and in parts."""
    parts = ("broker_host", "broker_port", "broker_user", "broker_password", "broker_vhost")
    named = [name for name in parts if settings[name] is not None]
    url = settings["broker_url"]
    if not named or not isinstance(url, str) or not url.partition("://")[2].strip("/"):
        return None
    return Problem(key=named[0], text=f"{', '.join(named)} beside broker_url: only the URL counts", remedy="remove one of the two")


def connection_retries_without_retry(settings: Settings) -> Problem | None:
    """A number of tries for a connection that is not tried again."""
    if settings["broker_connection_retry"] is not False or not settings.is_set("broker_connection_max_retries"):
        return None
    return Problem(
        key="broker_connection_max_retries",
        text="broker_connection_max_retries has no effect with broker_connection_retry = False",
        remedy="set broker_connection_retry = True, or remove it",
    )


def retry_policy_without_retry(settings: Settings) -> Problem | None:
    """A policy for trying again where that was turned off."""
    if settings["task_publish_retry"] or not settings.is_set("task_publish_retry_policy"):
        return None
    return Problem(
        key="task_publish_retry_policy",
        text="task_publish_retry_policy has no effect with task_publish_retry = False",
        remedy="set task_publish_retry = True, or remove the policy",
    )


def retry_policy_misspelt(settings: Settings) -> Problem | None:
    """A name in that policy that nothing reads."""
    for key in settings["task_publish_retry_policy"] or {}:
        if key not in _POLICY_KEYS:
            meant = nearest(str(key), _POLICY_KEYS)
            remedy = f"did you mean {meant!r}?" if meant else f"possible are {', '.join(_POLICY_KEYS)}"
            return Problem(key="task_publish_retry_policy", text=f"task_publish_retry_policy has {key!r}, which nothing reads", remedy=remedy)
    return None


def results_kept_nowhere(settings: Settings) -> Problem | None:
    """Wishes about results where none are kept."""
    names = ("result_extended", "task_track_started", "task_store_eager_result", "task_store_errors_even_if_ignored", "result_expires")
    name = next((name for name in names if settings.is_set(name) and settings[name]), None)
    if stores_results(settings) or name is None:
        return None
    return Problem(key=name, text=f"{name} has no effect: no result_backend is set, no results are kept", remedy="set result_backend, or remove it")


def settings_of_another_store(settings: Settings) -> Problem | None:
    """Settings of a result store that is not in use."""
    scheme = backend_scheme(settings)
    if not scheme or scheme == "custom":
        return None
    for prefix, schemes in _STORES.items():
        names = [name for name in settings.set_names() if name.startswith(prefix + "_") and settings[name] is not None]
        if names and scheme not in schemes:
            text = f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} no effect: results are kept in {scheme}"
            return Problem(key=names[0], text=text, remedy=f"remove {'it' if len(names) == 1 else 'them'}, or change result_backend")
    return None
