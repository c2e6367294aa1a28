"""The command amqp."""

from __future__ import annotations

from celeriac.cli.amqp import amqp
from celery._remedies import refusals

__all__ = ["amqp"]

__getattr__ = refusals(__name__)
