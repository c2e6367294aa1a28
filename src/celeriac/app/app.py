"""The application: where tasks, settings and connections come together."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cache, cached_property
from types import TracebackType
from typing import Any, Self

from celeriac.app import embedded, state
from celeriac.app.annotations import annotate
from celeriac.app.attributes import forget_settled
from celeriac.app.builtins import add_builtin_tasks
from celeriac.app.celery_names import CeleryNames
from celeriac.app.configuration import Configuration
from celeriac.app.connected import Connected
from celeriac.app.decorator import DeclaresTasks
from celeriac.app.extras import Extras
from celeriac.app.fixups import install_fixups
from celeriac.app.registry import TaskRegistry
from celeriac.app.replaced import classes_of, settings_of
from celeriac.app.task import Task
from celeriac.canvas.compile import plan_call
from celeriac.canvas.sending import collected
from celeriac.config.settings import Settings
from celeriac.contracts.outbox import Outbox
from celeriac.engine.current import current
from celeriac.lib.clock import Clock, SystemClock
from celeriac.lib.dispatch import Signal
from celeriac.lib.ids import uuid
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.machine import hostname
from celeriac.model.plan import Plan
from celeriac.model.record import ResultMeta
from celeriac.results import AsyncResult

NOT_FINALIZED = "The application is not finalized, and autofinalize is off: call app.finalize() before its tasks are used"


class Celeriac(DeclaresTasks, Connected, Extras, CeleryNames):
    """An application: its tasks, its settings, its broker and result store.

    Keyword arguments that are no arguments of their own are settings: ``Celeriac("proj", broker="...", task_serializer="msgpack")``.
    """

    registry_cls: Any = TaskRegistry
    time: Clock = SystemClock()
    """What calls are dated by; ``celeriac.testing`` puts one in its place that a test moves."""

    def __init__(
        self,
        main: str | None = None,
        *,
        backend: Any = None,
        broker: Any = None,
        include: Iterable[str] | None = None,
        set_as_current: bool = True,
        autofinalize: bool = True,
        config_source: Any = None,
        namespace: str | None = None,
        strict_typing: bool = True,
        task_cls: Any = None,
        tasks: Any = None,
        changes: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.main = main
        self.set_as_current = set_as_current
        self.autofinalize = autofinalize
        self.strict_typing = strict_typing
        self.task_cls = task_cls
        self.replaced = classes_of(self, settings)
        given = {"broker_url": broker, "result_backend": backend or self.backend_cls, "include": include and tuple(include)}
        preconf = {**{key: value for key, value in given.items() if value is not None}, **settings_of(settings), **(changes or {})}
        self.configuration = Configuration(preconf, source=config_source, namespace=namespace)
        self.registry: TaskRegistry = tasks if isinstance(tasks, TaskRegistry) else self.registry_cls(tasks or {})
        self._project = embedded.project_folder(embedded.calling_files(sys._getframe(1)))
        self._start()
        self.fixups = install_fixups(self, os.environ)
        self.on_init()
        state.active.add(self)
        if set_as_current:
            self.set_current()

    def _start(self) -> None:
        self.finalized = False
        self.steps: dict[str, set[Any]] = {"worker": set(), "consumer": set()}
        self.user_options: dict[str, set[Any]] = {"worker": set(), "preload": set()}
        self.on_configure, self.on_after_configure = Signal("app.on_configure"), Signal("app.on_after_configure")
        self.on_after_finalize, self.on_after_fork = Signal("app.on_after_finalize"), Signal("app.on_after_fork")
        self.periodic: dict[str, dict[str, Any]] = {}
        self.outbox: Outbox | None = None
        self._lock = threading.RLock()
        self._configured = False
        self._origin: tuple[int, str] | None = None
        self._oid: tuple[int, str] | None = None
        self._start_unconnected()

    def on_init(self) -> None:
        """Called when the application is made; for subclasses."""

    # -- settings

    @property
    def conf(self) -> Settings:
        """The settings, read when first asked for."""
        settings = self.configuration.settings
        return self._load_settings() if settings is None else settings

    def _load_settings(self) -> Settings:
        with self._lock:
            if not self._configured:
                self._configured = True
                self.loader.configure()
                self.on_configure.send(sender=self)
            made = self.configuration.build()
            self.enter_periodic(made)
            self.on_after_configure.send(sender=self, source=made)
            return made

    @property
    def configured(self) -> bool:
        """Whether the settings have been read."""
        return self.configuration.settings is not None

    def config_from_object(self, obj: Any, silent: bool = False, force: bool = False, namespace: str | None = None) -> None:
        """Take the settings from a module, class, object or dict, or the dotted name of one; ``force`` reads it at once."""
        self.configuration.use(obj, silent=silent, namespace=namespace)
        self._settings_changed()
        if force:
            self._load_settings()

    def config_from_envvar(self, variable_name: str, silent: bool = False, force: bool = False) -> bool:
        """Take the settings from the module that an environment variable names."""
        found = self.configuration.use_envvar(variable_name, silent=silent)
        self._settings_changed()
        return found

    def add_defaults(self, fun: Any) -> None:
        """Add settings that count where nothing else is set: a mapping, or a function that returns one."""
        self.configuration.add_defaults(fun)
        self._settings_changed()

    def _settings_changed(self) -> None:
        self._derived = None
        self._forget_settled()

    def _forget_settled(self) -> None:
        for task in self.registry.values():
            forget_settled(task)
            task._sent_options = None

    @property
    def timezone(self) -> tzinfo:
        """The time zone of datetimes that name none (setting ``timezone``; UTC, or local time when ``enable_utc`` is off)."""
        return self._derive().timezone

    def now(self) -> datetime:
        """Return the time, in the application's time zone."""
        return datetime.fromtimestamp(self.time.now(), self.timezone)

    # -- tasks

    @cached_property
    def Task(self) -> Any:
        """The base class of this application's tasks (argument ``task_cls``); may be set."""
        base = symbol_by_name(self.task_cls) if self.task_cls is not None else Task
        return type(base.__name__, (base,), {"app": self, "__module__": base.__module__, "__doc__": base.__doc__})

    @property
    def tasks(self) -> TaskRegistry:
        """The tasks by name; the first access finalizes the application."""
        if not self.finalized:
            self.finalize(auto=True)
        return self.registry

    def finalize(self, auto: bool = False) -> None:
        """Complete the application: shared and built-in tasks are added, annotations applied."""
        with self._lock:
            if self.finalized:
                return
            if auto and not self.autofinalize:
                raise RuntimeError(NOT_FINALIZED)
            self.finalized = True
            for make in list(state.shared):
                make(self)
            add_builtin_tasks(self)
            for task in list(self.registry.values()):
                self._complete(task)
        self.on_after_finalize.send(sender=self)

    def _complete(self, task: Any) -> None:
        if self.conf.task_annotations:
            annotate(task, self.conf.task_annotations)
            task._sent_options = None
        task.on_bound(self)

    def register_made(self, task: Any) -> None:
        """Enter a task; called by those who make them."""
        self.registry.register(task)
        if self.finalized:
            self._complete(task)

    def register_task(self, task: Any, **options: Any) -> Any:
        """Register a class-based task, given as class or instance; return the instance."""
        made = task() if isinstance(task, type) else task
        if not made.name:
            kind = type(made)
            made.name = self.gen_task_name(kind.__name__, kind.__module__)
        for name, value in options.items():
            setattr(made, name, value)
        made.app = self
        self.register_made(made)
        return made

    def gen_task_name(self, name: str, module: str) -> str:
        """Return the name of a task that was given none: module and function.

        ``main`` stands for the module ``__main__``; without it the name by which a worker imports that module.
        """
        if module == "__main__":
            module = self.main or _main_module()
        return f"{module}.{name}" if module else name

    # -- sending

    def call(self, task: Any, name: str, args: Any, kwargs: Mapping[str, Any], options: dict[str, Any], result_cls: Any = AsyncResult) -> Any:
        """Send one call and return its result; inside a task the call belongs to the task's tree."""
        attempt = current()
        trail = options.pop("add_to_parent", None)
        if attempt is not None:
            self._inherit(attempt, options)
        plan = plan_call(name, args, kwargs, options, now=self.time.now(), origin=self.origin, timezone=self.timezone)
        self.submit(plan)
        result = result_cls(plan.result.id, app=self, task_name=name)
        if options.get("ignore_result"):
            result.ignored = True
        if attempt is not None and (trail is None or trail):
            attempt.add_child(result)
        return result

    def note_child(self, result: Any) -> None:
        """Note a result as a child of the task that runs here, if one does."""
        attempt = current()
        if attempt is not None:
            attempt.add_child(result)

    def _inherit(self, attempt: Any, options: dict[str, Any]) -> None:
        request = attempt.request
        options.setdefault("root_id", request.root_id or request.id)
        options.setdefault("parent_id", request.id)
        if self.conf.task_inherit_parent_priority and options.get("priority") is None:
            options["priority"] = (request.delivery_info or {}).get("priority") or None

    def submit(self, plan: Plan) -> Sequence[ResultMeta]:
        """Send a plan, or hand it to whoever collects plans here, or to the transaction that it goes with."""
        if not collected(plan) and not (self.outbox is not None and self.outbox.keeps(plan)):
            self.publisher.send(plan)
        return ()

    def store_state(self, task_id: str, state_name: str | None, meta: Any, request: Any = None) -> None:
        """Store a state of a task that runs, seen at once; a state outside of any attempt goes to the store directly."""
        attempt = current()
        if attempt is not None:
            attempt.update_state(state_name or "STARTED", meta, task_id)
        elif self.result_backend is not None:
            self.result_backend.store([self.encode_result(ResultMeta(task_id, state_name or "STARTED", meta))])

    @property
    def origin(self) -> str:
        """Who sends: ``gen<pid>@<host>``."""
        pid = os.getpid()
        if self._origin is None or self._origin[0] != pid:
            self._origin = (pid, f"gen{pid}@{hostname()}")
        return self._origin[1]

    # -- the object itself

    @property
    def oid(self) -> str:
        """An id of this application object in this process."""
        pid = os.getpid()
        if self._oid is None or self._oid[0] != pid:
            self._oid = (pid, uuid())
        return self._oid[1]

    @property
    def thread_oid(self) -> str:
        """The same id: one connection serves all threads."""
        return self.oid

    def set_current(self) -> None:
        """Make this the current application."""
        state.set_current_app(self)

    set_default = set_current

    def close(self) -> None:
        """Close this process's connections and forget the application."""
        self._connections.close()
        state.active.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.main or '__main__'} at {id(self):#x}>"

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), self.main, self.conf.changes)


def _rebuild(kind: Callable[..., Any], main: str | None, changes: dict[str, Any]) -> Any:
    return kind(main, changes=changes, set_as_current=False)


def _main_module() -> str:
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return os.path.splitext(os.path.basename(file))[0] if file else "__main__"


@cache
def default_app() -> Celeriac:
    """Return the application that is used when none was made."""
    made = Celeriac("default", set_as_current=False)
    # Nobody's code made it: where only installed programs are at work, such as the command line, it belongs to the current folder.
    files = embedded.calling_files(sys._getframe(1))
    made._project = embedded.project_folder([file for file in files if not embedded.is_installed(file)])
    return made


