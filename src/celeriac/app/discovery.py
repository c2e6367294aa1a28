"""Finding the modules that hold tasks."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from types import ModuleType

from celeriac.lib.importing import import_from_folder


def autodiscover(packages: Iterable[str], related_name: str | None = "tasks") -> list[ModuleType]:
    """Import ``<package>.<related_name>`` of every package that has it, the package itself when the name is None; return the modules.

    An ImportError inside such a module is raised: only a missing module is passed over.
    """
    return [module for package in packages if (module := related_module(package, related_name)) is not None]


def related_module(package: str, related_name: str | None) -> ModuleType | None:
    """Import one package's module, or return None when there is none."""
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        # "apps.polls.apps.PollsConfig" names a class: its package is the module before it.
        outer, _, _last = package.rpartition(".")
        if not outer or error.name != package:
            raise
        package = outer
        importlib.import_module(package)
    if related_name is None:
        return importlib.import_module(package)
    name = f"{package}.{related_name}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            return None
        raise


def import_modules(names: Iterable[str]) -> list[ModuleType]:
    """Import modules, looking in the current folder too."""
    return [import_from_folder(name) for name in dict.fromkeys(names)]
