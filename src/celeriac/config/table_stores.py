"""Settings of the other result stores."""

from __future__ import annotations

from celeriac.config.setting import Kind, Setting

SETTINGS = (
    Setting("cassandra_entry_ttl", Kind.SECONDS, None, "How long Cassandra keeps a result; None means for ever.", ("CASSANDRA_ENTRY_TTL",)),
    Setting("cassandra_keyspace", Kind.TEXT, None, "The keyspace of results.", ("CASSANDRA_KEYSPACE",)),
    Setting("cassandra_port", Kind.ANY, None, "The port of the Cassandra servers.", ("CASSANDRA_PORT",)),
    Setting("cassandra_read_consistency", Kind.TEXT, None, "The consistency level of reads.", ("CASSANDRA_READ_CONSISTENCY",)),
    Setting("cassandra_servers", Kind.LIST, None, "The Cassandra hosts to connect to.", ("CASSANDRA_SERVERS",)),
    Setting("cassandra_bundle_path", Kind.PATH, None, "The secure connection bundle of a hosted Cassandra.", ("CASSANDRA_BUNDLE_PATH",)),
    Setting("cassandra_table", Kind.TEXT, None, "The table of results.", ("CASSANDRA_TABLE",)),
    Setting("cassandra_write_consistency", Kind.TEXT, None, "The consistency level of writes.", ("CASSANDRA_WRITE_CONSISTENCY",)),
    Setting("cassandra_auth_provider", Kind.TEXT, None, "The class, of the driver's own, that authenticates.", ("CASSANDRA_AUTH_PROVIDER",)),
    Setting("cassandra_auth_kwargs", Kind.DICT, None, "The arguments of that class.", ("CASSANDRA_AUTH_KWARGS",)),
    Setting("cassandra_options", Kind.DICT, {}, "Options for the driver's cluster object.", ("CASSANDRA_OPTIONS",)),
    Setting("s3_access_key_id", Kind.TEXT, None, "The access key of the bucket.", ("S3_ACCESS_KEY_ID",)),
    Setting("s3_secret_access_key", Kind.SECRET, None, "The secret key of the bucket.", ("S3_SECRET_ACCESS_KEY",)),
    Setting("s3_bucket", Kind.TEXT, None, "The bucket that keeps results.", ("S3_BUCKET",)),
    Setting("s3_base_path", Kind.TEXT, None, "A prefix of the keys under which results are kept.", ("S3_BASE_PATH",)),
    Setting("s3_endpoint_url", Kind.TEXT, None, "The address of a store that speaks the S3 protocol.", ("S3_ENDPOINT_URL",)),
    Setting("s3_region", Kind.TEXT, None, "The bucket's region.", ("S3_REGION",)),
    Setting("azureblockblob_container_name", Kind.TEXT, "celery", "The blob container that keeps results.", ("AZUREBLOCKBLOB_CONTAINER_NAME",)),
    Setting(
        "azureblockblob_retry_initial_backoff_sec",
        Kind.INT,
        2,
        "First pause between two tries, in seconds.",
        ("AZUREBLOCKBLOB_RETRY_INITIAL_BACKOFF_SEC",),
        minimum=0,
    ),
    Setting(
        "azureblockblob_retry_increment_base",
        Kind.INT,
        2,
        "By what the pause grows with every try.",
        ("AZUREBLOCKBLOB_RETRY_INCREMENT_BASE",),
        minimum=0,
    ),
    Setting("azureblockblob_retry_max_attempts", Kind.INT, 3, "How often an operation is tried.", ("AZUREBLOCKBLOB_RETRY_MAX_ATTEMPTS",), minimum=0),
    Setting("azureblockblob_base_path", Kind.TEXT, "", "A prefix of the blob names under which results are kept.", ("AZUREBLOCKBLOB_BASE_PATH",)),
    Setting(
        "azureblockblob_connection_timeout", Kind.SECONDS, 20, "How long connecting may take.", ("AZUREBLOCKBLOB_CONNECTION_TIMEOUT",), minimum=0
    ),
    Setting("azureblockblob_read_timeout", Kind.SECONDS, 120, "How long reading may take.", ("AZUREBLOCKBLOB_READ_TIMEOUT",), minimum=0),
    Setting("gcs_bucket", Kind.TEXT, None, "The bucket that keeps results.", ("GCS_BUCKET",)),
    Setting("gcs_project", Kind.TEXT, None, "The project of the bucket.", ("GCS_PROJECT",)),
    Setting("gcs_base_path", Kind.TEXT, "", "A prefix of the object names under which results are kept.", ("GCS_BASE_PATH",)),
    Setting("gcs_ttl", Kind.SECONDS, 0, "How long the bucket keeps a result; 0 leaves it to the bucket's own rule.", ("GCS_TTL",), minimum=0),
    Setting("couchbase_backend_settings", Kind.DICT, None, "How to reach Couchbase, which keeps results.", ("CELERY_COUCHBASE_BACKEND_SETTINGS",)),
    Setting("arangodb_backend_settings", Kind.DICT, None, "How to reach ArangoDB, which keeps results.", ("CELERY_ARANGODB_BACKEND_SETTINGS",)),
    Setting("mongodb_backend_settings", Kind.DICT, None, "How to reach MongoDB, which keeps results.", ("CELERY_MONGODB_BACKEND_SETTINGS",)),
    Setting("cosmosdbsql_database_name", Kind.TEXT, "celerydb", "The Cosmos DB database that keeps results.", ("COSMOSDBSQL_DATABASE_NAME",)),
    Setting("cosmosdbsql_collection_name", Kind.TEXT, "celerycol", "The collection of results.", ("COSMOSDBSQL_COLLECTION_NAME",)),
    Setting("cosmosdbsql_consistency_level", Kind.TEXT, "Session", "The consistency level of operations.", ("COSMOSDBSQL_CONSISTENCY_LEVEL",)),
    Setting("cosmosdbsql_max_retry_attempts", Kind.INT, 9, "How often an operation is tried again.", ("COSMOSDBSQL_MAX_RETRY_ATTEMPTS",), minimum=0),
    Setting(
        "cosmosdbsql_max_retry_wait_time",
        Kind.SECONDS,
        30,
        "How long trying again may take altogether.",
        ("COSMOSDBSQL_MAX_RETRY_WAIT_TIME",),
        minimum=0,
    ),
    Setting(
        "elasticsearch_retry_on_timeout", Kind.BOOL, None, "Try an operation again that took too long.", ("CELERY_ELASTICSEARCH_RETRY_ON_TIMEOUT",)
    ),
    Setting("elasticsearch_max_retries", Kind.INT, None, "How often an operation is tried again.", ("CELERY_ELASTICSEARCH_MAX_RETRIES",), minimum=0),
    Setting("elasticsearch_timeout", Kind.SECONDS, None, "How long an operation may take.", ("CELERY_ELASTICSEARCH_TIMEOUT",), minimum=0),
    Setting(
        "elasticsearch_save_meta_as_text",
        Kind.BOOL,
        True,
        "Keep a result as one text rather than as a document.",
        ("CELERY_ELASTICSEARCH_SAVE_META_AS_TEXT",),
    ),
    Setting("cassandra_secure_bundle_path", Kind.PATH, None, "Another name of `cassandra_bundle_path`."),
    Setting("gcs_threadpool_maxsize", Kind.INT, None, "How many threads talk to the bucket.", minimum=1),
    Setting("dynamodb_endpoint_url", Kind.TEXT, None, "The address of a store that speaks DynamoDB's protocol."),
)
