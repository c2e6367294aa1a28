"""Building an application's settings from its arguments, the environment and its configuration source, when they are first read."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from celeriac.config.enforcement import enforce
from celeriac.config.settings import Settings
from celeriac.config.sources import from_default, from_environment, from_envvar, read


class Configuration:
    """Owns the settings of an application: where they come from, and the object itself once somebody has read it."""

    def __init__(self, preconf: Mapping[str, Any], *, source: Any = None, namespace: str | None = None, use_default: bool = True) -> None:
        self._preconf = dict(preconf)
        self._source = source
        self._silent = False
        self._namespace = namespace
        self._use_default = use_default
        self._defaults: list[Any] = []
        self._told: set[str] = set()
        self._lock = threading.RLock()
        self.settings: Settings | None = None

    @property
    def namespace(self) -> str | None:
        """The prefix of the source's keys."""
        return self._namespace

    def build(self) -> Settings:
        """Return the settings, made now if nobody has read them before."""
        with self._lock:
            if self.settings is None:
                config = self._read()
                made = Settings(self._preconf, environment=from_environment(), config=config, namespace=self._namespace)
                for defaults in self._defaults:
                    made.add_defaults(defaults)
                enforce(made, stacklevel=5, told=self._told)
                self.settings = made
            return self.settings

    def _read(self) -> dict[str, Any]:
        if self._source is not None:
            return read(self._source, namespace=self._namespace, silent=self._silent)
        return from_default() if self._use_default else {}

    def use(self, source: Any, *, silent: bool = False, namespace: str | None = None) -> None:
        """Take the settings from another source; what was written to them stays."""
        with self._lock:
            self._source, self._silent = source, silent
            if namespace is not None:
                self._namespace = namespace
            self._restart()

    def stand_in(self, source: Any) -> None:
        """Take the settings from a source where none was named."""
        if self._source is None:
            self._source = source

    def use_envvar(self, variable: str, *, silent: bool = False) -> bool:
        """Take the settings from the module that an environment variable names; return whether there was one."""
        found = from_envvar(variable, namespace=self._namespace, silent=silent)
        if found:
            self.use(found)
        return bool(found)

    def add_defaults(self, defaults: Any) -> None:
        """Add values that count where nothing else is set."""
        self._defaults.append(defaults)
        if self.settings is not None:
            self.settings.add_defaults(defaults)

    def _restart(self) -> None:
        if self.settings is not None:
            self._preconf = {**self._preconf, **self.settings.changes}
            self._told.update(self.settings.changes)  # what is wrong with them was said when they were written
            self.settings = None
