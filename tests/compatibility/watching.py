"""Remote control and events."""

from __future__ import annotations

from tests.compatibility.row import BETTER, DIFFERENT, SAME, row, section

SECTIONS = [
    section(
        "Remote control",
        rows=[
            row(
                "commands, arguments and shapes of replies; `destination`, `pattern`, `matcher`, `limit`, `timeout`, expiry",
                SAME,
                "recorded from Celery 5.7",
                "unit/wire/test_golden.py::test_a_command_of_celery_is_written_again_as_it_was",
                "integration/test_control.py",
                "interop/test_events_and_control.py::test_both_kinds_answer_both_kinds",
            ),
            row(
                "`control_command`, `inspect_command`, `Panel`",
                SAME,
                "[custom commands](../how-to/remote-control.md#add-commands)",
                "integration/test_control.py::test_programs_may_add_commands",
            ),
            row(
                "`app.control.*`, `app.control.inspect()`",
                SAME,
                "compared command by command with Celery's worker. `election` is decided by the store (Redis, SQLite), among our workers. "
                "`memsample` needs no psutil",
                "interop/test_every_command.py",
                "integration/test_control.py::test_one_worker_is_elected",
                "unit/control/test_client.py",
                "unit/control/test_node.py",
            ),
            row(
                "`revoke` by id, by many ids, by stamps; `terminate` with a signal; `--statedb`",
                BETTER,
                "kept in the broker or result store (Redis, SQLite) for workers that start later; a process that hears no signal is killed; "
                "our file, not Celery's shelve",
                "integration/test_revocation.py",
                "unit/worker/test_revocations.py",
            ),
            row(
                "`inspect scheduled`",
                DIFFERENT,
                "what the broker delays in the worker's queues: every worker on a queue shows it",
                "integration/test_control.py::test_what_runs_and_what_waits_is_told_in_celerys_shapes",
            ),
            row(
                "`rate_limit`, `time_limit` at run time",
                BETTER,
                "in force within a second, also for tasks that wait already; a consumer that crashes does not forget them",
                "integration/test_rate_limits.py::test_a_changed_limit_is_in_force_within_a_second",
                "integration/test_control.py::test_time_limits_change_while_the_worker_runs",
                "integration/test_holding.py::test_a_restarted_consumer_remembers_what_was_changed",
            ),
            row(
                "`pool_grow`, `pool_shrink`, `autoscale`",
                SAME,
                "all executors but `solo`",
                "integration/test_control.py::test_the_pool_grows_and_shrinks_without_ending_a_task",
                "integration/test_holding.py::test_the_pool_grows_and_shrinks",
            ),
            row(
                "`pool_restart`, with `modules` and `reload`",
                BETTER,
                "[new code](../how-to/remote-control.md#load-new-code) without a lost task; what cannot be loaded is refused, and changes "
                "nothing; no `reloader`",
                "integration/test_pool_restart.py",
            ),
            row(
                "`inspect`, `control`, `status` on the command line",
                BETTER,
                "Celery's options, output and exit statuses; `-p GLOB` chooses nodes by name",
                "integration/test_control.py::test_the_command_line_asks_and_tells",
                "integration/test_control.py::test_the_command_line_says_when_nobody_replies",
            ),
            row(
                "`enable_events`, `disable_events`, `heartbeat`",
                SAME,
                "a consumer that restarts keeps the switch",
                "integration/test_events.py::test_events_are_switched_while_the_worker_runs",
            ),
        ],
    ),
    section(
        "Events",
        rows=[
            row(
                "types and fields, `-E`, `worker_send_task_events`, `task_send_sent_event`, `send_events`",
                SAME,
                "[how to](../how-to/monitoring.md), tested both ways against Celery 5.7",
                "unit/wire/test_golden.py::test_events_of_celery_are_written_again_as_they_were",
                "interop/test_events_and_control.py",
                "unit/events/test_both_ends.py",
            ),
            row(
                "`task-started` of tasks that end within a tenth of a second",
                DIFFERENT,
                "told together with the end, with its own timestamp",
                "integration/test_events.py::test_a_task_that_runs_is_seen_to_have_started_before_it_ends",
                "unit/worker/test_stream.py::test_a_short_task_is_told_whole",
            ),
            row(
                "`app.events.Receiver`, `Dispatcher`, `State`, `Task.send_event`, cameras",
                SAME,
                "`itercapture` yields events; times are not moved by time zones; `limit` counts events, not messages",
                "unit/events/test_both_ends.py",
                "unit/events/test_state.py",
            ),
            row(
                "heartbeats",
                BETTER,
                "every 2 s while somebody listens, else every 30 s (Redis, SQLite)",
                "unit/worker/test_stream.py::test_heartbeats_are_rare_while_nobody_listens",
                "integration/test_chatter.py",
            ),
            row(
                "gossip, mingle",
                DIFFERENT,
                "no gossip: its option has no effect; a worker that begins asks others what was revoked only where no store keeps it",
                "integration/test_mingling.py",
            ),
            row(
                "Flower 2.2",
                SAME,
                "tested unchanged, by its HTTP interface, on Redis: with Celery's library and with the drop-in",
                "interop/test_flower.py",
            ),
            row(
                "`celeriac events --dump`, `--camera`",
                SAME,
                "",
                "integration/test_events.py::test_the_command_line_dumps_events_and_feeds_cameras",
            ),
            row(
                "`celeriac events` without either",
                BETTER,
                "[a full-screen monitor](../how-to/monitoring.md#watch-them-on-a-screen) (extra `monitor`) that turns events on and off by "
                "itself; `-D` is refused",
                "integration/test_monitor.py",
                "unit/cli/test_monitor.py",
            ),
            row(
                "metrics, health endpoints, a cheap probe (Celery: exporters over events, `inspect ping`)",
                BETTER,
                "`--metrics`, `celeriac-probe`, [how to](../how-to/monitoring.md#metrics-for-prometheus)",
                "integration/test_metrics.py",
                "integration/test_health.py",
            ),
            row(
                "`opentelemetry-instrumentation-celery`",
                SAME,
                "tested unchanged over the drop-in: calls inside tasks, retries and chain steps stay in the trace, failures have error "
                "status; scheduler and groups were not tried, [ours](../how-to/monitoring.md#traces) covers them",
                "thirdparty/test_instrumentation.py::test_a_call_and_its_run_are_one_trace_also_inside_a_task",
                "thirdparty/test_instrumentation.py::test_a_retry_and_the_next_step_of_a_chain_stay_in_the_trace",
            ),
            row(
                "`sentry-sdk`'s Celery integration",
                DIFFERENT,
                "2.75 tested unchanged over the drop-in, prefork: errors with task, id and arguments, one trace through calls, retries and "
                "chains, flush at a process's end; no `queue.publish` spans; errors of `async def` tasks come from the log and leave the span "
                "ok; Crons (`monitor_beat_tasks`) were not tried",
                "thirdparty/test_instrumentation.py::test_sentry_has_the_errors_and_one_trace_and_is_flushed_when_a_task_process_ends",
            ),
        ],
    ),
]
