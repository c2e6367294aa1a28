"""Django's connections around tasks: as Django does around requests, in whatever thread, green thread or coroutine a task runs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.conf import settings
from django.core.cache import close_caches
from django.db import connections, reset_queries
from django.db.utils import Error

_context = SyncToAsync.thread_sensitive_context
_inherited: list[Any] = []
"""Connections of a parent process: kept, so that nothing ever closes them, which would end the parent's sessions."""
_POOLS = "_connection_pools"
_counted: dict[str, int] = {"tasks": 0}


class _InPlace(Executor):
    """Runs what it is given at once: under green threads a coroutine has a thread of the system to itself, and could not end another one."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        loop = asyncio._get_running_loop()
        # As in a thread of its own: Django refuses queries, and keeps connections elsewhere, where a loop runs.
        asyncio._set_running_loop(None)
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        finally:
            for connection in _outside_of_transactions():
                connection.close()
            asyncio._set_running_loop(loop)
        return done


def is_green() -> bool:
    """Tell whether the threads of this process are green ones."""
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    return bool(gevent and gevent.is_module_patched("threading")) or bool(eventlet and eventlet.is_monkey_patched("thread"))


def close_all() -> None:
    """Close the connections of this thread, but for one whose transaction is open: that is a test's."""
    for connection in _outside_of_transactions():
        connection.close()
    close_caches()


def close_pools() -> None:
    """Close pools of connections (``OPTIONS = {"pool": ...}``): their threads do not come along when a process is forked."""
    for connection in connections.all():
        if _POOLS in vars(type(connection)) and connection.alias in getattr(connection, _POOLS):
            connection.close_pool()


def close_old() -> None:
    """Close those connections of this thread that are too old or broken; never one whose transaction is open."""
    for connection in _outside_of_transactions():
        connection.close_if_unusable_or_obsolete()


def close_broken() -> None:
    """Close those connections of this thread that are broken, or older than a CONN_MAX_AGE that lets them live at all."""
    for connection in _outside_of_transactions():
        if connection.settings_dict["CONN_MAX_AGE"] != 0:
            connection.close_if_unusable_or_obsolete()
        elif connection.errors_occurred and not _usable(connection):
            connection.close()


def _outside_of_transactions() -> list[Any]:
    return [connection for connection in connections.all(initialized_only=True) if not connection.in_atomic_block]


def leave_inherited() -> None:
    """Begin without connections in a process that was forked; what the parent had open stays the parent's."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            _inherited.append(connection.connection)
            connection.connection = None
        pools = vars(type(connection)).get(_POOLS)
        if pools:
            _inherited.append(dict(pools))
            pools.clear()


os.register_at_fork(after_in_child=leave_inherited)


def before_task() -> None:
    """Let a task begin as a request does: no connection that is too old or broken, nothing in the log of queries."""
    reset_queries()
    _recycle(count=False)
    # `await` on the ORM runs in a thread: one of this task's own, so that it can be ended with its connections.
    context = ThreadSensitiveContext()
    _context.set(context)
    if is_green():
        SyncToAsync.context_to_thread_executor[context] = _InPlace()


def after_task() -> None:
    """Close what a task has left: old connections, or all of them after CELERY_DB_REUSE_MAX tasks; and the caches'."""
    context = _context.get(None)
    executor = None if context is None else SyncToAsync.context_to_thread_executor.pop(context, None)
    if executor is not None and not isinstance(executor, _InPlace):
        executor.submit(connections.close_all)
        executor.shutdown(wait=False)
    _context.set(None)
    _recycle(count=True)
    close_caches()


def _recycle(*, count: bool) -> None:
    reuse = getattr(settings, "CELERY_DB_REUSE_MAX", None)
    if not reuse:
        close_old()
        return
    _counted["tasks"] += count
    if _counted["tasks"] >= reuse:
        _counted["tasks"] = 0
        close_all()
        return
    for connection in _outside_of_transactions():
        if connection.errors_occurred and not _usable(connection):
            connection.close()


def _usable(connection: Any) -> bool:
    try:
        return bool(connection.is_usable())
    except Error:
        return False
