"""Importing things by their name."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


def symbol_by_name(name: Any) -> Any:
    """Return the object that ``package.module:attribute`` or ``package.module.attribute`` names; other objects as they are."""
    if not isinstance(name, str):
        return name
    module_name, colon, attribute = name.partition(":")
    if not colon:
        module_name, _, attribute = name.rpartition(".")
    if not module_name:
        return importlib.import_module(attribute)
    found: Any = importlib.import_module(module_name)
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    return found


@contextmanager
def folder_on_path(folder: str | None = None) -> Iterator[None]:
    """Make a folder (the current one by default) importable for a while."""
    folder = folder or os.getcwd()
    present = folder in sys.path
    if not present:
        sys.path.insert(0, folder)
    try:
        yield
    finally:
        if not present and folder in sys.path:
            sys.path.remove(folder)


def import_from_folder(name: str) -> ModuleType:
    """Import a module that may lie in the current folder."""
    with folder_on_path():
        return importlib.import_module(name)


def qualname(obj: Any) -> str:
    """Return the dotted path of a class or function, or of an object's class."""
    named = obj if hasattr(obj, "__qualname__") else type(obj)
    return f"{named.__module__}.{named.__qualname__}"


def instantiate(name: Any, *args: Any, **kwargs: Any) -> Any:
    """Make an object of a class that is given by its path."""
    return symbol_by_name(name)(*args, **kwargs)


def gen_task_name(app: Any, name: str, module_name: str) -> str:
    """Return the name that an application gives a task."""
    found: str = app.gen_task_name(name, module_name)
    return found
