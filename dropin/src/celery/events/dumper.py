"""Events as text."""

from __future__ import annotations

from celeriac.events.dumper import Dumper, evdump
from celery._remedies import refusals

__all__ = ["Dumper", "evdump"]

__getattr__ = refusals(__name__)
