"""Django."""

from __future__ import annotations

from celeriac.django.fixup import DjangoFixup
from celeriac.django.fixup import install as fixup
from celery._remedies import refusals

__all__ = ["DjangoFixup", "fixup"]

__getattr__ = refusals(__name__)
