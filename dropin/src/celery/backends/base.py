"""The base of result stores."""

from __future__ import annotations

from celeriac.app.parts import DisabledBackend
from celeriac.app.state import get_current_task
from celeriac.drivers.celery_backend.base import Backend, BaseBackend, BaseDictBackend, KeyValueStoreBackend
from celeriac.drivers.celery_backend.base import KeyValueStoreBackend as BaseKeyValueStoreBackend
from celery._remedies import refusals

__all__ = ["Backend", "BaseBackend", "BaseDictBackend", "BaseKeyValueStoreBackend", "DisabledBackend", "KeyValueStoreBackend", "get_current_task"]

__getattr__ = refusals(__name__)
