"""``app.loader``: importing modules and reading settings, under the names that programs know from Celery."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from celeriac import signals
from celeriac.app.discovery import autodiscover
from celeriac.config.sources import from_arguments
from celeriac.lib.importing import import_from_folder, symbol_by_name


class Loader:
    """What an application imports; the hooks of Celery's loaders are signals here (``celery.signals``)."""

    builtin_modules: frozenset[str] = frozenset()
    override_backends: dict[str, str] = {}

    def __init__(self, app: Any, **_options: Any) -> None:
        self.app = app

    @property
    def conf(self) -> Any:
        """The settings."""
        return self.app.conf

    @property
    def configured(self) -> bool:
        """Whether the settings have been read."""
        return bool(self.app.configured)

    @property
    def default_modules(self) -> list[str]:
        """The names of the modules that a worker imports (settings ``imports`` and ``include``)."""
        return [*self.app.conf.imports, *self.app.conf.include]

    def import_default_modules(self) -> list[Any]:
        """Import what a worker imports at its start: what the settings name, and what is to be discovered."""
        for fixup in self.app.fixups:
            fixup.prepare()
        modules = [self.import_task_module(name) for name in dict.fromkeys(self.default_modules)]
        for _receiver, answer in signals.import_modules.send(sender=self.app):
            if isinstance(answer, BaseException):
                raise answer
        return modules

    def import_module(self, module: str, package: str | None = None) -> ModuleType:
        """Import a module."""
        return importlib.import_module(module, package=package)

    def import_task_module(self, module: str) -> ModuleType:
        """Import a module with tasks, which may lie in the current folder."""
        return import_from_folder(module)

    def import_from_cwd(self, module: str) -> ModuleType:
        """Import a module that may lie in the current folder."""
        return import_from_folder(module)

    def autodiscover_tasks(self, packages: Iterable[str], related_name: str | None = "tasks") -> list[ModuleType]:
        """Import ``<package>.<related_name>`` of each package, now."""
        return autodiscover(packages, related_name)

    def config_from_object(self, obj: Any, silent: bool = False) -> bool:
        """Take the settings from an object or the dotted name of one."""
        self.app.config_from_object(obj, silent=silent)
        return True

    def read_configuration(self, env: str = "CELERY_CONFIG_MODULE") -> bool:
        """Take the settings from the module that an environment variable names; return whether it names one."""
        return bool(self.app.config_from_envvar(env, silent=True))

    def configure(self) -> None:
        """Give the application the settings that ``read_configuration`` of a loader of a program's own returns."""
        if type(self).read_configuration is not Loader.read_configuration:
            found: Any = self.read_configuration()
            if isinstance(found, Mapping):
                self.app.configuration.stand_in(found)

    def cmdline_config_parser(self, args: Iterable[str], namespace: str = "celery") -> dict[str, Any]:
        """Return the settings of words such as ``worker.prefetch_multiplier=1``."""
        return from_arguments(args, namespace=namespace)

    def now(self, utc: bool = True) -> Any:
        """Return the time, in the application's time zone."""
        return self.app.now()


_NAMES = {"app": Loader, "default": Loader}


def get_loader_cls(loader: Any) -> Any:
    """Return a loader's class by its name (``app``, ``default``, or a path)."""
    return _NAMES.get(loader) or symbol_by_name(loader)
