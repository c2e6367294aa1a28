"""What belongs to an application."""

from __future__ import annotations

from celeriac.app.parts import bugreport
from celeriac.cli.application import find_app
from celeriac.config.settings import Settings
from celeriac.lib.urls import censor as sanitize_url
from celery._remedies import refusals

__all__ = ["Settings", "bugreport", "find_app", "sanitize_url"]

__getattr__ = refusals(__name__)
