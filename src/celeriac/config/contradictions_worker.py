"""Settings of the worker and of how tasks run that make no sense together."""

from __future__ import annotations

from celeriac.config.problem import Problem
from celeriac.config.schemes import stores_results
from celeriac.config.settings import Settings


def soft_limit_after_hard(settings: Settings) -> Problem | None:
    """A soft time limit that never comes to pass."""
    soft, hard = settings.seconds("task_soft_time_limit"), settings.seconds("task_time_limit")
    if not soft or not hard or soft < hard:
        return None
    return Problem(
        key="task_soft_time_limit",
        text=f"task_soft_time_limit ({soft:g} s) is not below task_time_limit ({hard:g} s): a task is killed before it is told to end",
        remedy="make task_soft_time_limit the smaller one",
    )


def limits_in_a_pool_without_processes(settings: Settings) -> Problem | None:
    """Limits that can only be kept by ending a process, where there is none."""
    pool = settings["worker_pool"]
    names: tuple[str, ...] = ("worker_max_tasks_per_child", "worker_max_memory_per_child", "worker_memory_guard")
    if pool in ("solo", "threads"):
        names = ("task_time_limit", *names)
    name = next((name for name in names if settings[name]), None)
    if pool not in ("solo", "threads", "asyncio", "gevent", "eventlet") or name is None:
        return None
    return Problem(
        key=name, text=f"{name} has no effect with worker_pool={pool!r}: there is no process to end", remedy="use the prefork pool, or remove it"
    )


def concurrency_in_solo(settings: Settings) -> Problem | None:
    """Concurrency for the executor that has none."""
    count = settings["worker_concurrency"]
    if settings["worker_pool"] != "solo" or not isinstance(count, int) or count < 2:
        return None
    return Problem(
        key="worker_concurrency",
        text=f"worker_concurrency={count} has no effect with worker_pool='solo', which runs one task at a time",
        remedy="choose another pool, or remove it",
    )


def early_ack_with_late_rules(settings: Settings) -> Problem | None:
    """Rules for late acknowledgement where it was turned off."""
    if settings["task_acks_late"]:
        return None
    rules = (("task_reject_on_worker_lost", True), ("task_acks_on_failure_or_timeout", False), ("task_acks_on_failure", False))
    name = next((name for name, value in (*rules, ("task_acks_on_timeout", False)) if settings[name] is value), None)
    # Tasks may ask for late acknowledgement themselves, then the rule is theirs; nothing is known of them here.
    if name is None or not settings.is_set("task_acks_late"):
        return None
    return Problem(key=name, text=f"{name}={settings[name]} has no effect without task_acks_late", remedy="set task_acks_late = True, or remove it")


def deduplication_without_means(settings: Settings) -> Problem | None:
    """Leaving out what has succeeded already, without knowing what has."""
    if not settings["worker_deduplicate_successful_tasks"]:
        return None
    if not stores_results(settings):
        lack, remedy = "no result_backend is set to look up what has succeeded", "set result_backend"
    elif settings["task_ignore_result"]:
        lack, remedy = "task_ignore_result keeps no results to look up", "remove task_ignore_result"
    elif not settings["task_acks_late"] and settings.is_set("task_acks_late"):
        lack, remedy = "without task_acks_late nothing is delivered twice", "set task_acks_late = True"
    else:
        return None
    return Problem(key="worker_deduplicate_successful_tasks", text=f"worker_deduplicate_successful_tasks has no effect: {lack}", remedy=remedy)


def soft_shutdown_longer_than_warm(settings: Settings) -> Problem | None:
    """A soft shutdown that the warm one cuts short."""
    soft, warm = settings.seconds("worker_soft_shutdown_timeout"), settings.seconds("worker_shutdown_timeout")
    if not soft or warm is None or soft <= warm:
        return None
    return Problem(
        key="worker_soft_shutdown_timeout",
        text=f"worker_soft_shutdown_timeout ({soft:g} s) is longer than worker_shutdown_timeout ({warm:g} s), which ends it early",
        remedy="raise worker_shutdown_timeout",
    )
