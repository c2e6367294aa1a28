"""Tools for tests."""

from __future__ import annotations

from celery._remedies import refusals

__all__ = []

__getattr__ = refusals(__name__)
