"""Where messages and results are kept."""

from __future__ import annotations

from tests.compatibility.row import BETTER, DIFFERENT, NOT_YET, SAME, row, section

SECTIONS = [
    section(
        "Brokers and result stores",
        rows=[
            row(
                "SQLite: `sqlite:///path`, `sqla+sqlite:///path`; results `db+sqlite:///path`",
                DIFFERENT,
                "its own tables: Celery does not read them",
                "conformance/test_sql_sqlite.py",
                "unit/drivers/test_sql_file.py",
            ),
            row(
                "`memory://`, `cache+memory://`",
                SAME,
                "one process",
                "conformance/test_memory.py",
            ),
            row(
                "RabbitMQ: `amqp://`, `pyamqp://`, `amqps://`",
                BETTER,
                "[how to](../how-to/rabbitmq.md); publisher confirms on; `eta` held by the server for every exchange",
                "conformance/test_rabbitmq.py",
                "integration/test_rabbitmq.py",
                "interop/test_rabbitmq.py",
            ),
            row(
                "RabbitMQ: quorum queues and native delayed delivery",
                SAME,
                "Celery's exchanges and queues, both ways; streams are refused with the reason",
                "interop/test_rabbitmq_delayed.py",
                "integration/test_rabbitmq_routing.py",
            ),
            row(
                "`worker_deduplicate_successful_tasks`",
                BETTER,
                "what has ended is not run again without it, where the message tells its age (ours do)",
                "unit/worker/test_finished.py",
                "fault/test_rabbitmq_once.py::test_a_message_whose_result_is_stored_is_acknowledged_by_whoever_gets_it",
            ),
            row(
                "results by message: `rpc://`",
                BETTER,
                "outlives a cut connection; [chords](../how-to/rabbitmq.md#chords-with-rpc), whose parts RabbitMQ keeps (refused by Celery)",
                "integration/test_rabbitmq.py::test_a_result_reaches_the_client_that_asked",
                "integration/test_rabbitmq_chords.py",
            ),
            row(
                "Redis, Valkey, Sentinel, TLS, unix sockets",
                BETTER,
                "[how to](../how-to/redis.md); leases instead of the visibility timeout, delayed messages in the store, dead letters",
                "conformance/test_redis.py",
                "integration/test_redis_tls.py",
                "fault/test_redis_topologies.py::test_a_promoted_replica_is_found_and_goes_on_where_the_master_was",
            ),
            row(
                "Redis Cluster: `redis+cluster://`",
                BETTER,
                "Celery does not run there",
                "fault/test_redis_topologies.py::test_a_cluster_runs_everything_without_a_crossslot_error",
                "fault/test_redis_topologies.py::test_chords_finish_in_a_cluster",
            ),
            row(
                "both on one Redis, each way",
                SAME,
                "[mixed fleets](../how-to/mixed-fleet.md), tested against Celery 5.7 with each change",
                "interop/test_redis.py",
                "interop/test_redis_programs.py",
                "interop/test_redis_leaving.py",
            ),
            row(
                "`redis_*`, `redis_backend_*`, `broker_pool_limit`, options of the transport",
                SAME,
                "[how to](../how-to/redis.md); what means nothing here is named by `celeriac check`",
                "integration/test_redis_settings.py",
                "unit/app/test_redis_options.py",
            ),
            row(
                "sending again after a lost answer",
                BETTER,
                "the message is in the queue once",
                "fault/test_redis_once.py",
            ),
            row(
                "PostgreSQL, MySQL, SQS and the rest",
                NOT_YET,
                "the error says what there is",
                "unit/drivers/test_registry.py::test_a_driver_of_a_later_version_is_named_as_such_without_the_password",
            ),
        ],
    ),
]
