"""Adapts an application to Django when ``DJANGO_SETTINGS_MODULE`` is set; Django itself is imported when something is first asked of it."""

from __future__ import annotations

import importlib.util
import os
import warnings
from typing import Any

from celeriac import signals
from celeriac.contracts.outbox import Outbox
from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import FixupWarning
from celeriac.model.plan import Plan

_TASK = "celeriac.django.task:DjangoTask"
_PROJECT = "celeriac.django.project"
_CONNECTIONS = "celeriac.django.connections"
_SKIP = "CELERY_SKIP_CHECKS"


class DjangoFixup:
    """What Django answers for one application."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def prepare(self) -> None:
        """Load Django's settings and apps: modules with tasks import models."""
        symbol_by_name(f"{_PROJECT}:prepare")()
        if symbol_by_name(f"{_PROJECT}:is_installed")("celeriac.django"):
            self._app.steps["consumer"].add(symbol_by_name("celeriac.django.outbox_step:OutboxStep"))

    def packages(self) -> list[str]:
        """Return the packages of the installed apps."""
        found: list[str] = symbol_by_name(f"{_PROJECT}:packages")()
        return found


class DjangoOutbox(Outbox):
    """Messages that go with a transaction of Django's."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.away_until = 0.0
        """Until when (by the monotonic clock) nobody asks the broker after a commit, because it could not be reached."""

    def keeps(self, plan: Plan) -> bool:
        """Write a plan's messages into the transaction that is open here, if the call, its task or the settings ask for it."""
        said = {planned.options.transactional for planned in plan.messages}
        wanted = True in said or (False not in said and self._app.conf.task_transactional)
        return bool(wanted and symbol_by_name("celeriac.django.outbox:keep")(self._app, plan))


def install(app: Any) -> DjangoFixup | None:
    """Adapt an application to Django; a FixupWarning, and nothing else, where Django is not installed."""
    if importlib.util.find_spec("django") is None:
        warnings.warn(
            FixupWarning("DJANGO_SETTINGS_MODULE is set, but Django is not installed here: install it, or unset the variable"), stacklevel=4
        )
        return None
    if app.task_cls is None:
        app.task_cls = _TASK
    app.add_defaults(_defaults)
    for name, receiver in _RECEIVERS.items():
        getattr(signals, name).connect(receiver, weak=False, dispatch_uid=f"celeriac.django.{name}")
    app.outbox = DjangoOutbox(app)
    return DjangoFixup(app)


def _defaults() -> dict[str, Any]:
    found: dict[str, Any] = symbol_by_name(f"{_PROJECT}:defaults")()
    return found


def _on_worker_init(**_signal: Any) -> None:
    if not os.environ.get(_SKIP):
        symbol_by_name(f"{_PROJECT}:check")()
    _close_all()


def _close_all(**_signal: Any) -> None:
    # A process that is forked from here must inherit no connection.
    symbol_by_name(f"{_CONNECTIONS}:close_all")()
    symbol_by_name(f"{_CONNECTIONS}:close_pools")()


def _on_task_prerun(task: Any = None, **_signal: Any) -> None:
    if not task.request.is_eager:
        symbol_by_name(f"{_CONNECTIONS}:before_task")()


def _on_task_postrun(task: Any = None, **_signal: Any) -> None:
    if not task.request.is_eager:
        symbol_by_name(f"{_CONNECTIONS}:after_task")()


_RECEIVERS = {
    "worker_init": _on_worker_init,
    "celeryd_after_setup": _close_all,
    "worker_before_create_process": _close_all,
    "task_prerun": _on_task_prerun,
    "task_postrun": _on_task_postrun,
}
