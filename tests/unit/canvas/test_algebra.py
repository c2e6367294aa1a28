from __future__ import annotations

import copy
import json
import pickle

import pytest

from celeriac.canvas import Signature, maybe_signature, signature
from celeriac.canvas.sending import collecting


@pytest.fixture
def add(client):
    return lambda *args, **options: Signature("proj.add", args, app=client, **options)


def test_a_signature_is_the_dict_that_celery_writes(add):
    assert {
        "task": "proj.add", "args": (1,), "kwargs": {}, "options": {"queue": "q"}, "subtask_type": None, "immutable": False,
    } == add(1, queue="q")  # fmt: skip


def test_a_signature_survives_json(client, add):
    found = maybe_signature(json.loads(json.dumps(add(1, 2))), app=client)

    assert "proj.add(1, 2)" == repr(found)
    found.apply_async()
    assert (1, 2) == tuple(client.sent[0].args)


def test_a_signature_survives_pickle_and_copies(add):
    original = add(1, link=[Signature("proj.mul")])

    for found in (pickle.loads(pickle.dumps(original)), copy.copy(original), copy.deepcopy(original)):
        assert (original, Signature) == (found, type(found))
        assert found.options is not original.options


def test_partial_arguments_go_before_and_options_are_merged(client, add):
    add(3, queue="q").apply_async((1, 2), {"z": 1}, task_id="T", expires=10)

    message = client.sent[0]
    assert ((1, 2, 3), {"z": 1}, "T", "2023-11-14T22:13:30+00:00") == (message.args, message.kwargs, message.id, message.expires)


def test_an_immutable_signature_ignores_arguments_and_takes_options(client, add):
    found = add(3).set(immutable=True)

    found.apply_async((1,), {"z": 1}, task_id="T")

    assert ((3,), {}, "T") == (client.sent[0].args, client.sent[0].kwargs, client.sent[0].id)


def test_registered_tasks_are_sent_through_their_own_apply_async(client, add):
    add(1).delay(2)
    Signature("foreign.task", app=client).delay()

    assert (1, 2) == (client.through_task, len(client.sent))


def test_calling_a_signature_runs_the_task_here(add):
    assert ((1, 2), {"k": 1}) == add(2)(1, k=1)


def test_clone_leaves_the_original_alone(add):
    original = add(1)
    clone = original.clone((0,), {"k": 1}, queue="q")

    assert ("proj.add(0, 1, k=1)", {"queue": "q"}) == (repr(clone), clone.options)
    assert ("proj.add(1)", {}) == (repr(original), original.options)


def test_replace_puts_arguments_in_the_place_of_others(add):
    assert "proj.add(9)" == repr(add(1, 2).replace(args=(9,)))


def test_links_are_added_once(add):
    found = add(1)
    callback = Signature("proj.mul", (2,))

    assert callback == found.link(callback)
    found.link(callback)
    assert found is found.on_error(Signature("proj.oops"))

    assert [{"proj.mul"}, {"proj.oops"}] == [{sig["task"] for sig in found.options[key]} for key in ("link", "link_error")]
    assert 1 == len(found.options["link"])
    assert ["proj.add", "proj.mul"] == [sig.name for sig in found.flatten_links()]


def test_links_travel_as_plain_dicts(client, add):
    add(1).apply_async(link=Signature("proj.mul", (2,), options={"link": [Signature("proj.add")]}))

    callback = client.sent[0].callbacks[0]
    assert (dict, dict) == (type(callback), type(callback["options"]["link"][0]))


def test_freezing_settles_the_id(add):
    found = add(1)

    result = found.freeze("X", root_id="R", group_id="G", group_index=2)

    assert ("X", "X") == (result.id, found.id)
    assert {"task_id": "X", "root_id": "R", "group_id": "G", "group_index": 2} == found.options
    assert "X" == found.freeze("Y").id


def test_signature_takes_names_dicts_and_signatures(add):
    original = add(1)

    assert "proj.add(1, k=2)" == repr(signature("proj.add", (1,), {"k": 2}, queue="q"))
    assert original == signature(dict(original))
    assert original is not signature(original)
    assert None is maybe_signature(None)


def test_what_is_collected_is_not_sent(client, add):
    with collecting() as plans:
        add(1).delay()

    assert ([], 1) == (client.sent, len(plans))
    add(1).delay()
    assert 1 == len(client.sent)


def test_a_pipe_in_place_is_a_chain_too(add):
    sig = add(1)
    sig |= add(2)

    assert "proj.add(1) | add(2)" == repr(sig)


def test_a_signature_stays_in_its_group_and_keeps_its_own_stamps(add):
    sig = add(1, group_id="first", stamped_headers=["own"], own="x")

    sent = sig.clone(group_id="second", stamped_headers=["own", "more"], own="y", more="z")

    assert {"group_id": "first", "stamped_headers": ["own", "more"], "own": "x", "more": "z"} == sent.options
