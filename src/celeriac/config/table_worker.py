"""Settings of the worker."""

from __future__ import annotations

from celeriac.config.setting import Kind, Setting

SETTINGS = (
    Setting("worker_agent", Kind.SYMBOL, None, "A class that a worker starts beside itself.", ("CELERYD_AGENT",)),
    Setting(
        "worker_autoscaler", Kind.SYMBOL, "celery.worker.autoscale:Autoscaler", "The class that grows and shrinks the pool.", ("CELERYD_AUTOSCALER",)
    ),
    Setting(
        "worker_cancel_long_running_tasks_on_connection_loss",
        Kind.BOOL,
        False,
        "When the broker is lost, end running tasks that are acknowledged late.",
        ("CELERYD_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS",),
    ),
    Setting(
        "worker_soft_shutdown_timeout",
        Kind.SECONDS,
        0.0,
        "How long running tasks are given to end in a soft shutdown.",
        ("CELERYD_SOFT_SHUTDOWN_TIMEOUT",),
        minimum=0,
    ),
    Setting(
        "worker_enable_soft_shutdown_on_idle", Kind.BOOL, False, "Take that time also when nothing runs.", ("CELERYD_ENABLE_SOFT_SHUTDOWN_ON_IDLE",)
    ),
    Setting(
        "worker_concurrency",
        Kind.COUNT,
        None,
        "How many tasks run at the same time; None or `auto` means one for each usable CPU.",
        ("CELERYD_CONCURRENCY",),
        minimum=0,
    ),
    Setting("worker_consumer", Kind.SYMBOL, "celery.worker.consumer:Consumer", "The class of the consumer.", ("CELERYD_CONSUMER",)),
    Setting("worker_direct", Kind.BOOL, False, "Give every worker a queue of its own.", ("CELERY_WORKER_DIRECT",)),
    Setting("worker_disable_rate_limits", Kind.BOOL, False, "Take no notice of rate limits.", ("CELERY_DISABLE_RATE_LIMITS",)),
    Setting(
        "worker_deduplicate_successful_tasks",
        Kind.BOOL,
        False,
        "A redelivered task that has succeeded already is not run again.",
        ("CELERYD_DEDUPLICATE_SUCCESSFUL_TASKS",),
    ),
    Setting("worker_enable_remote_control", Kind.BOOL, True, "The worker answers to remote control.", ("CELERY_ENABLE_REMOTE_CONTROL",)),
    Setting(
        "worker_hijack_root_logger",
        Kind.BOOL,
        True,
        "The worker sets up logging itself and removes what was set up before.",
        ("CELERYD_HIJACK_ROOT_LOGGER",),
    ),
    Setting("worker_log_color", Kind.BOOL, None, "Colour log lines; None colours them on a terminal.", ("CELERYD_LOG_COLOR",)),
    Setting("worker_log_datefmt", Kind.TEXT, None, "The format of times in the log.", ("CELERYD_LOG_DATEFMT",)),
    Setting(
        "worker_log_format",
        Kind.TEXT,
        "[%(asctime)s: %(levelname)s/%(processName)s] %(message)s",
        "The format of log lines, or `json` for an object in each line.",
        ("CELERYD_LOG_FORMAT",),
    ),
    Setting(
        "worker_lost_wait", Kind.SECONDS, 10.0, "How long to wait for the result of a process that died.", ("CELERYD_WORKER_LOST_WAIT",), minimum=0
    ),
    Setting(
        "worker_max_memory_per_child",
        Kind.INT,
        None,
        "A task process that uses more memory than this (KiB) is replaced after its task.",
        ("CELERYD_MAX_MEMORY_PER_CHILD",),
        minimum=0,
    ),
    Setting(
        "worker_max_tasks_per_child", Kind.INT, None, "A task process is replaced after this many tasks.", ("CELERYD_MAX_TASKS_PER_CHILD",), minimum=0
    ),
    Setting(
        "worker_pool",
        Kind.SYMBOL,
        "prefork",
        "How tasks run side by side: `prefork`, `solo`, `threads`, `asyncio`, `gevent`, `eventlet`, or the path of a class.",
        ("CELERYD_POOL",),
        required=True,
    ),
    Setting(
        "worker_pool_putlocks",
        Kind.BOOL,
        True,
        "Hand out only what a process is free for. Accepted for compatibility: it is always so.",
        ("CELERYD_POOL_PUTLOCKS",),
    ),
    Setting("worker_pool_restarts", Kind.BOOL, False, "The remote-control command `pool_restart` is allowed.", ("CELERYD_POOL_RESTARTS",)),
    Setting(
        "worker_pool_start_method",
        Kind.TEXT,
        "fork",
        "How task processes are made.",
        ("CELERYD_POOL_START_METHOD",),
        choices=("fork", "spawn", "forkserver"),
    ),
    Setting(
        "worker_proc_alive_timeout", Kind.SECONDS, 4.0, "How long a new task process may take to come up.", ("CELERYD_PROC_ALIVE_TIMEOUT",), minimum=0
    ),
    Setting(
        "worker_prefetch_multiplier",
        Kind.INT,
        4,
        "The most messages that a worker holds for each place, running ones included, when this is set; else, and with 0, it goes by run times.",
        ("CELERYD_PREFETCH_MULTIPLIER",),
        minimum=0,
        required=True,
    ),
    Setting(
        "worker_eta_task_limit",
        Kind.INT,
        None,
        "How many tasks that are not yet due a worker holds in memory.",
        ("CELERYD_ETA_TASK_LIMIT",),
        minimum=0,
    ),
    Setting(
        "worker_enable_prefetch_count_reduction",
        Kind.BOOL,
        True,
        "After a lost connection, fetch less until the tasks from before have ended.",
        ("CELERYD_ENABLE_PREFETCH_COUNT_REDUCTION",),
    ),
    Setting("worker_disable_prefetch", Kind.BOOL, False, "Hold nothing but what runs.", ("CELERYD_DISABLE_PREFETCH",)),
    Setting("worker_redirect_stdouts", Kind.BOOL, True, "Send what tasks print to the log.", ("CELERY_REDIRECT_STDOUTS",)),
    Setting("worker_redirect_stdouts_level", Kind.ANY, "WARNING", "The log level of what they print.", ("CELERY_REDIRECT_STDOUTS_LEVEL",)),
    Setting("worker_send_task_events", Kind.BOOL, False, "Send events that monitors can watch tasks by.", ("CELERY_SEND_EVENTS",)),
    Setting("worker_state_db", Kind.PATH, None, "The file in which a worker keeps revoked tasks between restarts.", ("CELERYD_STATE_DB",)),
    Setting("worker_task_log_datefmt", Kind.TEXT, None, "The format of times in the log lines of tasks.", ("CELERYD_TASK_LOG_DATEFMT",)),
    Setting(
        "worker_task_log_format",
        Kind.TEXT,
        "[%(asctime)s: %(levelname)s/%(processName)s] %(task_name)s[%(task_id)s]: %(message)s",
        "The format of the log lines of tasks.",
        ("CELERYD_TASK_LOG_FORMAT",),
    ),
    Setting("worker_timer", Kind.SYMBOL, None, "The class of the timer.", ("CELERYD_TIMER",)),
    Setting("worker_timer_precision", Kind.SECONDS, 1.0, "How exactly the timer goes.", ("CELERYD_TIMER_PRECISION",), minimum=0),
    Setting(
        "worker_detect_quorum_queues",
        Kind.BOOL,
        True,
        "Find out whether queues are quorum queues, which count what is in flight differently.",
        ("CELERYD_DETECT_QUORUM_QUEUES",),
    ),
    Setting(
        "worker_memory_guard",
        Kind.INT,
        None,
        "A task process whose resident memory (KiB) grows above this is killed at once, and its task is lost for that reason.",
        minimum=0,
        ours=True,
    ),
    Setting(
        "worker_queue_strategy",
        Kind.ANY,
        None,
        "From which queue to take next: `fair` (in turns, the default), `strict` (in the queues' order), or a dict of weights by queue.",
        ours=True,
    ),
    Setting(
        "worker_lease",
        Kind.SECONDS,
        10.0,
        "How long after a worker's death its tasks come back to the others.",
        minimum=0.5,
        required=True,
        ours=True,
    ),
    Setting(
        "worker_shutdown_timeout",
        Kind.SECONDS,
        None,
        "How long running tasks may go on in a warm shutdown; None waits for them.",
        minimum=0,
        ours=True,
    ),
    Setting(
        "worker_packet_time",
        Kind.SECONDS,
        0.001,
        "How much run time is handed to a task process at once, by past run times.",
        minimum=0,
        required=True,
        ours=True,
    ),
)
