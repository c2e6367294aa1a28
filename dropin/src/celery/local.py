"""Objects that stand for others."""

from __future__ import annotations

from celeriac.app.proxy import CallProxy as PromiseProxy
from celeriac.app.proxy import CallProxy as Proxy
from celeriac.app.proxy import maybe_evaluate
from celery._remedies import refusals

__all__ = ["PromiseProxy", "Proxy", "maybe_evaluate"]

__getattr__ = refusals(__name__)
