"""Settings that nobody reads, and which were probably meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from celeriac.config.names import spelled
from celeriac.config.nearness import nearest
from celeriac.config.problem import Problem
from celeriac.config.setting import Kind
from celeriac.config.table import NAMESPACES, OLD_NAMES, SETTINGS

# fmt: off
TRANSPORT_OPTIONS = frozenset((
    "visibility_timeout", "fanout_prefix", "fanout_patterns", "global_keyprefix", "priority_steps",
    "queue_order_strategy", "polling_interval", "wait_time_seconds", "queue_name_prefix", "predefined_queues",
    "socket_timeout", "socket_connect_timeout", "socket_keepalive", "socket_keepalive_options", "max_connections",
    "health_check_interval", "retry_on_timeout", "master_name", "sentinel_kwargs", "confirm_publish",
    "client_properties", "max_retries", "interval_start", "interval_step", "interval_max", "connect_timeout",
    "read_timeout", "write_timeout", "backoff_policy", "sts_role_arn", "is_secure", "region", "sep", "unacked_key",
    "unacked_index_key", "unacked_mutex_key", "unacked_mutex_expire", "unacked_restore_limit", "client_name",
    "min_other_sentinels", "unacked_restore_interval", "unacked_restore_throttle", "ack_emulation",
    "reauth_check_interval", "sentinels", "sentinel_fanout_compat", "credential_provider",
    "wait_replicas", "retry_policy",
))
# fmt: on

_ALIASES = {"broker": "broker_url", "backend": "result_backend", "concurrency": "worker_concurrency", "pool": "worker_pool", "queues": "task_queues"}
_OTHERS = ("redbeat_", "singleton_", "flower_", "django_", "sentry_", "beat_dburi", "beat_schema", "beat_mongo")
"""Beginnings of settings that well-known extensions of Celery read."""

_ABSENT = object()
_OURS = tuple(name for name in SETTINGS if name.startswith(("task_", "worker_", "result_", "beat_", "broker_")))
_OLD = [old for old in OLD_NAMES if old.startswith(("CELERY", "BROKER_"))]


class Layered(Protocol):
    """Settings, as far as spelling goes."""

    @property
    def namespace(self) -> str | None:
        """The prefix of names in the sources."""
        ...

    def sources(self) -> dict[str, Mapping[str, Any]]:
        """The layers that were set, by where they come from."""
        ...


def misspelt(settings: Layered) -> Iterator[Problem]:
    """Name what was set and is not a setting, where another was meant or the name begins like ours.

    Names that other programs own are let pass: a Django module without namespace is full of them.
    """
    for source, values in settings.sources().items():
        yield from misspelt_in(settings, values, source)


def misspelt_in(settings: Layered, values: Mapping[str, Any], source: str) -> Iterator[Problem]:
    """Name the same among values that come from one source; what was written in code is judged more strictly than a module (``config``)."""
    for key, value in values.items():
        if key in SETTINGS:
            continue
        by_hand = source != "config"
        meant = _meant_upper(key) if key.isupper() else _meant(key, value, loose=by_hand)
        if meant and not _has_it(settings, meant, value):
            yield _misspelt(key, meant, None if by_hand else settings.namespace)
        elif not meant and by_hand and _looks_like_ours(key):
            yield Problem(key=key, text=f"There is no setting {key!r}, nothing reads it", remedy="remove it")


def _misspelt(key: str, meant: str, namespace: str | None) -> Problem:
    shown = spelled(key, namespace) if not key.isupper() else key
    if key in TRANSPORT_OPTIONS:
        remedy = f"put it into {spelled(meant, namespace)}: {{{key!r}: ...}}"
        return Problem(key=shown, text=f"{shown!r} is no setting but an option of the broker's driver", remedy=remedy)
    wanted = spelled(meant, namespace) if namespace or not key.isupper() else _style(key, meant)
    remedy = f"did you mean {wanted!r}?"
    if key.isupper() and key.removeprefix("CELERY_").lower() == meant:
        remedy = f'write {wanted!r}, or read the configuration with namespace="CELERY"' if key.startswith("CELERY_") else f"write {meant!r}"
    return Problem(key=shown, text=f"There is no setting {shown!r}, it is ignored", remedy=remedy)


def _style(key: str, meant: str) -> str:
    old = SETTINGS[meant].old
    return old[0] if old and key.lower() != meant else meant


def _meant(key: str, value: Any, *, loose: bool) -> str | None:
    lower = key.lower()
    if lower in TRANSPORT_OPTIONS:
        return "broker_transport_options" if loose else None
    if lower.upper() in OLD_NAMES:
        return OLD_NAMES[lower.upper()]
    bare = lower.removeprefix("celery_").removeprefix("celeryd_")
    if bare in SETTINGS:
        return bare
    return nearest(lower, SETTINGS) or _by_parts(lower, value, loose=loose)


def _by_parts(lower: str, value: Any, *, loose: bool) -> str | None:
    # A module may well have a variable default_queue of its own: there, only values that say more than a name does are evidence.
    if loose and lower in _ALIASES:
        return _ALIASES[lower]
    namespace, _, rest = lower.partition("_")
    ends = [lower, rest] if namespace in NAMESPACES else [lower]
    for end in ends:
        for space in ("task", "worker", "result", "broker", "beat"):
            name = f"{space}_{end}"
            if name in SETTINGS and "_" in end and (loose or _fits(name, value)):
                return name
    if rest in SETTINGS and "_" in rest and namespace in NAMESPACES:
        return rest
    if loose and namespace in NAMESPACES and rest:
        return next((name for name in SETTINGS if name.startswith(lower + "_")), None)
    return None


def _fits(name: str, value: Any) -> bool:
    kind = SETTINGS[name].kind
    return isinstance(value, bool) if kind is Kind.BOOL else kind is Kind.INT and isinstance(value, int)


def _meant_upper(key: str) -> str | None:
    lower = key.lower()
    bare = lower.removeprefix("celery_")
    if bare in SETTINGS and (key.startswith("CELERY_") or bare in _OURS) and "_" in bare:
        return bare
    if not key.startswith(("CELERY", "BROKER_", "TASK_", "WORKER_", "RESULT_", "BEAT_")):
        # CELREY_..., EBAT_...: the slip may be in the prefix itself.
        return OLD_NAMES.get(nearest(key, _OLD, 1) or "")
    near = nearest(key, _OLD)
    if near:
        return OLD_NAMES[near]
    # Programs have a TASK_QUEUE of their own: short names are no evidence.
    return nearest(bare, _OURS, 1 if len(bare) < 20 else 2) if key.startswith("CELERY_") or len(bare) >= 14 else None


def _has_it(settings: Layered, meant: str, value: Any) -> bool:
    # Frameworks keep CELERY_BROKER_URL beside what was passed on to the application: nothing is wrong with that.
    return any(values.get(meant, _ABSENT) == value for values in settings.sources().values())


def _looks_like_ours(key: str) -> bool:
    space, _, rest = key.partition("_")
    return bool(rest) and space in ("task", "worker", "broker", "result", "beat") and not key.startswith(_OTHERS)
