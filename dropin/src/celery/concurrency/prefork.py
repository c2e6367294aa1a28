"""What packages replace to be told when a task process begins and ends. The worker calls it here once this module has been imported."""

from __future__ import annotations

import sys

from celeriac.worker.onlookers import offer, process_destructor, process_initializer
from celery._remedies import refusals

__all__ = ["process_destructor", "process_initializer"]

offer(sys.modules[__name__])

__getattr__ = refusals(__name__)
