"""The libraries of the extra ``redis``: imported when the driver is first used."""

from __future__ import annotations

import importlib
from typing import Any

from celeriac.model.errors import MissingExtra


def redis_py(module: str = "connection") -> Any:
    """Return a module of redis-py: it opens connections (TCP, TLS, unix, Sentinel) and does the handshake."""
    return _imported(f"redis.{module}")


def hiredis() -> Any:
    """Return hiredis: it packs commands and reads replies."""
    found = _imported("hiredis")
    if not hasattr(found, "PushNotification"):
        raise MissingExtra("The redis driver needs hiredis 3.2 or later: pip install -U 'celeriac[redis]'")
    return found


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtra(f"The redis driver needs redis-py and hiredis ({error}): pip install 'celeriac[redis]'") from error
