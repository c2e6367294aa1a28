"""Opens the result stores in Django's database and cache; imports no Django before it is known to be there."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from typing import Any

from celeriac.contracts.backend import ResultBackend
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.urls import Url
from celeriac.model.errors import ImproperlyConfigured


def database(url: Url, options: Mapping[str, Any]) -> ResultBackend:
    """Return the store of results in the database."""
    return _open("django-db", "database", options)


def cache(url: Url, options: Mapping[str, Any]) -> ResultBackend:
    """Return the store of results in the cache."""
    return _open("django-cache", "cache", options)


def _open(name: str, opener: str, options: Mapping[str, Any]) -> ResultBackend:
    if importlib.util.find_spec("django") is None:
        raise ImproperlyConfigured(f'result_backend = {name!r} needs Django, which is not installed: pip install "celeriac[django]"')
    if not os.environ.get("DJANGO_SETTINGS_MODULE") and "django.conf" not in sys.modules:
        raise ImproperlyConfigured(f"result_backend = {name!r} needs a Django project: set DJANGO_SETTINGS_MODULE to the name of its settings module")
    found: ResultBackend = symbol_by_name(f"celeriac.django.results:{opener}")(options)
    return found
