"""Programs catch kombu's exceptions around calls: ours are theirs too, from the moment at which somebody imports them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from celeriac.model import errors

_MODULE = "kombu.exceptions"
_SHARED = ("OperationalError", "EncodeError", "DecodeError")


def join() -> None:
    """Let ``except kombu.exceptions.OperationalError`` catch ours, now or when that module is imported."""
    if _MODULE in sys.modules:
        _derive(sys.modules[_MODULE])
    elif Waiting not in sys.meta_path:
        sys.meta_path.insert(0, Waiting)


class Waiting:
    """Stands first among the finders of modules until kombu's exceptions are imported: that takes time which not every program has to spend."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find one module as Python does, and look after it once it is there."""
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(Waiting)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            execute: Any = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _derive(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _derive(theirs: ModuleType) -> None:
    for name in _SHARED:
        ours, base = getattr(errors, name), getattr(theirs, name)
        if not issubclass(ours, base):
            ours.__bases__ = (errors.MessagingError, base)
