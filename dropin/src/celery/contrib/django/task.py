"""The base of tasks under Django."""

from __future__ import annotations

from celeriac.django.task import DjangoTask
from celery._remedies import refusals

__all__ = ["DjangoTask"]

__getattr__ = refusals(__name__)
