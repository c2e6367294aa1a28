"""Settings of results and of the stores most of them are kept in."""

from __future__ import annotations

from datetime import timedelta
from math import inf

from celeriac.config.setting import Kind, Setting

SETTINGS = (
    Setting(
        "result_accept_content",
        Kind.LIST,
        None,
        "Serializers in which results are read; None means those of `accept_content`.",
        ("RESULT_ACCEPT_CONTENT",),
    ),
    Setting(
        "result_backend",
        Kind.SYMBOL,
        None,
        "Where results are kept, as a URL; unset, the embedded file keeps them when it is the broker too.",
        ("CELERY_RESULT_BACKEND",),
    ),
    Setting(
        "result_cache_max", Kind.INT, -1, "How many results a client keeps in memory; -1 keeps none, 0 any number.", ("CELERY_MAX_CACHED_RESULTS",)
    ),
    Setting(
        "result_compression",
        Kind.TEXT,
        None,
        "How results are compressed (`gzip`, `zstd` ...); None leaves them as they are.",
        ("CELERY_RESULT_COMPRESSION",),
    ),
    Setting(
        "result_exchange",
        Kind.TEXT,
        "celeryresults",
        "The exchange that results are sent through, for result stores that are message brokers.",
        ("CELERY_RESULT_EXCHANGE",),
    ),
    Setting("result_exchange_type", Kind.TEXT, "direct", "The type of `result_exchange`.", ("CELERY_RESULT_EXCHANGE_TYPE",)),
    Setting(
        "result_expires", Kind.EXPIRY, timedelta(days=1), "How long a result is kept; None or 0 keeps it for ever.", ("CELERY_TASK_RESULT_EXPIRES",)
    ),
    Setting(
        "result_chord_expires",
        Kind.EXPIRY,
        None,
        "How long the book-keeping of a chord is kept; None means as long as a result.",
        ("CELERY_RESULT_CHORD_EXPIRES",),
    ),
    Setting(
        "result_failure_expires",
        Kind.EXPIRY,
        None,
        "How long the result of a failed task is kept; None means as long as any other.",
        ("CELERY_RESULT_FAILURE_EXPIRES",),
    ),
    Setting("result_persistent", Kind.BOOL, None, "Result messages survive a restart of the broker.", ("CELERY_RESULT_PERSISTENT",)),
    Setting(
        "result_extended", Kind.BOOL, False, "Keep a task's name, arguments, worker, retries and queue with its result.", ("CELERY_RESULT_EXTENDED",)
    ),
    Setting("result_serializer", Kind.TEXT, "json", "The serializer that results are written in.", ("CELERY_RESULT_SERIALIZER",), required=True),
    Setting(
        "result_backend_transport_options",
        Kind.DICT,
        {},
        "Options for the client library of the result store.",
        ("CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS",),
    ),
    Setting(
        "result_chord_retry_interval",
        Kind.SECONDS,
        1.0,
        "Pause between two looks at an unfinished chord, for stores that have to be polled.",
        ("CELERY_RESULT_CHORD_RETRY_INTERVAL",),
        minimum=0,
    ),
    Setting(
        "result_chord_join_timeout",
        Kind.SECONDS,
        3.0,
        "How long to wait for a chord's part results when the chord is joined.",
        ("CELERY_RESULT_CHORD_JOIN_TIMEOUT",),
    ),
    Setting(
        "result_backend_max_sleep_between_retries_ms",
        Kind.INT,
        10000,
        "Longest pause between two tries of a failed store operation, in milliseconds.",
        ("CELERY_RESULT_BACKEND_MAX_SLEEP_BETWEEN_RETRIES_MS",),
        minimum=0,
    ),
    Setting(
        "result_backend_max_retries", Kind.FLOAT, inf, "How often a failed store operation is tried again.", ("CELERY_RESULT_BACKEND_MAX_RETRIES",)
    ),
    Setting(
        "result_backend_base_sleep_between_retries_ms",
        Kind.INT,
        10,
        "First pause between two tries of a failed store operation, in milliseconds; it doubles.",
        ("CELERY_RESULT_BACKEND_BASE_SLEEP_BETWEEN_RETRIES_MS",),
        minimum=0,
    ),
    Setting(
        "result_backend_always_retry",
        Kind.BOOL,
        False,
        "Try failed store operations again, also those whose error may be lasting.",
        ("CELERY_RESULT_BACKEND_ALWAYS_RETRY",),
    ),
    Setting("cache_backend", Kind.TEXT, None, "The cache that keeps results when `result_backend` is `cache`.", ("CELERY_CACHE_BACKEND",)),
    Setting("cache_backend_options", Kind.DICT, {}, "Options for the cache's client.", ("CELERY_CACHE_BACKEND_OPTIONS",)),
    Setting(
        "redis_backend_use_ssl", Kind.SSL, None, "Speak TLS with the Redis that keeps results, with these options.", ("CELERY_REDIS_BACKEND_USE_SSL",)
    ),
    Setting("redis_db", Kind.ANY, None, "The database number where the result store's URL names none.", ("CELERY_REDIS_DB",)),
    Setting("redis_host", Kind.TEXT, None, "The host where the result store's URL names none.", ("CELERY_REDIS_HOST",)),
    Setting(
        "redis_max_connections",
        Kind.INT,
        None,
        "How many connections the result store's client may open.",
        ("CELERY_REDIS_MAX_CONNECTIONS",),
        minimum=0,
    ),
    Setting("redis_username", Kind.TEXT, None, "The user where the result store's URL names none.", ("CELERY_REDIS_USERNAME",)),
    Setting("redis_password", Kind.SECRET, None, "The password where the result store's URL names none.", ("CELERY_REDIS_PASSWORD",)),
    Setting("redis_port", Kind.INT, None, "The port where the result store's URL names none.", ("CELERY_REDIS_PORT",)),
    Setting("redis_socket_timeout", Kind.SECONDS, 120.0, "How long reading and writing may take.", ("CELERY_REDIS_SOCKET_TIMEOUT",), minimum=0),
    Setting("redis_socket_connect_timeout", Kind.SECONDS, None, "How long connecting may take.", ("CELERY_REDIS_SOCKET_CONNECT_TIMEOUT",), minimum=0),
    Setting("redis_retry_on_timeout", Kind.BOOL, False, "Try an operation again that took too long.", ("CELERY_REDIS_RETRY_ON_TIMEOUT",)),
    Setting("redis_socket_keepalive", Kind.BOOL, False, "Let the system watch idle connections.", ("CELERY_REDIS_SOCKET_KEEPALIVE",)),
    Setting("database_url", Kind.URL, None, "The database that keeps results, where `result_backend` does not name it.", ("CELERY_RESULT_DBURI",)),
    Setting(
        "database_engine_options",
        Kind.DICT,
        {"pool_pre_ping": True, "pool_recycle": 3600},
        "Options for SQLAlchemy's engine.",
        ("CELERY_RESULT_ENGINE_OPTIONS",),
    ),
    Setting("database_engine_callback", Kind.SYMBOL, None, "A function that is given the engine when it was made.", ("DATABASE_ENGINE_CALLBACK",)),
    Setting("database_short_lived_sessions", Kind.BOOL, False, "Open a session for each operation.", ("CELERY_RESULT_DB_SHORT_LIVED_SESSIONS",)),
    Setting("database_table_schemas", Kind.DICT, None, "The schemas of the tables `task` and `group`.", ("DATABASE_TABLE_SCHEMAS",)),
    Setting("database_table_names", Kind.DICT, None, "The names of the tables `task` and `group`.", ("CELERY_RESULT_DB_TABLENAMES",)),
    Setting(
        "database_create_tables_at_setup",
        Kind.BOOL,
        True,
        "Create the tables when the store is opened, not when it is first written to.",
        ("DATABASE_CREATE_TABLES_AT_SETUP",),
    ),
    Setting(
        "result_poll_interval",
        Kind.SECONDS,
        0.05,
        "Pause between two looks at a result where the store cannot notify.",
        minimum=0,
        required=True,
        ours=True,
    ),
    Setting("result_backend_thread_safe", Kind.BOOL, None, "One store object serves all threads. Accepted for compatibility: it is always so."),
    Setting("override_backends", Kind.DICT, None, "More result stores by their scheme: dotted paths of their classes."),
    Setting("redis_client_name", Kind.TEXT, None, "The name under which connections are listed on the server."),
    Setting("redis_backend_health_check_interval", Kind.SECONDS, None, "How long a connection may idle before it is checked.", minimum=0),
    Setting("redis_backend_credential_provider", Kind.SYMBOL, None, "A credential provider of the client library, or its dotted path."),
)
