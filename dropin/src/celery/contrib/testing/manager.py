"""Waiting for what workers do."""

from __future__ import annotations

from celeriac.testing.manager import Manager, ManagerMixin
from celery._remedies import refusals

__all__ = ["Manager", "ManagerMixin"]

__getattr__ = refusals(__name__)
