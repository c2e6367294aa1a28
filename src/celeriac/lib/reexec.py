"""Starting this program again in its own process, as it was started."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

_began_in: list[str] = []


def remember_folder() -> None:
    """Note where the program began, before it goes elsewhere: its command line may be relative to that folder."""
    with suppress(OSError):
        _began_in.append(os.getcwd())


def start_again() -> NoReturn:
    """Put a new run of this program, with the same arguments and process id, in the place of this one."""
    for folder in _began_in[:1]:
        os.chdir(folder)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
