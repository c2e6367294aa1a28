"""Makes a result store of a class that was written for Celery, or for us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celeriac.contracts.backend import ResultBackend
from celeriac.drivers.celery_backend.adapter import CeleryBackend
from celeriac.lib.importing import qualname
from celeriac.lib.urls import parse
from celeriac.model.errors import ImproperlyConfigured


def backend(kind: Any, url: str, options: Mapping[str, Any]) -> ResultBackend:
    """Return the store of a class; its URL is passed on where it says more than the class's name."""
    _scheme, there, rest = url.partition("://")
    if isinstance(kind, type) and issubclass(kind, ResultBackend):
        made: ResultBackend = kind(parse(f"custom://{rest}"), options)  # type: ignore[call-arg]  # the contract leaves open how one is made
        return made
    if not callable(getattr(kind, "store_result", None)):
        raise ImproperlyConfigured(
            f"result_backend = {url!r}: {qualname(kind)} is no result store; it should be a subclass of celery.backends.base.Backend "
            "or of celeriac.contracts.backend.ResultBackend"
        )
    app = options["app"]
    return CeleryBackend(kind(app=app, url=url if there and rest else None), app)
