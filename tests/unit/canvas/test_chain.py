from __future__ import annotations

import json

import pytest

from celeriac.canvas import Signature, chain, group, maybe_signature
from celeriac.model.errors import CompilationError


@pytest.fixture
def add(client):
    return lambda *args, **options: Signature("proj.add", args, app=client, **options)


@pytest.fixture
def mul(client):
    return lambda *args, **options: Signature("proj.mul", args, app=client, **options)


def test_calls_are_put_in_a_row_and_chains_in_chains_are_flattened(add, mul):
    assert "proj.add(1) | mul(2) | add(3) | mul(4)" == repr(add(1) | mul(2) | (add(3) | mul(4)))
    assert 3 == len(chain(add(1), None, chain(mul(2), add(3))).tasks)
    assert 2 == len(chain([add(1), mul(2)]).tasks)
    assert "empty" in repr(chain())


def test_a_chain_is_the_dict_that_celery_writes(add):
    step = {"task": "proj.add", "args": [1], "kwargs": {}, "options": {}, "subtask_type": None, "immutable": False}

    found = json.loads(json.dumps(chain(add(1), add(1))))

    assert {
        "task": "celery.chain", "args": [], "kwargs": {"tasks": [step, step]}, "options": {}, "subtask_type": "chain", "immutable": False,
    } == found  # fmt: skip
    assert isinstance(maybe_signature(found), chain)


def test_the_first_message_carries_the_others_in_reverse(client, add, mul):
    result = chain(add(1), mul(2, queue="q"), add(3)).apply_async((0,), countdown=5, task_id="T", link=mul("L"), link_error=add("E"))

    assert 1 == len(client.sent)
    first = client.sent[0]
    last, middle = first.chain
    assert ("proj.add", (0, 1), "2023-11-14T22:13:25+00:00") == (first.task, first.args, first.eta)
    assert ("T", ["proj.mul"]) == (last["options"]["task_id"], [link["task"] for link in last["options"]["link"]])
    assert ("proj.mul", "q") == (middle["task"], middle["options"]["queue"])
    assert [("E",)] * 3 == [errbacks[0]["args"] for errbacks in (first.errbacks, middle["options"]["link_error"], last["options"]["link_error"])]
    assert None is first.callbacks
    assert ("T", middle["options"]["task_id"], first.id) == (result.id, result.parent.id, result.parent.parent.id)
    assert None is result.parent.parent.parent


def test_the_steps_of_a_chain_that_was_sent_are_as_they_were(add, mul):
    steps = chain(add(1), mul(2))
    steps.link(mul("L"))

    first, second = steps.apply_async(), steps.apply_async()

    assert first.id != second.id
    assert [{}, {}] == [step.options for step in steps.tasks]


def test_calling_a_chain_sends_it(client, add, mul):
    (add(1) | mul(2))(9)

    assert (9, 1) == client.sent[0].args


def test_freezing_a_chain_settles_all_ids(add, mul):
    steps = add(1) | mul(2)

    result = steps.freeze("T", root_id="R")

    assert ("T", steps.tasks[0].id) == (result.id, result.parent.id)
    assert ["R", "R"] == [step.root_id for step in steps.tasks]


def test_an_eager_chain_hands_results_on(client, add, mul):
    client.conf.task_always_eager = True

    result = (add(1) | mul(2)).apply_async((0,))

    assert ("proj.mul", ("proj.add", 0, 1), 2) == result.get()
    assert None is not result.parent
    assert [] == client.sent


def test_what_is_no_signature_is_refused(add):
    with pytest.raises(CompilationError, match=r"not of int: 3. Write task.s\(...\)"):
        chain(add(1), 3)


def test_an_empty_chain_sends_nothing(client):
    assert None is chain(app=client).apply_async()


def test_an_immutable_chain_ignores_arguments(client, add):
    (add(1) | add(2)).set(immutable=True).apply_async((9,))

    assert (1,) == client.sent[0].args


def test_a_chain_leaves_empty_groups_out_and_a_pipe_does_not(add):
    assert "proj.add(1) | add(2)" == repr(chain(add(1), group([]), add(2)))
    assert "proj.add(1) | chord([], proj.add(2))" == repr(add(1) | group([]) | add(2))
