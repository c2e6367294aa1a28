"""What differs between platforms."""

from __future__ import annotations

from celeriac.lib.platforms import EX_FAILURE, EX_OK, EX_UNAVAILABLE, EX_USAGE, IS_WINDOWS, SYSTEM, IS_macOS, close_open_fds
from celery._remedies import refusals

__all__ = ["EX_FAILURE", "EX_OK", "EX_UNAVAILABLE", "EX_USAGE", "IS_WINDOWS", "SYSTEM", "IS_macOS", "close_open_fds"]

__getattr__ = refusals(__name__)
