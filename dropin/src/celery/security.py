"""Signed messages."""

from __future__ import annotations

from celeriac.app.security import setup_security
from celeriac.wire.signing import register_auth
from celery._remedies import refusals

__all__ = ["register_auth", "setup_security"]

__getattr__ = refusals(__name__)
