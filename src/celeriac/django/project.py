"""The Django project around an application: made ready, checked, and asked for its apps and its time zone."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, SystemCheckError

from celeriac.contracts.schedule_store import ScheduleStore
from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import ImproperlyConfigured

_INSTALLED = "celeriac.django"
_TASKS = "celeriac.django.tasks"
_OURS = ("celeriac", "celery")


def prepare() -> None:
    """Load the settings and the apps, once; the current folder is importable from here on."""
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    if not apps.ready:
        django.setup()
    _enable_own_loggers()
    # The tasks by which those of django.tasks travel are known to workers only when that module is there.
    if any(str(given.get("BACKEND")).startswith(_TASKS) for given in getattr(settings, "TASKS", {}).values()):
        importlib.import_module(_TASKS)


def _enable_own_loggers() -> None:
    # LOGGING without 'disable_existing_loggers': False silences every logger that exists when the settings are loaded: a worker would be mute.
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and name.partition(".")[0] in _OURS:
            logger.disabled = False


def packages() -> list[str]:
    """Return the packages of the installed apps, whether they are listed by package or by AppConfig."""
    # The ``tasks`` of ours are no tasks of the project, and cannot be imported without django.tasks.
    return [config.name for config in apps.get_app_configs() if config.name != _INSTALLED]


def is_installed(app: str) -> bool:
    """Tell whether something is one of the installed apps."""
    prepare()
    return bool(apps.is_installed(app))


def schedule_store(using: str | None, space: str) -> ScheduleStore:
    """Return the schedule in a database of the project."""
    if not is_installed(_INSTALLED):
        raise ImproperlyConfigured(f"beat_store = 'django-db' needs tables: add {_INSTALLED!r} to INSTALLED_APPS, then run manage.py migrate")
    if using and using not in settings.DATABASES:
        raise ImproperlyConfigured(f"beat_store = 'django-db://{using}': there is no such database; DATABASES has {', '.join(settings.DATABASES)}")
    made: ScheduleStore = symbol_by_name("celeriac.django.schedule_store:ModelScheduleStore")(space, using=using)
    return made


def defaults() -> dict[str, Any]:
    """Return the settings that Django gives where the application's own are silent: the time zone."""
    zone = getattr(settings, "TIME_ZONE", None)
    return {"timezone": zone} if zone else {}


def check() -> None:
    """Run Django's system checks; errors are printed, and end the process."""
    try:
        BaseCommand(stdout=sys.stderr, stderr=sys.stderr).check()
    except SystemCheckError as error:
        print(f"{error}\n\nThe worker was not started: see above, or skip the checks with --skip-checks.", file=sys.stderr)
        raise SystemExit(1) from None
