"""Finding the application that -A names."""

from __future__ import annotations

import difflib
import importlib
import os
import pkgutil
import sys
import traceback
from types import ModuleType
from typing import Any

import click

from celeriac.app.app import Celeriac
from celeriac.contracts.current import current_client

_ATTRIBUTES = ("app", "celery", "celeriac")


class BrokenModule(click.ClickException):
    """The user's module raised while it was imported; shown with the traceback of the user's own code."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(self.format_message(), file=file or sys.stderr)


def find_app(name: str | None) -> Any:
    """Return the application that ``name`` means: ``module:attribute``, ``module.attribute``, a module, or a package; None means the default one.

    In a module that is the attribute ``app``, ``celery`` or ``celeriac``, else the first application in it, else the one of its
    sub-module ``celery``. The current folder is importable from here on.
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    if not name:
        return current_client()
    module_name, colon, attribute = name.partition(":")
    found = _attribute(_import(module_name), attribute, name) if colon and attribute else _import_dotted(module_name)
    app = _app_in(found, name)
    app.set_current()
    return app


def _import_dotted(name: str) -> Any:
    """Import a module; if there is none of that name, its last part may be an attribute of the module before."""
    outer, _, last = name.rpartition(".")
    try:
        return _import(name)
    except click.UsageError:
        if not outer:
            raise
        module = _import(outer)
        if not hasattr(module, last):
            raise
        return getattr(module, last)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise click.UsageError(_not_found(name, error.name)) from None
        raise BrokenModule(_raised(name, error)) from None
    except (TypeError, ValueError) as error:
        if not name or name.startswith("."):
            raise click.UsageError(f"-A {name}: give the name of a module, as in an import statement") from None
        raise BrokenModule(_raised(name, error)) from None
    except Exception as error:
        raise BrokenModule(_raised(name, error)) from None


def _not_found(name: str, missing: str) -> str:
    shown = name if name == missing else f"{name} ({missing} does not exist)"
    text = f"Unable to load the application: there is no module {shown} in {os.getcwd()} or on the Python path."
    if name.endswith(".py") or os.sep in name:
        plain = name.removesuffix(".py").replace(os.sep, ".").strip(".")
        return f"{text} -A takes a module's name, not a file's: -A {plain}"
    near = difflib.get_close_matches(missing, [module.name for module in pkgutil.iter_modules([os.getcwd()])], n=1)
    return f"{text} Did you mean -A {near[0]}?" if near else text


def _raised(name: str, error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__ and "importlib" not in frame.filename]
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(own)] if own else []
    text = "".join([*lines, *traceback.format_exception_only(error)])
    return f"{text}\nUnable to load the application: the module {name} raised {type(error).__name__} when it was imported (see above)."


def _attribute(module: ModuleType, path: str, name: str) -> Any:
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            have = [key for key, value in vars(module).items() if isinstance(value, Celeriac)]
            hint = f"; it has the application {have[0]}: -A {module.__name__}:{have[0]}" if have else ""
            raise click.UsageError(f"Unable to load the application {name}: {module.__name__} has no attribute {path}{hint}")
        found = getattr(found, part)
    return found


def _app_in(found: Any, name: str) -> Any:
    if isinstance(found, Celeriac):
        return found
    if not isinstance(found, ModuleType):
        raise click.UsageError(f"Unable to load the application {name}: that is a {type(found).__name__}, not an application")
    app = _first_app(found)
    if app is None and hasattr(found, "__path__"):
        app = _first_app(_submodule(found))
    if app is None:
        raise click.UsageError(
            f"Unable to load the application: the module {found.__name__} ({getattr(found, '__file__', 'no file')}) holds no application. "
            f"It needs something like:  app = Celeriac({found.__name__.partition('.')[0]!r})"
        )
    return app


def _first_app(module: ModuleType | None) -> Any:
    if module is None:
        return None
    values = [getattr(module, attribute, None) for attribute in _ATTRIBUTES]
    for value in values:
        if isinstance(value, Celeriac):
            return value
    for value in values:
        # proj/__init__.py may hold the module proj.celery, or proj.app.
        if isinstance(value, ModuleType) and value.__name__.startswith(module.__name__ + ".") and (app := _first_app(value)) is not None:
            return app
    return next((value for value in list(vars(module).values()) if isinstance(value, Celeriac)), None)


def _submodule(package: ModuleType) -> ModuleType | None:
    names = {module.name for module in pkgutil.iter_modules(package.__path__)}
    name = next((name for name in ("celery", "celeriac", "app") if name in names), None)
    return None if name is None else _import(f"{package.__name__}.{name}")
