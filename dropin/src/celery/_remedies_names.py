"""Names that modules of Celery have and the modules here lack."""

from __future__ import annotations

_KOMBU = "it is an exchange object of kombu; events are sent and heard by app.events (Dispatcher, Receiver)"
_TRACE = "attempts are run by celeriac.engine; use celery.signals to look on"
_STDLIB = "use textwrap"
_BOOT = "steps are made and ordered by the worker; add yours to app.steps"
_PICKLE = "exceptions travel as their class's path and arguments, never as pickles (unless the serializer is pickle)"
_SETTINGS = "the table of settings is celeriac.config.table.SETTINGS; what is set is app.conf"
_PLATFORM = "it is a command's business: --uid, --gid, --umask, --pidfile, --detach of celery worker and beat"

NAMES: dict[str, dict[str, str]] = {
    "celery.app": {
        "AppPickler": "pickle the application itself",
        "enable_trace": _TRACE,
        "disable_trace": _TRACE,
        "push_current_task": "use task.push_request, or call task.apply()",
        "pop_current_task": "use task.pop_request, or call task.apply()",
    },
    "celery.app.amqp": {"task_message": "messages are encoded by celeriac.wire.task_v2, and sent by task.apply_async or app.send_task"},
    "celery.app.annotations": {
        "MapAnnotation": "write the setting task_annotations as a dict",
        "prepare": "write the setting task_annotations",
        "resolve_all": "write the setting task_annotations",
    },
    "celery.app.autoretry": {"add_autoretry_behaviour": "give the task autoretry_for=..., by decorator or class"},
    "celery.app.backends": {
        "by_name": "set result_backend to a URL; the application's own store is app.backend",
        "by_url": "set result_backend to a URL; the application's own store is app.backend",
    },
    "celery.app.defaults": dict.fromkeys(("Option", "NAMESPACES", "flatten", "find"), _SETTINGS),
    "celery.app.log": {"TaskFormatter": "set worker_task_log_format; records of task loggers have task_id and task_name"},
    "celery.app.routes": dict.fromkeys(
        ("MapRoute", "expand_router_string", "prepare"), "write the setting task_routes; celery routes TASK explains it"
    ),
    "celery.app.utils": {
        "appstr": "use repr(app)",
        "filter_hidden_settings": "use app.conf.table(), which hides passwords",
    },
    "celery.backends.base": {
        "SyncBackendMixin": "derive the result store from Backend: results are polled, as that class has it",
    },
    "celery.beat": {"BeatPidbox": "beat is steered by `celery schedule`"},
    "celery.bin.base": dict.fromkeys(
        (
            *("highlight", "handle_remote_command_error", "handle_preload_options", "consume_preload_options", "CeleryOption", "DaemonOption"),
            *("CeleryDaemonCommand", "CommaSeparatedList", "JsonArray", "JsonObject", "ISO8601DateTime", "ISO8601DateTimeOrFloat", "LogLevel"),
            *("JSON_ARRAY", "JSON_OBJECT", "ISO8601", "ISO8601_OR_FLOAT", "LOG_LEVEL", "COMMA_SEPARATED_LIST"),
        ),
        "a command of one's own is a click command: use click.Option and click's types",
    ),
    "celery.bin.multi": {"MultiTool": "run the command: subprocess.run(['celery', 'multi', 'start', ...])"},
    "celery.bin.worker": dict.fromkeys(
        ("CeleryBeat", "WorkersPool", "Hostname", "Autoscale", "CELERY_BEAT", "WORKERS_POOL", "HOSTNAME", "AUTOSCALE", "detach"),
        "a command of one's own is a click command: use click.Option and click's types",
    ),
    "celery.bootsteps": {"Blueprint": _BOOT, "CLOSE": _BOOT, "RUN": _BOOT, "TERMINATE": _BOOT},
    "celery.concurrency.prefork": dict.fromkeys(
        ("TaskPool", "BasePool"), "choose the executor by name (worker -P), or derive one from celeriac.worker.executors (docs: how-to/executors)"
    ),
    "celery.contrib.testing.app": {"UnitLogging": "tests log as pytest has it (caplog)"},
    "celery.contrib.testing.manager": {"Sentinel": "use celery.exceptions.TimeoutError"},
    "celery.contrib.testing.worker": {"setup_app_for_worker": "start_worker does it"},
    "celery.events": {"event_exchange": _KOMBU, "get_exchange": _KOMBU},
    "celery.events.event": {"event_exchange": _KOMBU, "get_exchange": _KOMBU},
    "celery.exceptions": {
        "reraise": "use `raise error.with_traceback(tb)`",
        "CDeprecationWarning": "use DeprecationWarning",
        "CPendingDeprecationWarning": "use PendingDeprecationWarning",
        "CeleryCommandException": "a command of one's own raises click.ClickException",
        "CoroError": "await the result, which raises the task's own error",
    },
    "celery.local": {"try_import": "use importlib.import_module in a try block"},
    "celery.loaders.default": {"DEFAULT_CONFIG_MODULE": "the module is celeryconfig, or what CELERY_CONFIG_MODULE names"},
    "celery.platforms": dict.fromkeys(
        (
            *("LockFailed", "get_fdmax", "Pidfile", "create_pidlock", "DaemonContext", "detached", "parse_uid", "parse_gid"),
            *("setgroups", "initgroups", "setgid", "setuid", "maybe_drop_privileges", "set_process_title", "set_mp_process_title"),
            *("get_errno_name", "ignore_errno", "fd_by_path", "isatty", "pyimplementation"),
        ),
        _PLATFORM,
    )
    | {"signals": "use the module signal", "SIGMAP": "use signal.Signals", "signal_name": "use signal.Signals(number).name"},
    "celery.utils": {
        "LOG_LEVELS": "use celery.utils.log.LOG_LEVELS",
        "get_cls_by_name": "use celery.utils.imports.symbol_by_name",
        "get_full_cls_name": "use celery.utils.imports.qualname",
        "import_from_cwd": "use importlib.import_module; the command line has the current folder on the path",
    },
    "celery.utils.collections": {
        "AttributeDictMixin": "use AttributeDict",
        "BufferMap": "use collections.defaultdict(collections.deque)",
        "ChainMap": "use collections.ChainMap",
        "ConfigurationView": "use celery.app.utils.Settings",
        "DictAttribute": "use vars(obj)",
        "Evictable": "use LimitedSet",
        "Messagebuffer": "use collections.deque(maxlen=...)",
        "OrderedDict": "use collections.OrderedDict",
        "lpmerge": "use {**left, **right}",
    },
    "celery.utils.functional": {"head_from_fun": "use inspect.signature(fun).bind", "seq_concat_item": "use [*items, item]"},
    "celery.utils.graph": dict.fromkeys(("DOT", "GraphFormatter"), "use DependencyGraph.to_dot") | {"CycleError": "use graphlib.CycleError"},
    "celery.utils.imports": {
        "NotAPackage": "use ModuleNotFoundError",
        "cwd_in_path": "the command line has the current folder on the path",
        "find_module": "use importlib.util.find_spec",
        "import_from_cwd": "use importlib.import_module; the command line has the current folder on the path",
        "reload_from_cwd": "use importlib.reload; while developing: celery worker --reload",
        "module_file": "use module.__file__",
    },
    "celery.utils.log": dict.fromkeys(("ColorFormatter", "LoggingProxy"), "connect to celery.signals.setup_logging to log in a way of your own")
    | dict.fromkeys(("set_in_sighandler", "in_sighandler"), "signal handlers of the worker do not log")
    | dict.fromkeys(("get_multiprocessing_logger", "reset_multiprocessing_logger"), "use multiprocessing.get_logger"),
    "celery.utils.objects": dict.fromkeys(("FallbackContext", "getitem_property", "mro_lookup"), "use contextlib, properties and type(obj).__mro__"),
    "celery.utils.saferepr": {"reprstream": "use saferepr"},
    "celery.utils.serialization": {
        **dict.fromkeys(
            (
                *("UnpickleableExceptionWrapper", "find_pickleable_exception", "create_exception_cls", "get_pickleable_exception"),
                *("get_pickleable_etype", "get_pickled_exception", "subclass_exception"),
            ),
            _PICKLE,
        ),
        "strtobool": "use a table of your own: Python's went with distutils",
    },
    "celery.utils.sysinfo": {
        "load_average": "use os.getloadavg",
        "df": "use shutil.disk_usage",
        "AUTO_CONCURRENCY": "it is the word auto: worker -c auto",
        "is_auto_concurrency": "compare with 'auto'",
        "cgroup_cpu_quota": "use available_cpu_count, which knows of it",
        "CpuBudget": "use available_cpu_count",
        "cpu_budget": "use available_cpu_count",
    },
    "celery.utils.text": dict.fromkeys(("dedent_initial", "ensure_newlines", "ensure_sep", "fill_paragraphs"), _STDLIB)
    | {"simple_format": "use celery.utils.nodenames.node_format, or str.format"},
    "celery.utils.time": {
        "LocalTimezone": "use datetime.now().astimezone().tzinfo",
        "timezone": "use zoneinfo.ZoneInfo, and datetime.UTC",
        "delta_resolution": "use datetime.replace",
        "ffwd": "use datetime.replace and timedelta",
        "utcoffset": "use datetime.now().astimezone().utcoffset()",
        "adjust_timestamp": "times are seconds since the epoch everywhere",
    },
}
