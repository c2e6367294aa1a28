"""Schedules and schedulers."""

from __future__ import annotations

from tests.compatibility.row import BETTER, DIFFERENT, NOT_YET, SAME, row, section

SECTIONS = [
    section(
        "Schedules",
        rows=[
            row(
                "`schedule`, seconds, `timedelta`, `relative`",
                BETTER,
                "no drift; zero and negative intervals are refused",
                "unit/schedules/test_interval.py",
            ),
            row(
                "`crontab`: the whole grammar, argument order, both day fields have to match",
                SAME,
                "",
                "unit/schedules/test_crontab.py::test_fields_are_read_as_celery_documents_them",
                "unit/schedules/test_crontab.py::test_the_order_of_arguments_is_celerys_and_that_of_text_is_crons",
                "unit/schedules/test_crontab.py::test_the_days_of_week_and_month_have_to_match_both",
            ),
            row(
                "mistyped and impossible crontabs",
                BETTER,
                "refused with position, reason and remedy; `5/15` too, which Celery calls an invalid weekday",
                "unit/schedules/test_crontab.py::test_what_is_wrong_is_refused_with_its_place_and_what_to_write",
            ),
            row(
                "`crontab.from_string`",
                BETTER,
                "`@daily` and the like; `L`, `W`, `#`; Sunday is 7 as well; a plain cron line is a schedule",
                "unit/schedules/test_crontab.py::test_nicknames_are_known",
                "unit/schedules/test_crontab.py::test_a_cron_line_is_refused_with_the_position_in_the_line",
            ),
            row(
                "`describe()`, `next_runs()`, `timezone=`",
                BETTER,
                "Celery has none",
                "unit/schedules/test_crontab.py::test_a_crontab_explains_itself",
                "unit/schedules/test_crontab.py::test_next_runs_are_in_the_crontabs_time_zone",
            ),
            row(
                "`solar`",
                SAME,
                "the same moments (`ephem`); at the very poles ours never comes",
                "unit/schedules/test_solar.py",
            ),
            row(
                "changes of the clocks",
                BETTER,
                "[a rule](../how-to/periodic-tasks.md#when-the-clocks-change), tested in all zones",
                "unit/schedules/test_daylight_saving.py",
            ),
            row(
                "`clocked`, `timezone`, `start`, `end`, `jitter`, `misfire`, `max_lateness`, `one_off`",
                BETTER,
                "Celery has none without django-celery-beat",
                "unit/schedules/test_entry.py",
                "unit/beat/test_loop.py",
            ),
            row(
                "subclasses with `is_due`, `remaining_estimate`, `nowfun`",
                SAME,
                "",
                "unit/schedules/test_custom.py",
            ),
            row(
                "`crontab_parser`, `maybe_schedule`, `schedstate`, `ParseException`",
                SAME,
                "`ParseException` is a `ValueError` too",
                "unit/schedules/test_crontab.py::test_the_parser_of_single_fields_is_there",
                "unit/schedules/test_interval.py::test_schedules_are_made_of_what_people_write",
            ),
            row(
                "any number of schedulers, on any machine",
                BETTER,
                "one leads; each slot is sent once, whatever dies",
                "fault/test_beat.py",
                "unit/beat/test_loop.py::test_only_the_leader_fires_and_who_resigns_is_replaced_at_once",
            ),
            row(
                "`beat_schedule`: all keys; changes at run time",
                BETTER,
                "within a second; the difference between code and store is told",
                "unit/beat/test_loop.py::test_edits_take_effect_within_a_second",
                "unit/beat/test_admin.py",
            ),
            row(
                "`Scheduler`, `ScheduleEntry`, `PersistentScheduler`, `Service`, `EmbeddedService`, `-S` by path or entry point",
                SAME,
                "tried with django-celery-beat 2.9 and celery-redbeat 2.4",
                "unit/beat/test_celery_scheduler.py",
                "integration/test_beat.py::test_a_scheduler_of_the_programs_own_runs_by_its_path",
                "django/test_third_parties.py::test_entries_of_django_celery_beat_fire_and_edits_take_effect",
            ),
            row(
                "the file `celerybeat-schedule`",
                DIFFERENT,
                "an SQLite file, and only where the broker keeps no schedules",
                "unit/beat/test_apart.py::test_the_broker_keeps_the_schedule_if_it_can_else_a_file_does",
            ),
            row(
                "the entry `celery.backend_cleanup`",
                DIFFERENT,
                "there is none: workers remove expired results",
                "unit/beat/test_admin.py",
            ),
            row(
                "`beat_init`, `beat_embedded_init`, the header `periodic_task_name`",
                SAME,
                "",
                "unit/beat/test_loop.py::test_the_message_carries_arguments_options_and_the_name_of_its_entry",
                "unit/beat/test_celery_scheduler.py",
            ),
            row(
                "`beat_enable_remote_control`, `beat_remote_control_max_tick_age`",
                NOT_YET,
                "accepted, without effect",
            ),
        ],
    ),
]
