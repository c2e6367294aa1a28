"""``celeriac worker --reload``, for development: the worker runs as a child, and begins again when a source file changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import MissingExtra
from celeriac.worker.children import die_with

UNDER_WATCH = "CELERIAC_RELOADED"
"""Set in the child's environment: it is the worker itself."""

_LOOK = 200
"""Milliseconds between two looks at the child and at signals."""
_SETTLED = 300
"""Milliseconds within which changes are one: editors write several files."""
_GRACE = 5.0
"""Seconds for what runs; then acknowledged late tasks go back, to be run by the new worker."""

_FORWARDED = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGBREAK")


def wanted(given: dict[str, Any]) -> bool:
    """Take ``reload`` out of the options; return whether this process is to watch over another."""
    return bool(given.pop("reload", None)) and not os.environ.get(UNDER_WATCH)


class Reloader:
    """Watches the source files below a folder; ``tell`` speaks to the user."""

    def __init__(self, folder: str, tell: Callable[[str], object]) -> None:
        self._folder = folder
        self._tell = tell
        self._child: subprocess.Popen[bytes] | None = None
        self._heard: list[int] = []
        self._leaving = False

    def run(self) -> int:
        """Keep a worker running until it is told to end, or ends in good order by itself; return its exit status."""
        changes = self._changes()
        for name in _FORWARDED:
            if (number := getattr(signal, name, None)) is not None:
                signal.signal(number, lambda number, _frame: self._heard.append(number))
        self._tell(f"the worker starts again when a Python file below {self._folder} changes")
        self._start()
        for changed in changes:
            status = self._look()
            if status is not None:
                return status
            if changed and not self._leaving:
                names = ", ".join(sorted({os.path.relpath(path, self._folder) for _, path in changed})[:3])
                self._tell(f"{names} changed: the worker starts again")
                self._end_child()
                self._start()
        return 0

    def _changes(self) -> Iterator[set[tuple[Any, str]]]:
        try:
            watch = symbol_by_name("watchfiles:watch")
        except ImportError:
            raise MissingExtra("--reload needs watchfiles: install celeriac[reload]") from None
        python_files = symbol_by_name("watchfiles:PythonFilter")()
        found: Iterator[set[tuple[Any, str]]] = watch(
            self._folder, watch_filter=python_files, debounce=_SETTLED, step=50, rust_timeout=_LOOK, yield_on_timeout=True, raise_interrupt=False
        )
        return found

    def _start(self) -> None:
        parent = os.getpid()
        # In a process group of its own: a Ctrl+C comes from here alone, and once.
        alone: dict[str, Any] = {} if os.name == "nt" else {"process_group": 0, "preexec_fn": lambda: die_with(parent)}
        environment = {**os.environ, UNDER_WATCH: "1"}
        self._child = subprocess.Popen([sys.executable, *sys.orig_argv[1:]], env=environment, **alone)

    def _look(self) -> int | None:
        """Pass on signals; return the exit status when all is over."""
        while self._heard:
            number = self._heard.pop(0)
            self._leaving = True
            if self._child is None:
                return 0
            with suppress(ProcessLookupError):
                self._child.send_signal(number)
        if self._child is None or (status := self._child.poll()) is None:
            return None
        if self._leaving or status == 0:
            return status if status >= 0 else 1
        self._child = None
        self._tell(f"the worker ended with status {status}; it starts again with the next change")
        return None

    def _end_child(self) -> None:
        child = self._child
        for number in (signal.SIGTERM, getattr(signal, "SIGQUIT", signal.SIGTERM)):
            if child is None or child.poll() is not None:
                return
            with suppress(ProcessLookupError):
                child.send_signal(number)
            deadline = time.monotonic() + _GRACE
            while child.poll() is None and time.monotonic() < deadline and not self._heard:
                time.sleep(0.02)
        if child is not None and child.poll() is None:
            child.kill()
            child.wait()
