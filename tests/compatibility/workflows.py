"""What is said and sent: workflows, routes, bytes."""

from __future__ import annotations

from tests.compatibility.row import BETTER, DIFFERENT, SAME, row, section

SECTIONS = [
    section(
        "Canvas",
        rows=[
            row(
                "signatures, `s`, `si`, `link`, `link_error`, `chain`, the operators on them",
                SAME,
                "",
                "unit/canvas/test_algebra.py",
                "unit/canvas/test_chain.py",
            ),
            row(
                "`group`, `chord`, `xmap`, `xstarmap`, nesting, `freeze`, eager `apply`",
                SAME,
                "order inside nested groups is kept",
                "unit/canvas/test_groups.py",
                "integration/test_canvas.py",
                "integration/test_canvas_in_process.py",
            ),
            row(
                "chords",
                BETTER,
                "counted by the store with the result, body exactly once; no polling where the store can count",
                "integration/test_canvas.py::test_a_chord_of_a_thousand_is_finished_once",
                "fault/test_chords.py",
                "canvas_reference/test_random.py",
            ),
            row(
                "errors in workflows",
                BETTER,
                "[the table](../how-to/workflows.md): what Celery leaves PENDING for ever is FAILURE, errbacks are called once",
                "integration/test_canvas.py::test_a_failed_part_fails_the_body_and_calls_its_errback_once",
                "integration/test_canvas.py::test_a_part_whose_process_dies_does_not_hang_its_chord",
                "canvas_reference/test_random.py",
            ),
            row(
                "`chord(...).get()` when a part failed",
                DIFFERENT,
                "raises `ChordError`, with the part's error as its cause, as Celery's documentation says; Celery 5.7 raises the part's error",
                "integration/test_canvas.py::test_a_failed_part_fails_the_body_and_calls_its_errback_once",
            ),
            row(
                "large workflows",
                BETTER,
                "`task_workflow_parts`: by reference instead of inside every message; generators are published a thousand calls at a time",
                "unit/canvas/test_groups.py::test_large_parts_are_kept_once_and_referred_to",
                "unit/canvas/test_groups.py::test_a_generator_is_read_when_it_is_sent_and_only_then",
                "unit/canvas/test_groups.py::test_nested_workflows_stay_small",
            ),
            row(
                "`group(generator)` sent twice",
                DIFFERENT,
                "refused when it had more than 1,000 calls, which are not kept; give it a list",
                "unit/canvas/test_groups.py::test_a_generator_is_read_when_it_is_sent_and_only_then",
                "unit/canvas/test_groups.py::test_a_short_generator_is_kept",
            ),
            row(
                "workflows between Celery and celeriac, in one fleet",
                SAME,
                "[what a failed chord in a header does](../how-to/workflows.md) depends on who finishes it",
                "interop/test_canvas.py",
            ),
            row(
                "types of workflows",
                BETTER,
                "`chain[T]`, `group[T]`, `chord[T]`",
                "typing/test_types.py",
            ),
            row(
                "a group of one in a chain",
                DIFFERENT,
                "stays a group: its result is a list of one, where Celery 5.7 makes a plain call of it",
                "interop/test_canvas_programs.py",
                "canvas_reference/test_random.py",
            ),
            row(
                "the steps behind one that is revoked, has expired or is not registered",
                BETTER,
                "REVOKED or FAILURE, and a chord that they stand in fails; Celery leaves both PENDING",
                "integration/test_canvas_in_process.py::test_the_steps_behind_one_that_is_not_run_have_ended_too",
            ),
            row(
                "`raise self.replace(...)` in an eager task",
                BETTER,
                "the replacement's result is the task's; in Celery it is a TypeError",
                "integration/test_canvas_in_process.py::test_a_task_that_runs_here_is_replaced_here",
            ),
            row(
                "`chord.apply()` and eager mode when a part failed",
                DIFFERENT,
                "returns a failed result, calls the errbacks of the body; Celery raises the part's error",
                "integration/test_canvas_in_process.py::test_a_chord_that_fails_here_returns_its_error",
            ),
            row(
                "inheritance of stamps",
                DIFFERENT,
                "[all that follows inherits them](../how-to/workflows.md); in Celery, what was there when `stamp()` was called",
                "canvas_reference/test_random.py",
            ),
            row(
                "stamping with visitors",
                SAME,
                "",
                "unit/canvas/test_stamping.py",
                "interop/test_canvas.py::test_stamps_reach_the_later_steps",
            ),
            row(
                "`result.progress()`, `result.tree()`, `sig.draw()`",
                BETTER,
                "Celery has none",
                "integration/test_canvas_in_process.py::test_progress_counts_nested_tasks",
                "integration/test_canvas.py::test_a_saved_group_is_restored_and_shown_as_a_tree",
                "unit/canvas/test_groups.py::test_workflows_are_drawn",
            ),
            row(
                "a chord that a Celery client with a store that cannot count has sent",
                SAME,
                "finished by its own `celery.chord_unlock`",
                "integration/test_canvas_in_process.py::test_a_chord_of_a_client_whose_store_cannot_count_is_polled",
            ),
        ],
    ),
    section(
        "Routing",
        rows=[
            row(
                "`task_routes`, `task_queues`, queue and exchange options, `task_create_missing_queues`",
                SAME,
                "kombu's objects by their attributes; [guide](../how-to/routing.md)",
                "unit/app/test_routing.py",
                "unit/app/test_kombu_objects.py",
                "integration/test_queues.py::test_tasks_are_routed_by_the_settings",
            ),
            row(
                "direct, topic, fanout and headers exchanges",
                BETTER,
                "on every broker",
                "unit/wire/test_bindings.py",
                "integration/test_routing_everywhere.py::test_an_exchange_hands_a_message_to_every_queue_that_asks_for_it",
            ),
            row(
                "fanout exchanges on Redis, beside Celery",
                DIFFERENT,
                "Celery's clients send by publish/subscribe, which ours do not hear",
                "integration/test_redis_settings.py::test_broadcasts_use_the_channels_of_the_other_side",
            ),
            row(
                "`Broadcast`",
                BETTER,
                "ours or kombu's; a worker that restarts finds what was sent meanwhile; one that ends removes its queue; to nobody: refused",
                "integration/test_routing_everywhere.py::test_every_worker_runs_a_broadcast_task_once",
                "integration/test_routing_everywhere.py::test_kombus_broadcast_is_known_by_its_shape",
                "integration/test_routing_everywhere.py::test_what_no_queue_takes_is_refused",
            ),
            row(
                "`worker_direct`",
                SAME,
                "on every broker",
                "integration/test_routing_everywhere.py::test_a_worker_is_addressed_by_its_name",
            ),
            row(
                "`celeriac routes TASK`",
                BETTER,
                "where a call would go, and why",
                "unit/cli/test_routes.py",
            ),
            row(
                "priorities",
                SAME,
                "on SQLite and memory: 0 to 9, the higher first",
                "integration/test_queues.py::test_higher_priorities_are_taken_first",
                "interop/test_redis.py::test_the_more_urgent_is_taken_first_by_both",
            ),
        ],
    ),
    section(
        "Serialization",
        rows=[
            row(
                "json with dates, decimals, UUIDs, enums, sets; msgpack, yaml, pickle; `accept_content`",
                SAME,
                "byte for byte where Celery is deterministic",
                "unit/wire/test_serializers.py",
                "unit/wire/test_golden.py",
                "integration/test_accepted_content.py",
            ),
            row(
                "compression",
                SAME,
                "",
                "unit/wire/test_compression.py",
            ),
            row(
                "a value that cannot be serialised",
                BETTER,
                "the error names the place inside the value",
                "unit/wire/test_serializers.py::test_what_cannot_be_written_is_named_with_its_place_type_and_remedy",
                "integration/test_values.py::test_an_argument_that_cannot_be_sent_is_refused_at_the_call",
            ),
            row(
                "the `auth` serializer (signed messages)",
                SAME,
                "each reads what the other has signed; ours reads inside them only what was allowed",
                "unit/wire/test_signing.py",
            ),
        ],
    ),
    section(
        "Messages",
        rows=[
            row(
                "task messages, protocol 2 and 1",
                SAME,
                "checked against golden files recorded from Celery 5.7",
                "unit/wire/test_golden.py",
                "interop/test_messages.py",
            ),
            row(
                "task-meta of results, exceptions in it",
                SAME,
                "additional keys for notes and causes of exceptions, where there are any",
                "unit/wire/test_golden.py::test_a_result_of_celery_is_written_again_as_it_was",
                "unit/wire/test_exceptions.py",
            ),
        ],
    ),
]
