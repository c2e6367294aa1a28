"""Results in Django's database and cache: those of django-celery-results where that is an installed app, else our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.core.cache import InvalidCacheBackendError, caches
from django.db import DatabaseError, InterfaceError
from django.db.utils import OperationalError as DatabaseAway

from celeriac.contracts.backend import ResultBackend
from celeriac.django.connections import close_broken
from celeriac.django.project import prepare
from celeriac.drivers.celery_backend.adapter import CeleryBackend
from celeriac.drivers.celery_backend.base import KeyValueStoreBackend
from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import ImproperlyConfigured, OperationalError

_THEIRS = "django_celery_results"
_OURS = "celeriac.django"


def database(options: Mapping[str, Any]) -> ResultBackend:
    """Return the store of results in the database."""
    prepare()
    if apps.is_installed(_THEIRS):
        return _theirs("DatabaseBackend", options)
    if apps.is_installed(_OURS):
        made: ResultBackend = symbol_by_name("celeriac.django.stored:ModelBackend")(around)
        return made
    raise ImproperlyConfigured(
        f"result_backend = 'django-db' needs a table for the results: add {_OURS!r} (or {_THEIRS!r}) to INSTALLED_APPS, then run manage.py migrate"
    )


def cache(options: Mapping[str, Any]) -> ResultBackend:
    """Return the store of results in the cache that the setting ``cache_backend`` names, by default ``default``."""
    prepare()
    if apps.is_installed(_THEIRS):
        return _theirs("CacheBackend", options)
    app = options["app"]
    return CeleryBackend(CacheBackend(app=app), app, around)


def _theirs(name: str, options: Mapping[str, Any]) -> CeleryBackend:
    app = options["app"]
    return CeleryBackend(symbol_by_name(f"{_THEIRS}.backends:{name}")(app=app), app, around)


@contextmanager
def around() -> Iterator[None]:
    """Let no access meet a connection that the server has closed; a database that is away is what the worker waits for.

    The connection stays open, as after any other access: a request or a task closes it when it ends, a worker's own threads keep one.
    """
    close_broken()
    try:
        yield
    except (DatabaseAway, InterfaceError) as error:
        close_broken()
        raise OperationalError(f"The database of the results cannot be used: {error}") from error
    except DatabaseError as error:
        raise ImproperlyConfigured(f"The database of the results refuses: {error}; has manage.py migrate been run?") from error


class CacheBackend(KeyValueStoreBackend):
    """Results in one of Django's caches; what the cache throws away is gone."""

    @property
    def cache(self) -> Any:
        """The cache of this thread."""
        name = self.app.conf.cache_backend or "default"
        try:
            return caches[name]
        except InvalidCacheBackendError as error:
            raise ImproperlyConfigured(f"cache_backend = {name!r}: {error}; name one of the settings' CACHES") from error

    def get(self, key: Any) -> Any:
        return self.cache.get(key)

    def set(self, key: Any, value: Any) -> None:
        self.cache.set(key, value, timeout=self.expires)

    def delete(self, key: Any) -> None:
        self.cache.delete(key)
