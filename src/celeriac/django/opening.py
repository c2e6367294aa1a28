"""Opens the stores of results and schedules in Django's database and cache; imports no Django before it is known to be there."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from typing import Any

from celeriac.contracts.backend import ResultBackend
from celeriac.contracts.schedule_store import ScheduleStore
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.urls import Url
from celeriac.model.errors import ImproperlyConfigured


def database(url: Url, options: Mapping[str, Any]) -> ResultBackend:
    """Return the store of results in the database."""
    return _open("django-db", "database", options)


def cache(url: Url, options: Mapping[str, Any]) -> ResultBackend:
    """Return the store of results in the cache."""
    return _open("django-cache", "cache", options)


def schedule_store(url: Url, options: Mapping[str, Any]) -> ScheduleStore:
    """Return the schedule in the database; ``django-db://alias`` names one of several. Option: ``space``, one application's name."""
    _require("beat_store = 'django-db'")
    found: ScheduleStore = symbol_by_name("celeriac.django.project:schedule_store")(url.host, str(options.get("space") or ""))
    return found


def keeps_schedule(scheduler: str) -> bool:
    """Tell whether a scheduler's name (``django``, ``django-db``) means the schedule in the database.

    ``django`` is also how django-celery-beat names its own: where that is an installed app, the name is left to it.
    """
    _require(f"The scheduler {scheduler!r}")
    return scheduler == "django-db" or not symbol_by_name("celeriac.django.project:is_installed")("django_celery_beat")


def _open(name: str, opener: str, options: Mapping[str, Any]) -> ResultBackend:
    _require(f"result_backend = {name!r}")
    found: ResultBackend = symbol_by_name(f"celeriac.django.results:{opener}")(options)
    return found


def _require(what: str) -> None:
    if importlib.util.find_spec("django") is None:
        raise ImproperlyConfigured(f'{what} needs Django, which is not installed: pip install "celeriac[django]"')
    if not os.environ.get("DJANGO_SETTINGS_MODULE") and "django.conf" not in sys.modules:
        raise ImproperlyConfigured(f"{what} needs a Django project: set DJANGO_SETTINGS_MODULE to the name of its settings module")
