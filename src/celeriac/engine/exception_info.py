"""An exception with its traceback as text: what handlers and signals get as ``einfo``."""

from __future__ import annotations

import os
import sys
import traceback as tracebacks
from functools import cache
from types import TracebackType
from typing import Any

LONGEST = 40_000
"""Characters of a traceback that are kept: its beginning and its end."""

_OURS = (
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep,
    os.path.join(os.path.dirname(os.__file__), "asyncio") + os.sep,
)
"""Folders whose frames, at the top of a traceback, tell a user nothing."""


class ExceptionInfo:
    """An exception, its type, and its traceback: ``tb`` as an object (None when it happened in another process), ``traceback`` as text."""

    def __new__(cls, *_args: Any, **_kwargs: Any) -> ExceptionInfo:
        """Return one that is also of billiard's class, where that is imported: receivers tell by it what they have been given."""
        theirs = getattr(sys.modules.get("billiard.einfo"), "ExceptionInfo", None)
        return object.__new__(cls if theirs is None else _both(theirs))

    def __init__(self, error: BaseException, traceback: str | None = None, internal: bool = False) -> None:
        self.type: type[BaseException] = type(error)
        self.exception = error
        self.tb: TracebackType | None = error.__traceback__
        self.traceback = text_of(error) if traceback is None else traceback
        self.internal = internal

    @property
    def exc_info(self) -> tuple[type[BaseException], BaseException, TracebackType | None]:
        """As ``sys.exc_info``."""
        return self.type, self.exception, self.tb

    def __str__(self) -> str:
        return self.traceback

    def __repr__(self) -> str:
        return f"<ExceptionInfo: {safe_repr(self.exception)}>"

    def __reduce__(self) -> Any:
        return ExceptionInfo, (self.exception, self.traceback, self.internal)


@cache
def _both(theirs: Any) -> type[ExceptionInfo]:
    return type("ExceptionInfo", (ExceptionInfo, theirs), {"__module__": __name__, "__doc__": ExceptionInfo.__doc__})


def text_of(error: BaseException) -> str:
    """Return the traceback as text, from the first frame that is not this package's; never raises."""
    try:
        text = "".join(tracebacks.format_exception(type(error), error, _users_frames(error.__traceback__)))
    except Exception as trouble:
        # An exception whose own __str__, __notes__ or __cause__ raise.
        text = f"{type(error).__module__}.{type(error).__qualname__}: (its text cannot be made: {type(trouble).__name__})\n"
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 4]}\n... ({len(text) - LONGEST} characters left out) ...\n{text[-LONGEST * 3 // 4 :]}"
    return text


def safe_repr(error: BaseException, longest: int = 1000) -> str:
    """Return ``repr(error)``, bounded; never raises."""
    try:
        text = repr(error)
    except Exception as trouble:
        text = f"<{type(error).__name__}: repr raised {type(trouble).__name__}>"
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _users_frames(tb: TracebackType | None) -> TracebackType | None:
    found = tb
    while found is not None and found.tb_frame.f_code.co_filename.startswith(_OURS):
        found = found.tb_next
    return found if found is not None else tb
