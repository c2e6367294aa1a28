"""What kind of broker and result store is in use, by their URLs."""

from __future__ import annotations

from typing import Any

from celeriac.config.settings import Settings


def broker_scheme(settings: Settings) -> str:
    """Return the scheme of the broker, empty for the embedded one."""
    return _scheme(settings["broker_read_url"] or settings["broker_transport"])


def backend_scheme(settings: Settings) -> str:
    """Return the scheme of the result store, empty when none is set."""
    return _scheme(settings["result_backend"])


def stores_results(settings: Settings) -> bool:
    """Return whether results are kept anywhere: somewhere that is set, or in the embedded file."""
    embedded = not broker_scheme(settings)
    return backend_scheme(settings) != "disabled" and (bool(backend_scheme(settings)) or embedded)


def _scheme(url: Any) -> str:
    if isinstance(url, list | tuple):
        url = url[0] if url else ""
    return url.partition(":")[0].partition("+")[0].lower() if isinstance(url, str) else "" if url is None else "custom"
