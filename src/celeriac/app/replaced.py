"""Classes of a program's own in the place of an application's parts: arguments (``Celeriac(control=...)``) and attributes (``control_cls``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import ImproperlyConfigured

PARTS = ("control", "events", "loader")
"""Parts that may be of another class, which derives from ours."""

_STEPS = "options of a program's own are added to the application: app.user_options['worker'].add(click.Option(...)), or ['preload']"
REFUSED = {
    "amqp": "queues and routes are settings (task_queues, task_routes); connect to signals.before_task_publish to change what is sent",
    "log": "connect to signals.setup_logging to set up the log yourself, or to after_setup_logger and after_setup_task_logger to add to it",
    "fixups": "frameworks are recognised by their environment variable (DJANGO_SETTINGS_MODULE)",
    "preload_options": _STEPS,
    "user_options": _STEPS,
}
"""Parts that no other class can take the place of, and what to do instead."""


def classes_of(app: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the classes that arguments and attributes of an application name, by part; raises ImproperlyConfigured for those that cannot be had."""
    for name, remedy in REFUSED.items():
        if given.get(name) or getattr(app, f"{name}_cls", None):
            raise ImproperlyConfigured(f"{type(app).__name__}({name}=...) cannot be had: {remedy}")
    return {name: found for name in PARTS if (found := given.get(name) or getattr(app, f"{name}_cls", None))}


def settings_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those arguments of an application that are settings."""
    return {name: value for name, value in given.items() if name not in PARTS and name not in REFUSED}


def made(app: Any, name: str, chosen: Any, default: Any) -> Any:
    """Return a part: of the class that was chosen (a class or its path), which has to derive from ``default``."""
    kind = symbol_by_name(chosen) if chosen is not None else default
    if not (isinstance(kind, type) and issubclass(kind, default)):
        base = f"{default.__module__}.{default.__name__}"
        raise ImproperlyConfigured(f"{type(app).__name__}({name}={chosen!r}) cannot be had: it does not derive from {base}")
    return kind(app)
