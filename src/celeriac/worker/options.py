"""What a worker was asked to do: command line over settings, complete and checked."""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from celeriac.config.settings import Settings
from celeriac.lib.nodenames import fill
from celeriac.lib.value import Value
from celeriac.model.errors import ImproperlyConfigured, SettingWarning
from celeriac.worker.executors.registry import EXECUTORS, executor_name
from celeriac.worker.machine import machine

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARN": 30, "WARNING": 30, "ERROR": 40, "CRITICAL": 50, "FATAL": 50}


UNBOUND = 1 << 30


class WorkerOptions(Value, frozen=True):
    """Everything that ``boot.run`` needs to know beside the app; durations in seconds, memory in KiB, ``loglevel`` as ``logging`` counts."""

    hostname: str
    """The whole node name, such as celery@host."""
    loglevel: int = logging.WARNING
    logfile: str | None = None
    """None logs to stderr. May hold %n %h %d %p and, for a file per process, %i %I (see ``logfile_for``)."""
    pool: str = "prefork"
    """The name of an executor, or the path of a class (``executors.registry``)."""
    start_method: str = "fork"
    """How task processes begin: fork, spawn or forkserver."""
    app_path: str | None = None
    """Where the application is, as -A says it; for processes that import it again. None: found by looking for it in the loaded modules."""
    concurrency: int = 1
    autoscale: tuple[int, int] | None = None
    """The most and the least task processes; their number follows the load."""
    queues: tuple[str, ...] = ()
    """Names of -Q; empty means all that are configured."""
    exclude_queues: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    time_limit: float | None = None
    soft_time_limit: float | None = None
    max_tasks_per_child: int | None = None
    max_memory_per_child: int | None = None
    prefetch_multiplier: int = 0
    """How many messages the worker may hold for each place, running ones included; 0 leaves it to how long tasks take."""
    disable_prefetch: bool = False
    """Hold nothing beyond what runs."""
    purge: bool = False
    task_events: bool = False
    without_gossip: bool = False
    without_mingle: bool = False
    without_heartbeat: bool = False
    heartbeat_interval: float | None = None
    statedb: str | None = None
    pidfile: str | None = None
    metrics: str | None = None
    """Where scrapes and probes are answered: HOST:PORT or unix:PATH."""
    optimization: str = "fair"
    colour: bool | None = None
    """None colours log lines on a terminal."""
    quiet: bool = False
    """No banner."""
    skip_checks: bool = False
    beat: bool = False
    """Run a scheduler beside the worker."""
    schedule_filename: str | None = None
    scheduler: str | None = None
    user_options: dict[str, Any] = {}
    """What the options came to that the application adds to the command line; steps get them."""

    def most_held(self, places: int) -> int:
        """Return how many messages may be held at once, running ones included, where so many tasks run side by side."""
        return places if self.disable_prefetch else self.prefetch_multiplier * places or UNBOUND

    @property
    def capacity(self) -> int:
        """How many task processes there may ever be, whatever remote control asks for."""
        return max(self.concurrency * 4, 64, self.autoscale[0] if self.autoscale else 0)


_FROM_SETTINGS = {
    "start_method": "worker_pool_start_method",
    "time_limit": "task_time_limit",
    "soft_time_limit": "task_soft_time_limit",
    "max_tasks_per_child": "worker_max_tasks_per_child",
    "max_memory_per_child": "worker_max_memory_per_child",
    "disable_prefetch": "worker_disable_prefetch",
    "task_events": "worker_send_task_events",
    "statedb": "worker_state_db",
    "colour": "worker_log_color",
    "concurrency": "worker_concurrency",
    "metrics": "worker_metrics_address",
}
_OF_PROCESSES = ("max_tasks_per_child", "max_memory_per_child")
_COROUTINES = 100
"""Tasks side by side under the executor ``asyncio`` when nobody says how many: the number of CPUs means nothing there."""
_DURATIONS = ("time_limit", "soft_time_limit", "heartbeat_interval")


def resolve(conf: Mapping[str, Any], **given: Any) -> WorkerOptions:
    """Return the options of a worker: what was given (None counts as not given), else the settings, else what suits this machine.

    Names are the fields of ``WorkerOptions``; an unknown one, or a value that makes no sense, raises ``ImproperlyConfigured``.
    """
    unknown = sorted(set(given) - set(WorkerOptions.__struct_fields__))
    if unknown:
        raise ImproperlyConfigured(f"A worker has no option {', '.join(unknown)}; its options are {', '.join(WorkerOptions.__struct_fields__)}")
    chosen = {name: conf[key] for name, key in _FROM_SETTINGS.items() if conf.get(key) is not None}
    if _is_set(conf, "worker_prefetch_multiplier"):
        chosen["prefetch_multiplier"] = conf["worker_prefetch_multiplier"]
    chosen.update((name, value) for name, value in given.items() if value is not None)
    chosen["hostname"] = node_name(chosen.get("hostname"))
    chosen["loglevel"] = level(chosen.get("loglevel", "WARNING"))
    pool = chosen["pool"] = _pool(conf, given.get("pool"))
    if pool == "prefork":
        chosen["start_method"] = machine().start_method(chosen.get("start_method"))
    chosen["concurrency"] = _places(pool, chosen.get("concurrency"))
    if chosen.get("autoscale") is not None:
        chosen["autoscale"] = autoscale(chosen["autoscale"], chosen["pool"])
        chosen["concurrency"] = chosen["autoscale"][1]
    for name in ("queues", "exclude_queues", "include"):
        chosen[name] = names(chosen.get(name, ()))
    for name in _DURATIONS:
        if name in chosen:
            chosen[name] = _seconds(chosen[name])
    options = WorkerOptions(**chosen)
    _refuse_nonsense(options)
    _refuse_impossible(options, given)
    return options


def level(value: int | str) -> int:
    """Return a log level as a number: a name in any case, or a number."""
    if isinstance(value, int):
        return value
    text = value.strip().upper()
    if text in _LEVELS:
        return _LEVELS[text]
    if text.isdigit():
        return int(text)
    raise ImproperlyConfigured(f"There is no log level {value!r}; it may be {', '.join(_LEVELS)} or a number")


def concurrency(value: int | str | None) -> int:
    """Return how many tasks run side by side; None, 0 and ``auto`` mean one for each CPU that this process may use."""
    if value in (None, 0, "0", "auto"):
        return usable_cpus()
    try:
        number = int(value or 0)
    except ValueError:
        number = 0
    if number < 1:
        raise ImproperlyConfigured(f"A worker cannot have a concurrency of {value!r}; give a number from 1 up, or 'auto'")
    return number


def autoscale(value: str | Iterable[int], pool: str) -> tuple[int, int]:
    """Return the bounds (most, least) of autoscaling: text such as ``10,2`` or ``10`` (at least one), or the numbers."""
    known = EXECUTORS.get(pool)
    if known is not None and not known.resizes:
        raise ImproperlyConfigured(f"--autoscale cannot be had: the executor {pool!r} has a fixed size; take -P prefork, or leave it out")
    try:
        numbers = [int(part) for part in (value.split(",") if isinstance(value, str) else value)]
        first, second = numbers[0], numbers[1] if len(numbers) > 1 else 1
    except (ValueError, TypeError, IndexError):
        first = second = 0
    if min(first, second) < 1:
        raise ImproperlyConfigured(f"--autoscale takes the most and the least task processes, as in 10,2, and not {value!r}")
    return max(first, second), min(first, second)


def usable_cpus() -> int:
    """Return the number of CPUs this process may use: its affinity, within its control group's quota (cgroup v2 cpu.max)."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
    except (OSError, ValueError):
        return allowed
    return allowed if quota == "max" else max(1, min(allowed, -(-int(quota) // int(period))))


def _pool(conf: Mapping[str, Any], given: Any) -> str:
    """Return the executor's name: the one asked for, else what suits the platform."""
    wanted = given or (conf.get("worker_pool") if _is_set(conf, "worker_pool") else None)
    return executor_name(str(wanted)) if wanted else machine().pool()


def _is_set(conf: Mapping[str, Any], name: str) -> bool:
    return conf.is_set(name) if isinstance(conf, Settings) else name in conf


def _places(pool: str, wanted: Any) -> int:
    if pool == "solo":
        return 1
    return _COROUTINES if pool == "asyncio" and wanted is None else concurrency(wanted)


def names(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return names given as text with commas, or one by one."""
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def node_name(name: str | None = None, *, host: str | None = None) -> str:
    """Return a whole node name: ``celery@host`` by default; %h is the host name, %n its first label, %d the rest, %% a percent sign."""
    host = host or socket.gethostname()
    label, _, domain = host.partition(".")
    filled = fill(name or "celery@%h", {"h": host, "n": label, "d": domain})
    return filled if "@" in filled else f"{filled}@{host}"


def logfile_for(pattern: str, hostname: str, *, index: int = 0) -> str:
    """Return the log file of one process of a node.

    %p is the node name, %n its part before the @, %h the part behind it, %d the host's domain, %i the number of the task process
    (0 outside of them), %I the same as ``-1``, and nothing outside of them.
    """
    node, _, host = hostname.partition("@")
    fields = {"p": hostname, "n": node, "h": host, "d": host.partition(".")[2], "i": str(index), "I": f"-{index}" if index else ""}
    return fill(pattern, fields)


def per_process(pattern: str | None) -> bool:
    """Tell whether each task process has a log file of its own."""
    return pattern is not None and ("%i" in pattern.replace("%%", "") or "%I" in pattern.replace("%%", ""))


def _seconds(value: Any) -> float:
    return float(value.total_seconds()) if hasattr(value, "total_seconds") else float(value)


def _refuse_nonsense(options: WorkerOptions) -> None:
    for name in ("time_limit", "soft_time_limit", "max_tasks_per_child", "max_memory_per_child", "prefetch_multiplier"):
        value = getattr(options, name)
        if value is not None and value < 0:
            raise ImproperlyConfigured(f"The worker's {name} cannot be {value}; leave it out for none")
    both = set(options.queues) & set(options.exclude_queues)
    if both:
        raise ImproperlyConfigured(f"The queues {', '.join(sorted(both))} are asked for by -Q and excluded by -X")


def _refuse_impossible(options: WorkerOptions, given: Mapping[str, Any]) -> None:
    """Refuse what was asked for this worker and cannot be done; where only the settings ask, other workers may do it, so warn."""
    wishes = []
    known = EXECUTORS.get(options.pool)
    if known is not None:
        cannot = f"the executor {options.pool!r} cannot"
        lacking = [name for name, can in (("time_limit", known.hard_limits), ("soft_time_limit", known.soft_limits)) if not can]
        wishes += [(name, f"{cannot} enforce time limits; take -P prefork") for name in lacking]
        if options.pool != "prefork":
            wishes += [(name, f"{cannot} replace task processes, it has none; take -P prefork") for name in _OF_PROCESSES]
    for name, reason in wishes:
        if not getattr(options, name):
            continue
        if given.get(name):
            raise ImproperlyConfigured(f"--{name.replace('_', '-')} cannot be had: {reason}, or leave it out")
        warnings.warn(f"The setting {_FROM_SETTINGS[name]} does nothing in this worker: {reason}", SettingWarning, stacklevel=3)
