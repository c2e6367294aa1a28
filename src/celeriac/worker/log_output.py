"""Where log lines go: one buffer and one file for what the worker writes itself and for what comes through ``logging``."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

_COLOURS = {logging.DEBUG: "\033[34m", logging.WARNING: "\033[33m", logging.ERROR: "\033[31m", logging.CRITICAL: "\033[35m"}
_PLAIN = "\033[0m"
_write = os.write
"""As it was when this module was made: libraries that patch later make ``os.write`` yield, which must not be while a lock from before is held."""
_LOOK = 0.25
"""Seconds between two looks whether the file was moved away."""


class LogOutput:
    """A file, or a stream, that gets whole lines, many in one write.

    ``append`` may be called from any thread and only collects; ``flush`` writes. A file that was moved away (logrotate) is opened anew.
    """

    def __init__(self, path: str | None = None, stream: IO[str] | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._now = now
        self._look_at = 0.0
        self._stream = stream if stream is not None else sys.__stderr__
        self._lines: list[str] = []
        self._lock = threading.Lock()
        self._fd = -1
        self._seen: tuple[int, int] | None = None
        self.append = self._lines.append
        self.also: Callable[[str], object] | None = None
        """Gets everything that is written, too."""
        if path is not None:
            self._open()

    @property
    def pending(self) -> int:
        """How many lines wait to be written."""
        return len(self._lines)

    def isatty(self) -> bool:
        """Whether a person may be reading along."""
        return self.path is None and self._stream is not None and self._stream.isatty()

    def flush(self) -> None:
        """Write what was collected."""
        if not self._lines:
            return
        with self._lock:
            # Other threads append meanwhile: only what was counted is taken out.
            count = len(self._lines)
            text = "".join(self._lines[:count])
            del self._lines[:count]
            if self.also is not None:
                self.also(text)
            self._write(text)

    def after_fork(self, path: str | None) -> None:
        """Forget what the parent had not written yet; in a child, before anything else. ``path`` is the child's own file, or the parent's."""
        self._lock = threading.Lock()
        self._lines.clear()
        if path != self.path:
            self.close()
            self.path = path
            self._open()

    def close(self) -> None:
        """Write what waits and close the file."""
        self.flush()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write(self, text: str) -> None:
        if self.path is not None:
            if self._now() >= self._look_at and self._moved():
                self._reopen()
            self._write_bytes(self._fd, text)
        elif self._stream is not None:
            try:
                descriptor = self._stream.fileno()
            except (OSError, ValueError, AttributeError):
                self._stream.write(text)
                return
            self._write_bytes(descriptor, text)

    @staticmethod
    def _write_bytes(descriptor: int, text: str) -> None:
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        while data:
            try:
                data = data[_write(descriptor, data) :]
            except BlockingIOError:
                # A terminal that was made non-blocking by another program: wait until it takes more.
                threading.Event().wait(0.001)
            except OSError:
                # The reader of the log went away, or the disk is full: the worker's tasks matter more than its log.
                return

    def _reopen(self) -> None:
        old = self._fd
        try:
            self._open()
        except OSError:
            # Its folder is gone, or not ours any more: go on writing to the file that was moved.
            return
        os.close(old)

    def _open(self) -> None:
        assert self.path is not None
        folder = os.path.dirname(self.path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        status = os.fstat(descriptor)
        self._fd, self._seen = descriptor, (status.st_dev, status.st_ino)

    def _moved(self) -> bool:
        self._look_at = self._now() + _LOOK
        try:
            status = os.stat(self.path or "")
        except OSError:
            return True
        return (status.st_dev, status.st_ino) != self._seen


class LineHandler(logging.Handler):
    """Hands records of ``logging`` to a ``LogOutput``, and has them written at once: a process may die after what it said last."""

    def __init__(self, output: LogOutput) -> None:
        super().__init__()
        self.output = output

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.output.append(self.format(record) + "\n")
            self.output.flush()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        self.output.flush()


class LineFormatter(logging.Formatter):
    """The worker's format, each level in its colour when asked for."""

    def __init__(self, fmt: str, datefmt: str | None = None, *, colour: bool = False) -> None:
        super().__init__(fmt, datefmt, validate=False)
        self.colour = colour

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        paint = _COLOURS.get(record.levelno) if self.colour else None
        return f"{paint}{text}{_PLAIN}" if paint else text
