"""Django, tools for tests, and the distribution under Celery's name."""

from __future__ import annotations

from tests.compatibility.row import BETTER, DIFFERENT, NOT_YET, SAME, row, section

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
                "transactional enqueue (an outbox in the application's database)",
                NOT_YET,
                "",
            ),
            row(
                "`django-db`, `django-cache`",
                SAME,
                "django-celery-results 2.6 unchanged on the drop-in; our own table, cache and admin page without it",
                "django/test_third_parties.py::test_results_stand_in_the_table_of_django_celery_results",
                "django/test_stores_and_executors.py::test_results_are_kept_in_each_store",
            ),
            row(
                "django-celery-beat 2.9 (`DatabaseScheduler`)",
                SAME,
                "unchanged on the drop-in",
                "django/test_third_parties.py::test_entries_of_django_celery_beat_fire_and_edits_take_effect",
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
                "a dependency of the drop-in",
                "unit/app/test_kombu_objects.py",
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
                "Flower 2.2 unchanged",
                "interop/test_flower.py",
            ),
            row(
                "`contrib.abortable`",
                SAME,
                "",
                "unit/dropin/test_documented_names.py",
            ),
            row(
                "`contrib.migrate`, `contrib.rdb`, `contrib.sphinx`",
                DIFFERENT,
                "refused, with what to use instead",
                "unit/dropin/test_documented_names.py::test_what_the_table_calls_refused_says_what_to_use_instead",
            ),
        ],
    ),
]
