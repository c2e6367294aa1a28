"""Patching the standard library for gevent or eventlet, which has to happen before anything else is imported: importing this module does it.

It does nothing unless this process is a worker's command line that asks for one of the two: ``celeriac worker -P gevent``, or the environment
variable that stands for that option, CELERY_WORKER_POOL.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

GREEN = ("gevent", "eventlet")
_OPTION = "--pool"
_VARIABLE = "CELERY_WORKER_POOL"
_COMMANDS = ("celeriac", "celery", "-m", "__main__.py")


def asked_for(argv: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Return the library whose executor a command line asks for, or None."""
    name = os.path.basename(argv[0]) if argv else ""
    if name.removesuffix(".exe") not in _COMMANDS or "worker" not in argv:
        return None
    pool = environ.get(_VARIABLE)
    for place, word in enumerate(argv):
        if word in ("-P", _OPTION):
            pool = argv[place + 1] if place + 1 < len(argv) else None
        elif word.startswith(f"{_OPTION}="):
            pool = word.partition("=")[2]
        elif word.startswith("-P"):
            pool = word[2:]
    return pool if pool in GREEN else None


def patch(library: str) -> None:
    """Let the standard library's waiting functions wait in the library's way; once a process. Raises ImportError when it is not installed."""
    if library == "gevent":
        monkey = import_module("gevent.monkey")
        if not monkey.is_module_patched("socket"):
            monkey.patch_all()
    else:
        patcher = import_module("eventlet.patcher")
        if not patcher.is_monkey_patched("socket"):
            patcher.monkey_patch()
            _give_back_poll()


def _give_back_poll() -> None:
    """Eventlet takes ``select.poll`` away, which drivers wait with: they get one that waits in its way."""
    select = import_module("select")
    if not hasattr(select, "poll"):
        vars(select)["poll"] = import_module("celeriac.lib.polling").SelectPoll


def is_patched(library: str) -> bool:
    """Return whether ``patch`` has been called, by whomever."""
    module = sys.modules.get("gevent.monkey" if library == "gevent" else "eventlet.patcher")
    if module is None:
        return False
    return bool(module.is_module_patched("socket") if library == "gevent" else module.is_monkey_patched("socket"))


def _patch_if_asked() -> None:
    library = asked_for(sys.argv, os.environ)
    if library is None:
        return
    try:
        patch(library)
    except ImportError as error:
        # The worker says what has to be installed, in the words for it, when it is told its options.
        if error.name is None or error.name.partition(".")[0] != library:
            raise


_patch_if_asked()
