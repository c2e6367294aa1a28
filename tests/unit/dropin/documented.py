"""Every module of Celery 5.7 and the names that it offers (its ``__all__``, or what it defines): ours, or refused with a remedy."""

from __future__ import annotations


def table(text: str) -> dict[str, list[str]]:
    """Read ``module: name name``; lines that begin with spaces go on with the one before, ``*`` is the module itself."""
    lines = text.strip().replace("\n    ", " ").splitlines()
    return {module: names.split() for module, _, names in (line.partition(":") for line in lines)}


OURS = table(
    """
celery._state: set_default_app get_current_app get_current_task get_current_worker_task current_app current_task connect_on_app_finalize
celery.app: Celery app_or_default default_app bugreport shared_task
celery.app.amqp: AMQP Queues
celery.app.annotations:
celery.app.autoretry:
celery.app.backends:
celery.app.base: Celery
celery.app.control: Inspect Control flatten_reply
celery.app.defaults:
celery.app.events: Events
celery.app.log: Logging
celery.app.registry: TaskRegistry
celery.app.routes: Router
celery.app.task: Context Task
celery.app.trace: build_tracer task_has_custom
celery.app.utils: Settings bugreport find_app sanitize_url
celery.backends:
celery.backends.base: Backend BaseBackend BaseDictBackend BaseKeyValueStoreBackend DisabledBackend KeyValueStoreBackend get_current_task
celery.backends.database: DatabaseBackend Task retry session_cleanup
celery.beat: SchedulingError ScheduleEntry Scheduler PersistentScheduler Service EmbeddedService
celery.bin:
celery.bin.amqp: amqp
celery.bin.base: CLIContext CeleryCommand
celery.bin.beat:
celery.bin.call:
celery.bin.celery: main
celery.bin.control:
celery.bin.events:
celery.bin.graph:
celery.bin.list:
celery.bin.logtool: logtool
celery.bin.migrate:
celery.bin.multi:
celery.bin.purge:
celery.bin.result:
celery.bin.shell:
celery.bin.upgrade:
celery.bin.worker:
celery.bootsteps: Step StartStopStep ConsumerStep
celery.canvas: Signature chain xmap xstarmap chunks group chord signature maybe_signature
celery.concurrency: get_implementation get_available_pool_names
celery.concurrency.prefork: process_initializer process_destructor
celery.apps:
celery.apps.worker: Worker
celery.apps.beat: Beat
celery.worker: WorkController
celery.worker.worker: WorkController
celery.worker.request: Request
celery.contrib:
celery.contrib.abortable: AbortableAsyncResult AbortableTask
celery.contrib.migrate: StopFiltering State republish migrate_task migrate_tasks move task_id_eq task_id_in start_filter move_task_by_id
    move_by_idmap move_by_taskmap move_direct move_direct_by_id filter_callback filter_status
celery.contrib.pytest: celery_app celery_worker celery_session_app celery_session_worker celery_config celery_parameters celery_includes
    celery_worker_pool celery_worker_parameters celery_enable_logging celery_class_tasks use_celery_app_trap depends_on_current_app
celery.contrib.rdb: Rdb debugger set_trace default_port
celery.contrib.testing:
celery.contrib.testing.app: Trap TestApp set_trap setup_default_app
celery.contrib.testing.manager: ManagerMixin Manager
celery.contrib.testing.mocks: TaskMessage TaskMessage1 task_message_from_sig ContextMock
celery.contrib.testing.tasks: ping
celery.contrib.testing.worker: TestWorkController start_worker
celery.events: Event EventDispatcher EventReceiver group_from
celery.events.dispatcher: EventDispatcher
celery.events.dumper: Dumper evdump
celery.events.event: Event group_from
celery.events.receiver: EventReceiver
celery.events.snapshot: Polaroid evcam
celery.events.state: Worker Task State heartbeat_expires
celery.exceptions: CeleryWarning AlwaysEagerIgnored DuplicateNodenameWarning DuplicateTaskNameWarning FixupWarning NotConfigured
    SecurityWarning CeleryError ImproperlyConfigured SecurityError OperationalError TaskPredicate Ignore Reject Retry TaskError
    QueueNotFound IncompleteStream NotRegistered AlreadyRegistered TimeoutError MaxRetriesExceededError TaskRevokedError InvalidTaskError
    ChordError BackendError BackendGetMetaError BackendStoreError SoftTimeLimitExceeded TimeLimitExceeded WorkerLostError Terminated
    WorkerShutdown WorkerTerminate
celery.loaders: get_loader_cls
celery.loaders.app: AppLoader
celery.loaders.base: BaseLoader
celery.loaders.default: Loader
celery.local: Proxy PromiseProxy maybe_evaluate
celery.platforms: close_open_fds EX_OK EX_FAILURE EX_UNAVAILABLE EX_USAGE SYSTEM IS_macOS IS_WINDOWS
celery.result: ResultBase AsyncResult ResultSet GroupResult EagerResult result_from_tuple
celery.schedules: ParseException schedule crontab crontab_parser maybe_schedule solar
celery.security:
celery.signals: before_task_publish after_task_publish task_internal_error task_prerun task_postrun task_success task_received task_rejected
    task_unknown task_retry task_failure task_revoked celeryd_init celeryd_after_setup worker_init worker_before_create_process
    worker_process_init worker_process_shutdown worker_ready worker_shutdown worker_shutting_down setup_logging after_setup_logger
    after_setup_task_logger beat_init beat_embedded_init heartbeat_sent eventlet_pool_started eventlet_pool_preshutdown
    eventlet_pool_postshutdown eventlet_pool_apply
celery.states: PENDING RECEIVED STARTED SUCCESS FAILURE REVOKED RETRY IGNORED READY_STATES UNREADY_STATES EXCEPTION_STATES PROPAGATE_STATES
    precedence state
celery.utils: chunks gen_task_name gen_unique_id instantiate memoize nodename nodesplit noop uuid worker_direct
celery.utils.collections: AttributeDict LimitedSet force_mapping
celery.utils.dispatch: Signal
celery.utils.dispatch.signal: Signal
celery.utils.functional: LRUCache is_list maybe_list memoize mlazy noop first firstmethod chunks padlist mattrgetter uniq regen dictfilter
    lazy maybe_evaluate maybe fun_accepts_kwargs
celery.utils.graph: DependencyGraph
celery.utils.imports: qualname instantiate symbol_by_name gen_task_name
celery.utils.log: worker_logger task_logger
celery.utils.nodenames: worker_direct gethostname nodename anon_nodename nodesplit default_nodename node_format host_format
celery.utils.objects: Bunch
celery.utils.saferepr: saferepr
celery.utils.serialization: b64decode b64encode
celery.utils.sysinfo: available_cpu_count
celery.utils.text: abbr abbrtask dedent indent join pluralize pretty str_to_list truncate
celery.utils.time: maybe_timedelta remaining rate weekday humanize_seconds maybe_iso8601 is_naive add_seconds_to_datetime subtract_datetimes
    make_aware localize to_utc maybe_make_aware get_exponential_backoff_interval
celery.worker.control: Panel
celery: Celery bugreport shared_task Task current_app current_task maybe_signature chain chord chunks group signature xmap xstarmap uuid
    subtask app_or_default __version__ VERSION version_info
"""
)

REFUSED = table(
    """
celery.app: AppPickler enable_trace disable_trace push_current_task pop_current_task
celery.app.amqp: task_message
celery.app.annotations: MapAnnotation prepare resolve_all
celery.app.autoretry: add_autoretry_behaviour
celery.app.backends: by_name by_url
celery.app.builtins: *
celery.app.defaults: Option NAMESPACES flatten find
celery.app.log: TaskFormatter
celery.app.routes: MapRoute expand_router_string prepare
celery.app.utils: appstr filter_hidden_settings
celery.apps.multi: *
celery.backends.arangodb: *
celery.backends.asynchronous: *
celery.backends.azureblockblob: *
celery.backends.cache: *
celery.backends.cassandra: *
celery.backends.consul: *
celery.backends.cosmosdbsql: *
celery.backends.couchbase: *
celery.backends.couchdb: *
celery.backends.database.models: *
celery.backends.database.session: *
celery.backends.dynamodb: *
celery.backends.elasticsearch: *
celery.backends.filesystem: *
celery.backends.gcs: *
celery.backends.mongodb: *
celery.backends.redis: *
celery.backends.rpc: *
celery.backends.s3: *
celery.beat: BeatPidbox
celery.bin.base: highlight handle_remote_command_error handle_preload_options consume_preload_options CeleryOption DaemonOption
    CeleryDaemonCommand CommaSeparatedList JsonArray JsonObject ISO8601DateTime ISO8601DateTimeOrFloat LogLevel JSON_ARRAY JSON_OBJECT
    ISO8601 ISO8601_OR_FLOAT LOG_LEVEL COMMA_SEPARATED_LIST
celery.bin.multi: MultiTool
celery.bin.worker: CeleryBeat WorkersPool Hostname Autoscale CELERY_BEAT WORKERS_POOL HOSTNAME AUTOSCALE detach
celery.bootsteps: Blueprint
celery.concurrency.asynpool: *
celery.concurrency.base: *
celery.concurrency.eventlet: *
celery.concurrency.gevent: *
celery.concurrency.prefork: TaskPool
celery.concurrency.solo: *
celery.concurrency.thread: *
celery.contrib.testing.app: UnitLogging
celery.contrib.testing.manager: Sentinel
celery.contrib.testing.worker: setup_app_for_worker
celery.events: event_exchange get_exchange
celery.events.cursesmon: *
celery.events.event: event_exchange get_exchange
celery.exceptions: reraise CPendingDeprecationWarning CDeprecationWarning CeleryCommandException
celery.loaders.default: DEFAULT_CONFIG_MODULE
celery.local: try_import
celery.platforms: SIGMAP pyimplementation LockFailed get_fdmax Pidfile create_pidlock DaemonContext detached parse_uid
    parse_gid setgroups initgroups setgid setuid maybe_drop_privileges signals signal_name set_process_title set_mp_process_title
    get_errno_name ignore_errno fd_by_path isatty
celery.utils: LOG_LEVELS get_cls_by_name get_full_cls_name import_from_cwd
celery.utils.abstract: *
celery.utils.annotations: *
celery.utils.collections: AttributeDictMixin BufferMap ChainMap ConfigurationView DictAttribute Evictable Messagebuffer OrderedDict lpmerge
celery.utils.debug: *
celery.utils.deprecated: *
celery.utils.functional: head_from_fun
celery.utils.graph: DOT CycleError GraphFormatter
celery.utils.imports: NotAPackage cwd_in_path find_module import_from_cwd reload_from_cwd module_file
celery.utils.iso8601: *
celery.utils.log: ColorFormatter LoggingProxy set_in_sighandler in_sighandler get_multiprocessing_logger reset_multiprocessing_logger
celery.utils.objects: FallbackContext getitem_property mro_lookup
celery.utils.quorum_queues: *
celery.utils.saferepr: reprstream
celery.utils.serialization: UnpickleableExceptionWrapper subclass_exception find_pickleable_exception create_exception_cls
    get_pickleable_exception get_pickleable_etype get_pickled_exception strtobool
celery.utils.static: *
celery.utils.sysinfo: load_average df AUTO_CONCURRENCY is_auto_concurrency cgroup_cpu_quota CpuBudget cpu_budget
celery.utils.term: *
celery.utils.text: dedent_initial ensure_newlines ensure_sep fill_paragraphs simple_format
celery.utils.threads: *
celery.utils.time: LocalTimezone timezone delta_resolution ffwd utcoffset adjust_timestamp
celery.utils.timer2: *
celery.worker.autoscale: *
celery.worker.components: *
celery.worker.consumer: *
celery.worker.consumer.agent: *
celery.worker.consumer.connection: *
celery.worker.consumer.consumer: *
celery.worker.consumer.control: *
celery.worker.consumer.delayed_delivery: *
celery.worker.consumer.events: *
celery.worker.consumer.gossip: *
celery.worker.consumer.heart: *
celery.worker.consumer.mingle: *
celery.worker.consumer.tasks: *
celery.worker.heartbeat: *
celery.worker.loops: *
celery.worker.pidbox: *
celery.worker.state: *
celery.worker.strategy: *
celery.task: *
celery.decorators: *
"""
)
