"""A traceback from another process as an object (setting ``task_remote_tracebacks``), made from its text."""

from __future__ import annotations

import importlib
from types import TracebackType
from typing import Any

from celeriac.model.errors import MissingExtra


def frames_of(text: str) -> TracebackType | None:
    """Return the traceback that a text describes, None when it cannot be read; needs tblib."""
    try:
        library: Any = importlib.import_module("tblib")
    except ImportError as error:
        raise MissingExtra("The setting task_remote_tracebacks needs tblib: install celeriac[tblib]") from error
    try:
        found: TracebackType | None = library.Traceback.from_string(text, strict=False).as_traceback()
    except library.TracebackParseError:
        return None
    return found
