"""What is printed becomes log lines."""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any, TextIO


class RedirectedStream:
    """Stands in for stdout or stderr: each line that is printed becomes a record of a logger."""

    unfinished = False
    """Whether a line may wait somewhere for its end."""
    closed = False
    errors = "backslashreplace"
    encoding = "utf-8"

    def __init__(self, logger: logging.Logger, level: int, original: TextIO | None) -> None:
        self._logger = logger
        self._level = level
        self._original = original
        self._here = threading.local()

    def write(self, text: str) -> int:
        """Log the whole lines in ``text``; the rest waits for its end."""
        waiting = getattr(self._here, "text", "") + str(text)
        *lines, self._here.text = waiting.split("\n")
        if self._here.text:
            RedirectedStream.unfinished = True
        self._log(lines)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Log a line that has no end yet."""
        rest, self._here.text = getattr(self._here, "text", ""), ""
        self._log([rest])

    def isatty(self) -> bool:
        """Tell that nobody sits at the other end."""
        return False

    def writable(self) -> bool:
        """Tell that it may be written to."""
        return True

    def fileno(self) -> int:
        """Return the original stream's descriptor, which child programs inherit."""
        if self._original is None:
            raise OSError("This stream has no file descriptor: output is redirected to the log")
        return self._original.fileno()

    def _log(self, lines: list[str]) -> None:
        # A handler that prints would come back here for ever.
        if getattr(self._here, "busy", False):
            return
        self._here.busy = True
        try:
            for line in lines:
                if line.strip():
                    self._logger.log(self._level, "%s", line.rstrip())
        finally:
            self._here.busy = False


def end_lines() -> None:
    """Log what was printed in this thread without an end of line: the task that printed it has ended."""
    RedirectedStream.unfinished = False
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, RedirectedStream):
            stream.flush()


def restore_stdouts() -> None:
    """Put the program's own streams back, when the worker has ended."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, RedirectedStream):
            stream.flush()
            setattr(sys, name, getattr(sys, f"__{name}__"))


def redirect_stdouts(level: int, name: str = "celeriac.redirected") -> None:
    """Let everything that is printed become log lines."""
    logger = logging.getLogger(name)
    sys.stdout = RedirectedStream(logger, level, sys.__stdout__)
    sys.stderr = RedirectedStream(logger, level, sys.__stderr__)
