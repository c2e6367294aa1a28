"""Tasks in documentation that Sphinx makes."""

from __future__ import annotations

from celeriac.contrib.sphinx import TaskDirective, TaskDocumenter, setup
from celery._remedies import refusals

__all__ = ["TaskDirective", "TaskDocumenter", "setup"]

__getattr__ = refusals(__name__)
