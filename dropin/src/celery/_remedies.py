"""What Celery has and celeriac has not: one error for each name, with what to use instead. The other modules ask here for what they lack."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from celery._remedies_modules import MODULES
from celery._remedies_names import NAMES

_PREFIX = "celery."


def refusals(module: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module: a name with a remedy is an ImportError that says it, any other an ordinary AttributeError."""
    known = NAMES.get(module, {})

    def __getattr__(name: str) -> Any:
        if name in known:
            raise ImportError(f"{module}.{name} cannot be had from celeriac: {known[name]}", name=module)
        raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name)

    return __getattr__


def remedy(module: str) -> str | None:
    """Return what to use instead of a module, None when nothing is known of it."""
    while module.startswith(_PREFIX):
        if module in MODULES:
            return MODULES[module]
        module = module.rpartition(".")[0]
    return None


class Refuser:
    """Stands last among the finders of modules: whoever comes to it asks for a module of Celery that is not here."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Raise ImportError for a module that has a remedy; know no other."""
        told = remedy(fullname) if fullname.startswith(_PREFIX) else None
        if told is not None:
            raise ModuleNotFoundError(f"{fullname} cannot be had from celeriac: {told}", name=fullname)
        return None


def install() -> None:
    """Let modules that are not here be refused with their remedy."""
    if Refuser not in sys.meta_path:
        sys.meta_path.append(Refuser)
