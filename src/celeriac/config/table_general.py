"""Settings of the application as a whole, remote control, events, signing and the scheduler."""

from __future__ import annotations

from celeriac.config.setting import Kind, Setting

SETTINGS = (
    Setting(
        "accept_content",
        Kind.LIST,
        ("json",),
        "Serializers (names or MIME types) a worker or client reads; messages in any other are refused.",
        ("CELERY_ACCEPT_CONTENT",),
    ),
    Setting("enable_utc", Kind.BOOL, True, "Write times into messages in UTC rather than in local time.", ("ENABLE_UTC",)),
    Setting("imports", Kind.LIST, (), "Modules a worker imports before it starts, where tasks are defined.", ("CELERY_IMPORTS",)),
    Setting("include", Kind.LIST, (), "More modules to import, beside `imports`.", ("CELERY_INCLUDE",)),
    Setting(
        "timezone",
        Kind.ZONE,
        None,
        "The time zone of schedules and of naive times; None means UTC, or local time without `enable_utc`.",
        ("CELERY_TIMEZONE",),
    ),
    Setting("beat_enable_remote_control", Kind.BOOL, False, "The scheduler answers to remote control.", ("CELERYBEAT_ENABLE_REMOTE_CONTROL",)),
    Setting(
        "beat_remote_control_max_tick_age",
        Kind.SECONDS,
        None,
        "A scheduler whose last round is older than this does not answer pings.",
        ("CELERYBEAT_REMOTE_CONTROL_MAX_TICK_AGE",),
    ),
    Setting(
        "beat_max_loop_interval",
        Kind.SECONDS,
        0,
        "The longest the scheduler sleeps between two looks at its schedule; 0 leaves it to the scheduler.",
        ("CELERYBEAT_MAX_LOOP_INTERVAL",),
        minimum=0,
    ),
    Setting("beat_schedule", Kind.DICT, {}, "What is sent when: entries by name.", ("CELERYBEAT_SCHEDULE",)),
    Setting("beat_scheduler", Kind.SYMBOL, "celery.beat:PersistentScheduler", "The class of the scheduler.", ("CELERYBEAT_SCHEDULER",)),
    Setting(
        "beat_schedule_filename",
        Kind.PATH,
        "celerybeat-schedule",
        "The file in which the scheduler keeps when each entry last ran.",
        ("CELERYBEAT_SCHEDULE_FILENAME",),
    ),
    Setting(
        "beat_sync_every",
        Kind.INT,
        0,
        "How many tasks may be sent before the schedule is written again; 0 goes by time alone.",
        ("CELERYBEAT_SYNC_EVERY",),
        minimum=0,
    ),
    Setting(
        "beat_cron_starting_deadline",
        Kind.INT,
        None,
        "Runs of a crontab that were missed by more seconds than this are skipped.",
        ("CELERYBEAT_CRON_STARTING_DEADLINE",),
        minimum=0,
    ),
    Setting(
        "beat_store",
        Kind.URL,
        None,
        "Where schedules are kept; None: with the broker, or in the file of `beat_schedule_filename` where the broker cannot keep them.",
        ours=True,
    ),
    Setting(
        "beat_namespace",
        Kind.TEXT,
        None,
        "The name under which the schedule is kept, for applications that share a store; None takes the application's name.",
        ours=True,
    ),
    Setting(
        "beat_lease",
        Kind.SECONDS,
        2.0,
        "For how long the scheduler that leads is taken to live: when it dies, another one takes over after this.",
        minimum=0.3,
        ours=True,
    ),
    Setting(
        "control_queue_ttl",
        Kind.SECONDS,
        300.0,
        "How long a remote-control message waits for its worker before it is dropped.",
        ("CONTROL_QUEUE_TTL",),
        minimum=0,
    ),
    Setting("control_queue_expires", Kind.SECONDS, 10.0, "How long an unused remote-control queue lives on.", ("CONTROL_QUEUE_EXPIRES",), minimum=0),
    Setting("control_queue_exclusive", Kind.BOOL, True, "Remote-control queues belong to one connection.", ("CONTROL_QUEUE_EXCLUSIVE",)),
    Setting("control_queue_durable", Kind.BOOL, False, "Remote-control queues survive a restart of the broker.", ("CONTROL_QUEUE_DURABLE",)),
    Setting("control_exchange", Kind.TEXT, "celery", "The name from which the remote-control exchanges take theirs.", ("CONTROL_EXCHANGE",)),
    Setting(
        "event_queue_expires", Kind.SECONDS, 60.0, "How long the queue of a vanished monitor lives on.", ("CELERY_EVENT_QUEUE_EXPIRES",), minimum=0
    ),
    Setting(
        "event_queue_ttl", Kind.SECONDS, 5.0, "How long an event waits for its monitor before it is dropped.", ("CELERY_EVENT_QUEUE_TTL",), minimum=0
    ),
    Setting("event_queue_prefix", Kind.TEXT, "celeryev", "What the names of monitors' queues begin with.", ("CELERY_EVENT_QUEUE_PREFIX",)),
    Setting("event_queue_exclusive", Kind.BOOL, True, "Monitors' queues belong to one connection.", ("CELERY_EVENT_QUEUE_EXCLUSIVE",)),
    Setting("event_queue_durable", Kind.BOOL, False, "Monitors' queues survive a restart of the broker.", ("CELERY_EVENT_QUEUE_DURABLE",)),
    Setting("event_serializer", Kind.TEXT, "json", "The serializer that events are written in.", ("CELERY_EVENT_SERIALIZER",), required=True),
    Setting("event_exchange", Kind.TEXT, "celeryev", "The exchange that events are sent to.", ("CELERY_EVENT_EXCHANGE",)),
    Setting("security_certificate", Kind.PATH, None, "The certificate with which messages are signed, a PEM file.", ("CELERY_SECURITY_CERTIFICATE",)),
    Setting(
        "security_cert_store", Kind.PATH, None, "Where the certificates lie that signatures are checked against.", ("CELERY_SECURITY_CERT_STORE",)
    ),
    Setting("security_key", Kind.PATH, None, "The private key with which messages are signed, a PEM file.", ("CELERY_SECURITY_KEY",)),
    Setting("security_key_password", Kind.SECRET, None, "The password of that key.", ("CELERY_SECURITY_KEY_PASSWORD",)),
    Setting("security_digest", Kind.SYMBOL, "sha256", "The digest that is signed.", ("CELERY_SECURITY_DIGEST",)),
    Setting(
        "embedded_file", Kind.PATH, None, "The file of the embedded broker and result store; unset, it lies in the project's state folder.", ours=True
    ),
    Setting("worker_logfile", Kind.PATH, None, "The log file of a worker in the background."),
    Setting("worker_pidfile", Kind.PATH, None, "The file that holds the process id of a worker in the background."),
    Setting("worker_uid", Kind.ANY, None, "The user that a worker in the background becomes."),
    Setting("worker_gid", Kind.ANY, None, "The group that a worker in the background becomes."),
    Setting("worker_umask", Kind.ANY, None, "The umask of a worker in the background."),
    Setting("worker_executable", Kind.PATH, None, "The Python that runs a worker in the background."),
    Setting("beat_logfile", Kind.PATH, None, "The log file of the scheduler in the background."),
    Setting("beat_pidfile", Kind.PATH, None, "The file that holds the process id of the scheduler in the background."),
    Setting("beat_uid", Kind.ANY, None, "The user that the scheduler in the background becomes."),
    Setting("beat_gid", Kind.ANY, None, "The group that the scheduler in the background becomes."),
    Setting("beat_umask", Kind.ANY, None, "The umask of the scheduler in the background."),
    Setting("beat_executable", Kind.PATH, None, "The Python that runs the scheduler in the background."),
    Setting("events_logfile", Kind.PATH, None, "The log file of a monitor in the background."),
    Setting("events_pidfile", Kind.PATH, None, "The file that holds the process id of a monitor in the background."),
    Setting("events_uid", Kind.ANY, None, "The user that a monitor in the background becomes."),
    Setting("events_gid", Kind.ANY, None, "The group that a monitor in the background becomes."),
    Setting("events_umask", Kind.ANY, None, "The umask of a monitor in the background."),
    Setting("events_executable", Kind.PATH, None, "The Python that runs a monitor in the background."),
)
