"""Where settings come from: modules, classes, dicts, the environment, the command line."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from celeriac.config.names import canonical, normalise
from celeriac.config.setting import Kind, Setting, coerce
from celeriac.config.table import ENVIRONMENT, SETTINGS
from celeriac.lib.importing import folder_on_path, symbol_by_name
from celeriac.model.errors import ImproperlyConfigured

MODULE_VARIABLES = ("CELERIAC_CONFIG_MODULE", "CELERY_CONFIG_MODULE")
DEFAULT_MODULES = ("celeriacconfig", "celeryconfig")


def read(source: Any, *, namespace: str | None = None, silent: bool = False) -> dict[str, Any]:
    """Return the settings of a source by their new names: a dict, a class, a module, any object with attributes, or a dotted name of one.

    With a namespace, ``CELERY_TASK_SERIALIZER`` is ``task_serializer``; the prefixed name comes before the bare one. What is no setting
    stays in the result, so that it can be read and a typing error be found. A name that cannot be imported raises ``ModuleNotFoundError``,
    or gives nothing when ``silent``; old and new names in one source raise ``ImproperlyConfigured``.
    """
    if isinstance(source, str):
        try:
            source = _imported(source)
        except ImportError:
            if silent:
                return {}
            raise
    values = _values_of(source)
    return normalise({key: value for key, value in values.items() if _is_meant(key, value, namespace)}, namespace)


def from_envvar(variable: str, *, namespace: str | None = None, silent: bool = False, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the settings of the module that an environment variable names; ``ImproperlyConfigured`` when it is not set, unless ``silent``."""
    name = environ.get(variable)
    if name:
        return read(name, namespace=namespace, silent=silent)
    if silent:
        return {}
    raise ImproperlyConfigured(
        f"The environment variable {variable} is not set, so there is no configuration to load. "
        f"Set it to the name of a configuration module, for example {variable}=proj.celeryconfig"
    )


def from_default(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the settings of the default module: the one the environment names, else ``celeriacconfig`` or ``celeryconfig`` if there is one."""
    for variable in MODULE_VARIABLES:
        if environ.get(variable):
            return read(environ[variable])
    with folder_on_path():
        name = next((name for name in DEFAULT_MODULES if importlib.util.find_spec(name)), None)
    return read(name) if name else {}


def from_environment(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the settings that the environment itself holds: the URLs of broker and result store, the embedded file."""
    return {name: environ[variable] for variable, name in ENVIRONMENT.items() if environ.get(variable)}


def from_arguments(arguments: Iterable[str], *, namespace: str = "celery") -> dict[str, Any]:
    """Return the settings of command-line words such as ``worker.prefetch_multiplier=1``; ``.concurrency=2`` has the command's namespace.

    Words are turned into the setting's type: yes and no, numbers, lists at commas, dicts as JSON, ``none``.
    """
    found: dict[str, Any] = {}
    for word in arguments:
        key, equals, text = word.partition("=")
        if not equals:
            raise ImproperlyConfigured(f"{word!r} on the command line sets nothing: write key=value, for example worker.prefetch_multiplier=1")
        name = canonical((namespace + key if key.startswith(".") else key).replace(".", "_"))
        name = name.removeprefix("celery_")
        if name not in SETTINGS:
            raise ImproperlyConfigured(f"{word!r} on the command line: there is no setting {name!r}")
        found[name] = from_text(SETTINGS[name], text)
    return found


def from_text(setting: Setting, text: str) -> Any:
    """Return what a setting's value is, written as text; ``ImproperlyConfigured`` when it cannot be that."""
    if text.lower() in ("none", "null"):
        return coerce(setting, None)
    value: Any = text
    if setting.kind in (Kind.BOOL, Kind.SSL):
        value = _TRUTH.get(text.lower(), text)
    if setting.kind in (Kind.DICT, Kind.SSL, Kind.QUEUES, Kind.ANY) and text[:1] in ("{", "["):
        try:
            value = json.loads(text)
        except ValueError:
            value = text
    elif setting.choices and text.isdigit():
        value = int(text)
    return coerce(setting, value)


_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _imported(name: str) -> Any:
    with folder_on_path():
        if ":" in name:
            return _attribute(name, *name.split(":", 1))
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            outer, _, last = name.rpartition(".")
            missing = error.name or ""
            if not (name == missing or name.startswith(missing + ".")):
                raise
            if not outer or missing != name:
                raise _not_found(name) from error
            return _attribute(name, outer, last)


def _attribute(name: str, module: str, attribute: str) -> Any:
    try:
        return symbol_by_name(f"{module}:{attribute}")
    except AttributeError as error:
        raise _not_found(name, f": module {module} has no {attribute}") from error
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(error.name + ".")):
            raise _not_found(name) from error
        raise


def _not_found(name: str, detail: str = "") -> ModuleNotFoundError:
    if name.endswith(".py"):
        detail = f": a module is named without its ending, {name[:-3]!r}"
    return ModuleNotFoundError(f"There is no configuration module {name!r}{detail} (looked for from folder {os.getcwd()} on)", name=name)


def _values_of(source: Any) -> dict[str, Any]:
    if source is None:
        return {}
    if isinstance(source, Mapping):
        return {key: value for key, value in source.items() if isinstance(key, str)}
    values = {}
    for name in dir(source):
        if not name.startswith("_"):
            try:
                values[name] = getattr(source, name)
            except AttributeError:
                # Listed but not there: lazy objects do that.
                continue
    return values


def _is_meant(key: str, value: Any, namespace: str | None) -> bool:
    # Modules import things (crontab, os, datetime.timezone); those are neither settings nor misspelt ones.
    if isinstance(value, ModuleType) or key.startswith("_"):
        return False
    setting = SETTINGS.get(canonical(key, namespace))
    if setting is None:
        return not callable(value)
    return not isinstance(value, type) or setting.kind in (Kind.SYMBOL, Kind.ANY)
