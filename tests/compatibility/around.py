"""Django, tools for tests, and the distribution under Celery's name."""

from __future__ import annotations

from tests.compatibility.row import BETTER, DIFFERENT, SAME, row, section

SECTIONS = [
    section(
        "Django, contrib, testing tools",
        rows=[
            row(
                "Django's fix-up: `django.setup()`, autodiscovery, time zone, checks, connections and caches around tasks, `CELERY_DB_REUSE_MAX`",
                SAME,
                "[how to](../how-to/django.md); a failed check ends the worker",
                "django/test_fixup.py",
                "django/test_stores_and_executors.py",
            ),
            row(
                "ORM in `async def` tasks",
                BETTER,
                "a thread and connection of the task's own, closed with it",
                "django/test_stores_and_executors.py::test_each_task_begins_without_the_connection_of_another",
            ),
            row(
                "`delay_on_commit`, `apply_async_on_commit`",
                SAME,
                "both return None",
                "django/test_third_parties.py::test_calls_wait_for_the_commit_and_are_dropped_by_a_rollback",
            ),
            row(
                "calls that go with the transaction (`transactional=True`, `task_transactional`)",
                BETTER,
                "an outbox in Django's database: [what is promised](../how-to/django.md#calls-and-transactions)",
                "django/test_outbox.py",
            ),
            row(
                "`django-db`, `django-cache`",
                SAME,
                "django-celery-results 2.6 unchanged on the drop-in; our own table, cache and admin page without it",
                "django/test_third_parties.py::test_results_stand_in_the_table_of_django_celery_results",
                "django/test_stores_and_executors.py::test_results_are_kept_in_each_store",
                "django/test_stores_and_executors.py::test_the_results_admin_finds_shows_and_acts",
            ),
            row(
                "django-celery-beat 2.9 (`DatabaseScheduler`)",
                SAME,
                "unchanged on the drop-in",
                "django/test_third_parties.py::test_entries_of_django_celery_beat_fire_and_edits_take_effect",
            ),
            row(
                '`beat_store = "django-db"`, `-S django-db`',
                BETTER,
                "the schedule in Django's database with an admin page, several schedulers, takes over django-celery-beat's entries; "
                "[how to](../how-to/django.md#schedules)",
                "django/test_schedule.py",
            ),
            row(
                "result stores written for Celery (`BaseDictBackend`, `KeyValueStoreBackend`), by class path or entry point "
                "`celery.result_backends`",
                SAME,
                "behind an adapter; chords are polled, `on_chord_part_return` is not called",
                "django/test_third_parties.py::test_groups_are_saved_and_chords_finish_in_django_celery_results",
            ),
            row(
                "`django.tasks` of Django 6, django-tasks",
                BETTER,
                "`celeriac.django.tasks.CeleriacBackend`; tried with Django 6.0, and with django-tasks 0.12 on Django 4.2 and 5.2",
                "django/test_third_parties.py::test_tasks_of_django_tasks_are_run_by_our_workers",
            ),
            row(
                "`manage.py celeriac ...`",
                BETTER,
                "with `celeriac.django` installed",
                "django/test_fixup.py::test_the_command_line_runs_from_manage_py",
            ),
            row(
                "tests without broker and worker",
                BETTER,
                "`celeriac.testing.testing`: the real pipeline in one thread, in time that the test moves, `assert_enqueued`; [how "
                "to](../how-to/testing.md)",
                "unit/testing/test_stand.py",
                "unit/testing/test_virtual_time.py",
                "integration/test_testing_kit.py",
            ),
            row(
                "pytest fixtures (`celery_app`, `celery_worker`, `celery_session_app`, `celery_session_worker` ...), the marker `celery`",
                SAME,
                "each application has a store of its own; there without `pytest_plugins`; `NO_WORKER`, `TEST_BROKER`, `TEST_BACKEND`",
                "unit/testing/test_pytest_plugin.py",
            ),
            row(
                "`contrib.testing`: `start_worker`, `TestWorkController`, `TestApp`, `Trap`, `setup_default_app`, `Manager`, mocks, `celery.ping`",
                SAME,
                "`start_worker` pings only when asked to, as it waits for the worker itself; executors solo, threads, asyncio",
                "unit/testing/test_celerys_tools.py",
            ),
            row(
                "conformance suites for drivers",
                BETTER,
                "`celeriac.testing.conformance`",
                "conformance/test_memory.py",
                "conformance/test_sql_sqlite.py",
            ),
        ],
    ),
    section(
        "`import celery`",
        intro="The distribution in `dropin/` provides it, and the `celery` command; [how to](../how-to/drop-in.md).",
        rows=[
            row(
                "modules and names of the reference",
                SAME,
                "or an ImportError that says what to use instead; a test holds the whole list",
                "unit/dropin/test_documented_names.py",
                "unit/dropin/test_reexports.py",
            ),
            row(
                "names that left Celery long ago (`celery.task`, `celery.decorators` ...)",
                BETTER,
                "the error says what to write today",
                "unit/dropin/test_documented_names.py::test_a_tutorial_of_long_ago_is_told_what_to_write_today",
            ),
            row(
                "kombu's objects in settings, kombu itself",
                SAME,
                "a dependency of the drop-in; tried on Redis and RabbitMQ",
                "unit/app/test_kombu_objects.py",
                "integration/test_kombu_objects.py",
            ),
            row(
                "real Celery beside it",
                BETTER,
                "refused, not mixed",
                "unit/dropin/test_single.py",
            ),
            row(
                "`celery flower`",
                SAME,
                "Flower 2.2 unchanged, in an environment where `import celery` is the drop-in",
                "interop/test_flower.py",
            ),
            row(
                "`contrib.abortable`",
                SAME,
                "",
                "unit/app/test_celery_names.py::test_a_task_sees_that_it_was_asked_to_stop",
            ),
            row(
                "`contrib.migrate`: `migrate_tasks`, `move`, `move_by_taskmap`, `start_filter` ...",
                BETTER,
                "delayed messages move too, with their time; producers and messages are our broker and a view of a message, not kombu's objects",
                "unit/contrib/test_migrate.py",
            ),
            row(
                "`contrib.rdb`: `set_trace`, `CELERY_RDB_HOST`, `CELERY_RDB_PORT`, `CELERY_RDBSIG`",
                SAME,
                "[how to](../how-to/drop-in.md#debug-a-task-remotely)",
                "unit/contrib/test_rdb.py",
            ),
            row(
                "`contrib.sphinx`: tasks in autodoc, `autotask`, `:task:`, `celery_task_prefix`",
                SAME,
                "Sphinx 8 and 9",
                "thirdparty/test_packages.py::test_sphinx_documents_tasks",
            ),
            row(
                "pip and uv where packages require `celery>=5`, Celery's extras (`celery[redis]`)",
                SAME,
                "pinned by a constraint; extras of stores that are not there are unknown",
                "unit/dropin/test_resolving.py",
            ),
            row(
                "`kombu.exceptions.OperationalError`, `EncodeError`, `DecodeError` around calls",
                SAME,
                "catch ours",
                "unit/dropin/test_meeting_kombu.py::test_kombus_exceptions_catch_ours",
            ),
            row(
                "celery-once 3, celery-singleton 0.3, celery-progress 0.5",
                SAME,
                "unchanged over the drop-in, on Redis",
                "thirdparty/test_packages.py::test_celery_once_refuses_a_second_call_until_the_first_has_ended",
                "thirdparty/test_packages.py::test_celery_singleton_gives_the_result_of_the_call_that_waits",
                "thirdparty/test_packages.py::test_celery_progress_sees_states_and_ends",
            ),
            row(
                "the agents of Elastic APM and New Relic",
                SAME,
                "unchanged over the drop-in, under the command `celery worker`, prefork",
                "thirdparty/test_packages.py::test_the_agents_of_elastic_and_new_relic_see_tasks",
            ),
            row(
                "celery-types",
                SAME,
                "its stubs go before our types; without them ours count, which keep parameters and results of tasks",
                "thirdparty/test_packages.py::test_a_program_that_is_typed_by_celery_types_has_no_errors",
                "typing/test_types.py::test_a_program_that_is_typed_for_celery_has_no_errors_by_the_types_of_the_drop_in",
            ),
            row(
                "packages that replace Celery's pools or requests: celery-batches, celery-pool-asyncio, celery-aio-pool; pytest-celery",
                DIFFERENT,
                "refused when they import what is not there; `-P asyncio` and `celeriac.testing` stand for the others",
                "unit/dropin/test_documented_names.py::test_what_the_table_calls_refused_says_what_to_use_instead",
            ),
            row(
                "`celery --version`",
                SAME,
                "`5.7.0 (celeriac)`",
                "unit/dropin/test_meeting_kombu.py::test_the_version_has_the_form_that_tools_read",
            ),
        ],
    ),
]
