"""Asking the project's database: by its own clock, and with errors that the rest of the house understands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, models
from django.db.models.functions import Now
from django.db.utils import OperationalError as DatabaseAway

from celeriac.django.connections import close_broken
from celeriac.model.errors import ImproperlyConfigured, OperationalError


class UtcNow(Now):
    """The database's clock, in UTC whatever time zone a connection has: one clock for all schedulers."""

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)


def database_clock(seconds: float) -> Any:
    """Return the database's time, so many seconds on."""
    return models.ExpressionWrapper(UtcNow() + timedelta(seconds=seconds), output_field=models.DateTimeField())


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Say of a database that is away that it is, and let the next access connect anew; the connection stays open otherwise."""
    try:
        yield
    except (DatabaseAway, InterfaceError) as error:
        close_broken()
        if "no such table" in str(error):
            raise _not_migrated(what, error) from error
        raise OperationalError(f"The database of the {what} cannot be used: {error}") from error
    except DatabaseError as error:
        raise _not_migrated(what, error) from error


def _not_migrated(what: str, error: Exception) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"The database of the {what} refuses: {error}; has manage.py migrate been run?")
