"""What the machine has."""

from __future__ import annotations

from celeriac.worker.options import usable_cpus as available_cpu_count
from celery._remedies import refusals

__all__ = ["available_cpu_count"]

__getattr__ = refusals(__name__)
