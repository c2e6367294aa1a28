"""Celery's names for celeriac's objects."""

from __future__ import annotations

from typing import NamedTuple

from celery import _kombu, _remedies, _single  # isort: skip (before anything else is imported: a mixture is refused)

from celeriac import (
    Celeriac,
    Signature,
    Task,
    app_or_default,
    chain,
    chord,
    chunks,
    current_app,
    current_task,
    group,
    maybe_signature,
    shared_task,
    signature,
    subtask,
    uuid,
    xmap,
    xstarmap,
)
from celeriac.app.parts import bugreport
from celeriac.app.state import registry


class version_info_t(NamedTuple):
    """A version, as Celery tells it."""

    major: int
    minor: int
    micro: int
    releaselevel: str
    serial: str


Celery = Celeriac
__version__ = "5.7.0+celeriac.0.1.0"
VERSION = version_info = version_info_t(5, 7, 0, "", "")

_single.refuse_mixture()
_remedies.install()
_kombu.join()
__getattr__ = _remedies.refusals(__name__)

__all__ = [
    "VERSION",
    "Celery",
    "Signature",
    "Task",
    "__version__",
    "app_or_default",
    "bugreport",
    "chain",
    "chord",
    "chunks",
    "current_app",
    "current_task",
    "group",
    "maybe_signature",
    "registry",
    "shared_task",
    "signature",
    "subtask",
    "uuid",
    "version_info",
    "xmap",
    "xstarmap",
]
