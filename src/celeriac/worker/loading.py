"""Modules that are loaded while a worker runs (``control pool_restart``), and loaded in the same way by every process that begins later."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import msgspec

from celeriac.lib.importing import import_from_folder
from celeriac.lib.value import Value

logger = logging.getLogger("celeriac.worker")

_OURS = "celeriac."


class Load(Value, frozen=True):
    """What is to be loaded: names of modules, and whether those that are there already are executed again."""

    modules: tuple[str, ...]
    reload: bool


class _MakesTheApplication(Exception):
    """A module that was loaded anew made an application of its own."""


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Load).decode


def wanted(app: Any, modules: str | Sequence[str] | None, reload: bool) -> Load | None:
    """Return what a command asks for: modules by name, all those that tasks come from when it names none but wants them again, or nothing."""
    named = (modules,) if isinstance(modules, str) else tuple(modules or ())
    if not named and not reload:
        return None
    return Load(named or modules_of_tasks(app), reload)


def modules_of_tasks(app: Any) -> tuple[str, ...]:
    """Return the names of the modules that the application's tasks come from."""
    found = {type(task).__module__ for task in app.tasks.values()}
    return tuple(sorted(name for name in found if not name.startswith(_OURS) and name in sys.modules))


def load(app: Any, what: Load) -> None:
    """Import modules, or execute them again; ``ValueError`` names the one that cannot be loaded, and the remedy."""
    importlib.invalidate_caches()
    for name in what.modules:
        try:
            module = sys.modules.get(name)
            if module is None or not what.reload:
                import_from_folder(name)
            else:
                _reload(app, module)
        except _MakesTheApplication:
            raise ValueError(f"{name} makes the application itself, so a running worker cannot load it anew: restart the worker (HUP)") from None
        except Exception as error:
            raise ValueError(f"{name} cannot be loaded ({error!r}): correct it, or restart the worker") from error


def _reload(app: Any, module: ModuleType) -> None:
    before = dict(vars(module))
    names = [name for name, value in before.items() if value is app]
    try:
        importlib.reload(module)
        if names and all(getattr(module, name, None) is not app for name in names):
            # Its tasks belong to the new application now, which no process of this worker works for.
            app.set_current()
            raise _MakesTheApplication
    except BaseException:
        vars(module).clear()
        vars(module).update(before)
        raise


def load_again(app: Any, loads: Sequence[bytes]) -> None:
    """Load in a process that begins what was loaded in those before it; what fails is logged, and the code there is goes on."""
    for content in loads:
        try:
            load(app, _decode(content))
        except ValueError:
            logger.exception("After a pool restart this process runs the code that the worker began with.")
