"""Remote control."""

from __future__ import annotations

from celeriac.control import Control, Inspect
from celeriac.control.inspection import flatten_reply
from celery._remedies import refusals

__all__ = ["Control", "Inspect", "flatten_reply"]

__getattr__ = refusals(__name__)
