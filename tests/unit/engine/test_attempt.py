from __future__ import annotations

import asyncio
import gc
import os
import sys
import weakref

import pytest

from celeriac.engine.attempt import arun, failed_to_encode, run
from celeriac.engine.current import current
from celeriac.engine.retry import again
from celeriac.model.envelope import Settlement, Verdict
from celeriac.model.errors import (
    EncodeError,
    Ignore,
    MaxRetriesExceededError,
    Reject,
    Retry,
    SoftTimeLimitExceeded,
    WorkerShutdown,
)
from celeriac.results import AsyncResult, GroupResult


def fail(error: BaseException):
    def body(*args, **kwargs):
        raise error

    return body


def test_a_task_that_returns_is_acknowledged_and_its_value_stored(world):
    world.task(lambda x, y: x + y, acks_late=True)

    effects = world.run(2, 3, group="g", parent_id="p")

    result = effects.result
    assert Settlement(Verdict.ACK, 1, "celery") == effects.settlement
    assert ("id-1", "SUCCESS", 5, [], "g", "p") == (result.id, result.state, result.result, result.children, result.group_id, result.parent_id)
    assert "2023-11-14T22:13:20+00:00" == result.date_done


def test_handlers_and_signals_of_a_success_come_in_celerys_order(world):
    world.task(lambda: 1)
    world.listen("task_prerun", "task_postrun", "task_success")

    world.run()

    assert [
        "task_prerun", "before_start", "run", ("on_success", 1), "task_success", ("after_return", "SUCCESS"), "task_postrun",
    ] == world.said  # fmt: skip


def test_handlers_and_signals_of_a_failure_come_in_celerys_order(world):
    world.task(fail(KeyError("x")))
    world.listen("task_prerun", "task_postrun", "task_failure")

    effects = world.run()

    assert [
        "task_prerun", "before_start", "run", ("on_failure", "KeyError('x')"), "task_failure", ("after_return", "FAILURE"), "task_postrun",
    ] == world.said  # fmt: skip
    assert "FAILURE" == effects.result.state
    assert "test_attempt.py" in effects.result.traceback
    assert "src/celeriac" not in effects.result.traceback


def test_handlers_of_a_failure_find_it_as_the_error_that_is_handled(world):
    world.task(fail(KeyError("x")), on_failure=lambda *_: world.said.append(repr(sys.exc_info()[1])))
    effects = world.run()

    assert "KeyError('x')" in world.said
    assert (None, None, None) == sys.exc_info()
    assert "while_handled" not in effects.result.traceback


def test_a_retry_calls_on_retry_and_no_after_return(world):
    world.task(lambda: (_ for _ in ()).throw(again(current(), error=KeyError("r"), countdown=3)), acks_late=True)
    world.listen("task_retry", "task_postrun")

    effects = world.run(retries=1, headers={"tenant": "a"}, callbacks=[{"task": "cb"}])

    message = effects.plans[0].messages[0]
    assert ["before_start", "run", ("on_retry", "KeyError('r')"), "task_retry", "task_postrun"] == world.said
    assert ("RETRY", Verdict.ACK) == (effects.result.state, effects.settlement.verdict)
    assert ("id-1", 2, {"tenant": "a"}) == (message.message.id, message.message.retries, message.message.headers)
    assert [{"task": "cb"}] == message.message.callbacks
    assert world.clock.now() + 3 == message.options.due
    assert "celery" == message.options.queue
    assert [] == world.sent


def test_a_retry_that_is_not_raised_leaves_with_the_result(world):
    world.task(lambda: again(current(), countdown=0) and 7)

    effects = world.run()

    assert ("SUCCESS", 1) == (effects.result.state, len(effects.plans))


def test_retries_end_with_the_tasks_own_error(world):
    world.task(lambda: again(current(), error=KeyError("r")), max_retries=2)

    assert isinstance(world.run(retries=2).result.result, KeyError)


def test_retries_without_an_error_end_with_max_retries_exceeded(world):
    world.task(lambda a: again(current()), max_retries=0)

    error = world.run(1).result.result

    assert isinstance(error, MaxRetriesExceededError)
    assert "Can't retry t[id-1] args:(1,) kwargs:{}" == str(error)


def test_autoretry_sends_the_task_again_until_there_were_enough(world):
    world.task(fail(KeyError("a")), autoretry_for=(LookupError,), retry_backoff=2, retry_jitter=False)

    first, last = world.run(retries=1), world.run(retries=3)

    assert ("RETRY", "FAILURE") == (first.result.state, last.result.state)
    assert world.clock.now() + 4 == first.plans[0].messages[0].options.due
    assert () == last.plans


def test_dont_autoretry_for_wins(world):
    world.task(fail(KeyError("a")), autoretry_for=(Exception,), dont_autoretry_for=(KeyError,))

    assert "FAILURE" == world.run().result.state


def test_ignore_stores_nothing(world):
    world.task(fail(Ignore()), acks_late=True)

    effects = world.run()

    assert (None, Verdict.ACK) == (effects.result, effects.settlement.verdict)


@pytest.mark.parametrize(("requeue", "late", "verdict", "state"), [
    (False, True, Verdict.REJECT, "FAILURE"),
    (True, True, Verdict.REQUEUE, None),
    (True, False, Verdict.ACK, "FAILURE"),
])  # fmt: skip
def test_reject_is_honoured_with_late_acknowledgement(world, requeue, late, verdict, state):
    world.task(fail(Reject("no", requeue=requeue)), acks_late=late)

    effects = world.run()

    assert (verdict, state) == (effects.settlement.verdict, effects.result and effects.result.state)


@pytest.mark.parametrize(("options", "error", "verdict"), [
    ({"acks_late": True}, KeyError(), Verdict.ACK),
    ({"acks_late": True, "acks_on_failure": False}, KeyError(), Verdict.REJECT),
    ({"acks_late": True, "acks_on_failure_or_timeout": False}, KeyError(), Verdict.REJECT),
    ({"acks_late": True, "acks_on_failure": False}, SoftTimeLimitExceeded(), Verdict.ACK),
    ({"acks_late": True, "acks_on_timeout": False}, SoftTimeLimitExceeded(), Verdict.REJECT),
    ({"acks_on_failure": False}, KeyError(), Verdict.ACK),
])  # fmt: skip
def test_failures_are_acknowledged_as_the_task_says(world, options, error, verdict):
    world.task(fail(error), **options)

    assert verdict == world.run().settlement.verdict


def test_an_acknowledged_message_is_not_settled_again(world):
    world.task(fail(KeyError()), acks_late=False)

    assert None is world.run(acked=True).settlement


def test_a_handler_that_raises_is_reported_and_changes_nothing(world):
    task = world.task(lambda: 1)
    task.on_success = fail(ValueError("mine"))
    world.listen("task_internal_error")

    effects = world.run()

    assert "SUCCESS" == effects.result.state
    assert ["before_start", "run", "task_internal_error", ("after_return", "SUCCESS")] == world.said


def test_before_start_that_raises_fails_the_task(world):
    task = world.task(lambda: 1)
    task.before_start = fail(ValueError("mine"))

    assert "FAILURE" == world.run().result.state


def test_ignored_results_are_not_stored_and_errors_only_when_asked_for(world):
    world.task(lambda: 1, name="fine", ignore_result=True)
    world.task(fail(KeyError()), name="bad")
    world.task(fail(KeyError()), name="kept", store_errors_even_if_ignored=True)

    states = [world.run(task=name, ignore_result=True).result for name in ("fine", "bad", "kept")]

    assert [None, None, "FAILURE"] == [state and state.state for state in states]


def test_the_call_decides_whether_its_result_is_ignored(world):
    world.task(lambda: 1, ignore_result=True)

    assert "SUCCESS" == world.run(ignore_result=False).result.state


def test_started_is_emitted_before_the_task_runs(world):
    world.task(lambda: len(world.emitted), track_started=True)

    effects = world.run()

    assert 1 == effects.result.result
    assert ("STARTED", {"pid": os.getpid(), "hostname": "w@h"}) == (world.emitted[0].result.state, world.emitted[0].result.result)


def test_states_of_the_tasks_own_are_emitted(world):
    world.task(lambda: current().update_state("PROGRESS", {"done": 1}))

    world.run()

    assert [("PROGRESS", {"done": 1})] == [(effects.result.state, effects.result.result) for effects in world.emitted]


def test_callbacks_and_the_next_step_of_the_chain_leave_with_the_result(world):
    world.task(lambda: 4)
    chain = [{"task": "third", "args": [], "options": {"task_id": "c"}}, {"task": "second", "args": [9], "options": {"task_id": "b"}}]

    effects = world.run(callbacks=[{"task": "cb", "args": [1], "options": {"task_id": "a"}}], chain=chain, root_id="root")

    callback, following = (plan.messages[0].message for plan in effects.plans)
    assert ("cb", (4, 1), "root", "id-1") == (callback.task, callback.args, callback.root_id, callback.parent_id)
    assert ("second", (4, 9), [chain[0]]) == (following.task, following.args, following.chain)
    assert [(("a", None), None), (("b", None), None)] == effects.result.children
    assert [] == world.sent


def test_an_errback_with_several_arguments_runs_here_and_others_are_sent_the_id(world):
    world.task(fail(KeyError("x")))
    seen = []
    world.task(lambda request, exc, traceback: seen.append((request.id, repr(exc), traceback[:9])), name="new")
    world.task(lambda task_id: None, name="old")

    effects = world.run(errbacks=[{"task": "new"}, {"task": "old"}, {"task": "foreign"}])

    assert [("id-1", "KeyError('x')", "Traceback")] == seen
    assert [("old", ("id-1",)), ("foreign", ("id-1",))] == [(m.message.task, m.message.args) for plan in effects.plans for m in plan.messages]


def test_the_request_holds_the_message_and_foreign_headers(world):
    task = world.task(lambda: None)
    task.run = lambda: (task.request.tenant, task.request.headers, task.request.id, task.request.root_id, task.request.called_directly)

    effects = world.run(headers={"tenant": "a"})

    assert ("a", {"tenant": "a"}, "id-1", "id-1", False) == effects.result.result
    assert [] == task.requests
    assert None is current()


def test_a_coroutine_function_is_awaited(world):
    async def body(x):
        await asyncio.sleep(0)
        return x + 1, current().message.id

    world.task(body)

    assert (3, "id-1") == world.run(2).result.result


def test_the_traceback_of_a_coroutine_begins_in_the_coroutine(world):
    async def body():
        await asyncio.sleep(0)
        raise KeyError("x")

    world.task(body)

    lines = world.run().result.traceback.splitlines()

    assert "test_attempt.py" in lines[1]
    assert "asyncio" not in "".join(lines)


def test_sys_exit_fails_the_task_and_not_the_process(world):
    world.task(fail(SystemExit(3)))

    assert "WorkerLostError('The task ended with SystemExit(3); return or raise an exception instead.')" == repr(world.run().result.result)


def test_a_shutdown_passes_through(world):
    world.task(fail(WorkerShutdown(0)))

    with pytest.raises(WorkerShutdown):
        world.run()


class Nasty(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


def test_an_exception_without_text_is_stored_all_the_same(world):
    world.task(fail(Nasty()))

    effects = world.run()

    assert "FAILURE" == effects.result.state
    assert len(effects.result.traceback) < 64_000


def test_a_value_that_cannot_be_encoded_fails_the_task(world):
    world.task(lambda: object(), acks_late=True)
    job = world.job()

    run(job, world.tools)
    effects = failed_to_encode(job, EncodeError("result: object"), world.tools)

    assert ("FAILURE", Verdict.ACK, ()) == (effects.result.state, effects.settlement.verdict, effects.plans)


def test_retry_is_a_task_predicate_that_says_when(world):
    world.task(lambda: (_ for _ in ()).throw(Retry(exc=KeyError("q"), when=5)))

    effects = world.run()

    assert ("RETRY", ()) == (effects.result.state, effects.plans)
    assert isinstance(effects.result.result, KeyError)


class Canary:
    pass


@pytest.mark.parametrize("options", [{}, {"autoretry_for": (ZeroDivisionError,)}, {"autoretry_for": (ZeroDivisionError,), "max_retries": 0}])
def test_a_failed_attempt_is_freed_without_the_garbage_collector(world, options):
    kept = []

    def divide():
        canary = Canary()
        kept.append(weakref.ref(canary))
        return 1 / 0

    world.task(divide, **options)
    gc.disable()
    try:
        world.run()
        world.said.clear()
        world.lines.clear()
        assert [None] == [reference() for reference in kept]
    finally:
        gc.enable()


def test_a_retry_of_a_first_task_does_not_make_it_its_own_parent(world):
    world.task(fail(KeyError("a")), autoretry_for=(KeyError,))

    message = world.run().plans[0].messages[0].message

    assert ("id-1", None) == (message.root_id, message.parent_id)


def test_an_error_while_registering_the_next_try_fails_the_task(world):
    task = world.task(fail(KeyError("a")), autoretry_for=(KeyError,))
    task.apply_async = fail(ValueError("cannot route"))

    effects = world.run()

    assert ("FAILURE", "ValueError('cannot route')") == (effects.result.state, repr(effects.result.result))


def test_an_asyncio_executor_runs_many_attempts_in_one_loop(world):
    async def body(x):
        await asyncio.sleep(0.001)
        return x, current().message.args[0]

    world.task(body)

    async def both():
        return await asyncio.gather(*(arun(world.job(x), world.tools) for x in (1, 2)))

    assert [(1, 1), (2, 2)] == [effects.result.result for effects in asyncio.run(both())]
    assert None is current()


def test_of_a_result_that_a_task_returns_its_ids_are_kept(world):
    world.task(lambda: GroupResult("group", [AsyncResult("a"), AsyncResult("b")]))

    effects = world.run()

    assert (("group", None), [(("a", None), None), (("b", None), None)]) == effects.result.result
