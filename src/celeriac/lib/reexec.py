"""Starting this program again in its own process, as it was started."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

_STARTED_WITH = "CELERIAC_STARTED_WITH"
"""The environment variable that says which Python was asked for: a wrapper may run another than its own path."""

_began_in: list[str] = []


def remember_folder() -> None:
    """Note where the program began, before it goes elsewhere: its command line may be relative to that folder."""
    with suppress(OSError):
        _began_in.append(os.getcwd())


def start_again() -> NoReturn:
    """Put a new run of this program, with the same arguments and process id, in the place of this one."""
    _make_ready()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def start_with(python: str, module: str) -> None:
    """Go on in another Python, as ``python -m module`` with the same arguments; nothing is done where this is that Python.

    Raises OSError when it cannot be run.
    """
    if python in (os.environ.get(_STARTED_WITH), sys.executable):
        return
    os.environ[_STARTED_WITH] = python
    _make_ready()
    try:
        os.execv(python, [python, "-m", module, *sys.argv[1:]])
    finally:
        del os.environ[_STARTED_WITH]


def _make_ready() -> None:
    for folder in _began_in[:1]:
        os.chdir(folder)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
