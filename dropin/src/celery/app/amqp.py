"""Queues and routes of an application."""

from __future__ import annotations

from celeriac.app.parts import AMQP
from celeriac.app.queues import Queues
from celery._remedies import refusals

__all__ = ["AMQP", "Queues"]

__getattr__ = refusals(__name__)
