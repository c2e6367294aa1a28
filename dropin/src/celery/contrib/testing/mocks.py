"""Mocks of messages."""

from __future__ import annotations

from celeriac.testing.mocks import ContextMock, TaskMessage, TaskMessage1, task_message_from_sig
from celery._remedies import refusals

__all__ = ["ContextMock", "TaskMessage", "TaskMessage1", "task_message_from_sig"]

__getattr__ = refusals(__name__)
