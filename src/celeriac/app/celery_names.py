"""What an application offers because programs written for Celery ask for it: its parts, and questions about itself."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from celeriac.app.loader import Loader, get_loader_cls
from celeriac.app.logs import Logging
from celeriac.app.parts import AMQP, Pool
from celeriac.app.replaced import made
from celeriac.app.stored import Stored
from celeriac.config.sources import from_arguments
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.platforms import IS_WINDOWS, SYSTEM, IS_macOS
from celeriac.model.errors import ImproperlyConfigured


class CeleryNames:
    """Mixed into the application; uses nothing but its public names."""

    IS_WINDOWS = IS_WINDOWS
    IS_macOS = IS_macOS
    SYSTEM = SYSTEM
    builtin_fixups: frozenset[str] = frozenset()
    fixups: tuple[Any, ...] = ()
    amqp_cls: Any = None
    backend_cls: Any = None
    control_cls: Any = None
    events_cls: Any = None
    loader_cls: Any = None
    log_cls: Any = None

    @cached_property
    def amqp(self) -> AMQP:
        """Queues and routes (``parts.AMQP``)."""
        return AMQP(self)

    @property
    def backend(self: Any) -> Any:
        """The result store under Celery's names (``stored.Stored``; one written for Celery as it is), or None when results are disabled."""
        store = self.result_backend
        return None if store is None else getattr(store, "inner", None) or Stored(self, store)

    @cached_property
    def log(self) -> Logging:
        """Setting up the log (``logs.Logging``)."""
        return Logging(self)

    @cached_property
    def loader(self: Any) -> Loader:
        """Importing modules and reading settings (``loader.Loader``, or the class that the application or ``CELERY_LOADER`` names)."""
        chosen = self.replaced.get("loader") or os.environ.get("CELERY_LOADER")
        found: Loader = made(self, "loader", chosen and get_loader_cls(chosen), Loader)
        return found

    @cached_property
    def pool(self) -> Pool:
        """This process's connection, as a pool of connections."""
        return Pool(self)

    @cached_property
    def producer_pool(self) -> Pool:
        """This process's connection, as a pool of producers."""
        return Pool(self)

    @property
    def annotations(self: Any) -> Any:
        """The setting ``task_annotations``."""
        return self.conf.task_annotations

    @property
    def namespace(self: Any) -> str | None:
        """The prefix of the settings' names, where they have one."""
        found: str | None = self.configuration.namespace
        return found

    def uses_utc_timezone(self: Any) -> bool:
        """Tell whether times are in UTC."""
        return bool(self.timezone.utcoffset(self.now()) is not None and str(self.timezone).upper() in ("UTC", "ETC/UTC"))

    def either(self: Any, default_key: str, *defaults: Any) -> Any:
        """Return the first of the values that is not None, else the setting."""
        return next((value for value in defaults if value is not None), self.conf[default_key])

    def config_from_cmdline(self: Any, argv: Iterable[str], namespace: str = "celery") -> None:
        """Take settings from words such as ``worker.prefetch_multiplier=1``."""
        self.conf.override(from_arguments(argv, namespace=namespace))

    def subclass_with_self(self, Class: Any, name: str | None = None, attribute: str = "app", **attributes: Any) -> Any:
        """Return a subclass that has this application as an attribute; other attributes are its too."""
        base = symbol_by_name(Class)
        if not isinstance(base, type):
            raise ImproperlyConfigured(f"{Class!r} is not a class")
        return type(name or base.__name__, (base,), {attribute: self, "__module__": base.__module__, "__doc__": base.__doc__, **attributes})
