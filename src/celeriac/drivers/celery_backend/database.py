"""The names of Celery's database store, for programs that ask whether they have it in front of them (Airflow does). No store here is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeVar

from celeriac.drivers.celery_backend.base import Backend
from celeriac.model.errors import ImproperlyConfigured

F = TypeVar("F", bound=Callable[..., Any])


class DatabaseBackend(Backend):
    """What ``isinstance(app.backend, DatabaseBackend)`` asks for."""

    def __init__(self, *args: Any, **options: Any) -> None:
        raise ImproperlyConfigured("Celery's database store cannot be had: set result_backend to a URL (db+sqlite:///path), or to django-db")


class Task:
    """Celery's table of results; stores here have tables of their own."""


def retry(function: F) -> F:
    """Return the function: stores here try again by themselves."""
    return function


@contextmanager
def session_cleanup(session: Any) -> Iterator[None]:
    """Close a session of SQLAlchemy's at the end of the block; what an error left undone is undone."""
    with closing(session):
        try:
            yield
        except Exception:
            session.rollback()
            raise
