"""``app.loader``: importing modules and reading settings, under the names that programs know from Celery."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from celeriac import signals
from celeriac.app.discovery import autodiscover
from celeriac.config.sources import from_arguments
from celeriac.lib.dispatch import Signal
from celeriac.lib.importing import import_from_folder, symbol_by_name


class Loader:
    """What an application imports; a class of a program's own may have Celery's hooks (``on_...``), which do nothing here."""

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

    def on_worker_init(self) -> None:
        """A worker begins: where ``signals.worker_init`` is sent."""

    def on_worker_process_init(self) -> None:
        """A task process begins: where ``signals.worker_process_init`` is sent."""

    def on_worker_shutdown(self) -> None:
        """A worker ends: where ``signals.worker_shutdown`` is sent."""

    def on_task_init(self, task_id: str, task: Any) -> None:
        """A task begins: where ``signals.task_prerun`` is sent."""

    def on_process_cleanup(self) -> None:
        """A task has ended: where ``signals.task_postrun`` is sent."""

    def listen(self) -> None:
        """Have the hooks called that a class of a program's own has; a worker does so at its start."""
        hooks: dict[str, tuple[Signal, Callable[..., Any]]] = {
            "on_worker_init": (signals.worker_init, lambda **_: self.on_worker_init()),
            "on_worker_process_init": (signals.worker_process_init, lambda **_: self.on_worker_process_init()),
            "on_worker_shutdown": (signals.worker_shutdown, lambda **_: self.on_worker_shutdown()),
            "on_task_init": (signals.task_prerun, lambda task_id=None, task=None, **_: self.on_task_init(task_id, task)),
            "on_process_cleanup": (signals.task_postrun, lambda **_: self.on_process_cleanup()),
        }
        for name, (signal, call) in hooks.items():
            if getattr(type(self), name) is not getattr(Loader, name):
                signal.connect(call, weak=False, dispatch_uid=f"{id(self)}.{name}")

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
