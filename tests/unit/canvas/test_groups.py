from __future__ import annotations

import json
import pickle

import pytest

from celeriac.canvas import Signature, chain, chord, chunks, group, maybe_signature, xmap, xstarmap
from celeriac.contracts.backend import AnnouncesChords, CountsChords
from celeriac.model.errors import CompilationError


@pytest.fixture
def add(client):
    return lambda *args, **options: Signature("proj.add", args, app=client, **options)


STEP = {"task": "proj.add", "args": [1], "kwargs": {}, "options": {}, "subtask_type": None, "immutable": False}


def shape(sig):
    """Return a workflow in one line: chains as lists, groups as sets of a kind."""
    kind = sig.get("subtask_type")
    if kind == "chain":
        return [shape(step) for step in sig.tasks]
    if kind == "group":
        return ("group", *map(shape, sig.tasks))
    if kind == "chord":
        return ("chord", tuple(map(shape, sig.tasks)), shape(sig.body))
    return sig.args[0]


def test_a_group_and_a_chord_are_the_dicts_that_celery_writes(add):
    found = json.loads(json.dumps([group(add(1)), chord([add(1)], add(1))]))

    assert [
        {"task": "celery.group", "args": [], "kwargs": {"tasks": [STEP]}, "options": {}, "subtask_type": "group", "immutable": False},
        {
            "task": "celery.chord", "args": [], "kwargs": {"kwargs": {}, "header": [STEP], "body": STEP}, "options": {},
            "subtask_type": "chord", "immutable": False,
        },
    ] == found  # fmt: skip
    assert [group, chord] == [type(maybe_signature(sig)) for sig in found]


def test_maps_and_chunks_are_the_dicts_that_celery_writes(add):
    task = {**STEP, "args": []}
    made = [xmap(add(), [1]), xstarmap(add(), [(1, 2)]), chunks(add(), [(1, 2)], 1)]
    given = [{"task": task, "it": [1]}, {"task": task, "it": [[1, 2]]}, {"task": task, "it": [[1, 2]], "n": 1}]

    found = json.loads(json.dumps(made))

    assert given == [sig["kwargs"] for sig in found]
    assert [("celery.map", None, True), ("celery.starmap", None, True), ("celery.chunks", None, True)] == [
        (sig["task"], sig["subtask_type"], sig["immutable"]) for sig in found
    ]
    assert [xmap, xstarmap, chunks] == [type(maybe_signature(sig)) for sig in found]


def test_what_follows_a_group_makes_a_chord(add):
    a, b, c, d = (add(n) for n in "abcd")

    assert ("chord", ("a", "b"), "c") == shape(group(a, b) | c)
    assert ("chord", ("a", "b"), ("group", "c", "d")) == shape(group(a, b) | group(c, d))
    assert ["a", ("group", "b", "c")] == shape(a | group(b, c))
    assert ["a", ("chord", ("b", "c"), "d")] == shape(a | group(b, c) | d)
    assert ("chord", ("a",), ["b", "c"]) == shape(chord([a], b) | c)
    assert ("chord", ("a",), ("chord", ("b",), "c")) == shape(group(a) | chord([b], c))
    assert ("chord", ("a",), ["b", ("chord", ("c",), "d")]) == shape(group(a) | b | group(c) | d)
    assert ("chord", ("a",), "b") == shape(chain(group(a), b))


@pytest.mark.parametrize("make", [lambda a, b: group(a, b), lambda a, b: chord([a], b), lambda a, b: a | group(b), lambda a, b: chunks(a, [1, 2], 1)])
def test_workflows_survive_json_pickle_and_cloning(add, make):
    original = make(add(1), add(2))

    for found in (maybe_signature(json.loads(json.dumps(original))), pickle.loads(pickle.dumps(original)), original.clone()):
        assert (json.dumps(original), type(original), repr(original)) == (json.dumps(found), type(found), repr(found))


def test_a_clone_shares_nothing_with_its_original(add):
    for original in (group(add(1)), chord([add(1)], add(2)), add(1) | add(2)):
        original.clone().freeze()
        assert "task_id" not in json.dumps(original)


def test_a_group_is_one_submission_and_its_members_know_their_place(client, add):
    result = group(add(1), group(add(2), add(3)), add(4) | add(5)).apply_async((0,), queue="q")

    assert (1, 4) == (client.submitted, len(client.sent))
    assert [(0, 1), (0, 2), (0, 3), (0, 4)] == [message.args for message in client.sent]
    assert [0, 1, 2] == [message.group_index for message in client.sent[:3]]
    assert (3, result.id) == (client.sent[3].chain[0]["options"]["group_index"], client.sent[3].chain[0]["options"]["group_id"])
    assert [message.id for message in client.sent[:3]] == [member.id for member in result.results[:3]]


def test_a_generator_is_read_when_it_is_sent_and_only_then(client, add):
    read = []
    sig = group(read.append(n) or add(n) for n in range(2_500))
    assert [] == read

    result = sig.apply_async()

    assert (2_500, 2_500, 3) == (len(client.sent), len(result), client.submitted)
    with pytest.raises(CompilationError, match="Give it a list to send it again"):
        sig.apply_async()
    assert 3 == len(json.loads(json.dumps(group(add(n) for n in range(3))))["kwargs"]["tasks"])


def test_a_short_generator_is_kept(client, add):
    sig = group(add(n) for n in range(20))

    assert (20, 20) == (len(sig.apply_async()), len(sig.apply_async()))
    assert 20 == len(sig.tasks)


def test_a_chords_header_is_read_while_it_is_sent_where_the_store_is_told_of_it(client, add):
    class Told(CountsChords, AnnouncesChords):
        def count(self, parts):
            return []

        def done(self, groups):
            pass

        def begin(self, group, size, ttl):
            pass

    client.result_backend = Told()
    result = chord((add(n) for n in range(2_500)), add(3)).apply_async()

    assert [(result.parent.id, 2_500, 2_000)] == [(chord.group, chord.size, sent) for chord, sent in client.told]
    assert [0, *range(1, 2_500)] == [message.group_index for message in client.sent]
    assert {0} == {message.chord["chord_size"] for message in client.sent}
    with pytest.raises(CompilationError, match="give it a list"):
        chord((add(n) if n < 2_000 else add(n) | group(add(1), add(2)) for n in range(2_500)), add(3)).apply_async()


def test_links_of_a_group(add):
    sig = group(add(1), add(2))

    assert sig.link(add(9)).immutable
    sig.link_error(add(8))

    assert [1, 0] == [len(task.options.get("link", ())) for task in sig.tasks]
    assert [1, 1] == [len(task.options["link_error"]) for task in sig.tasks]
    with pytest.raises(TypeError, match="use a chord"):
        sig.apply_async(link=add(9))


def test_skewed_calls_begin_one_after_the_other(add):
    assert [1.0, 3.0, 5.0] == [task.options["countdown"] for task in group(add(n) for n in range(3)).skew(1, 10, 2).tasks]
    assert [1.0, 2.0, 3.0, 3.0] == [task.options["countdown"] for task in group(add(n) for n in range(4)).skew(1, 3).tasks]


def test_each_message_of_a_header_carries_the_body(client, add):
    result = chord([add(1), add(2)], add(3)).apply_async(link=add("L"), queue="q")

    assert 2 == len(client.sent)
    for index, message in enumerate(client.sent):
        assert (result.parent.id, index, 2, result.id) == (
            message.group, message.group_index, message.chord["chord_size"], message.chord["options"]["task_id"],
        )  # fmt: skip
        assert ("q", ["L"]) == (message.chord["options"]["queue"], [sig["args"][0] for sig in message.chord["options"]["link"]])


def test_a_header_of_one_and_of_none(client, add):
    chord([add(1)], add(3))()
    chord([], add(4))()

    assert [(1,), ([], 4)] == [message.args for message in client.sent]
    assert (1, None) == (client.sent[0].chord["chord_size"], client.sent[1].chord)


def test_an_element_that_ends_in_a_group_is_a_list(client, add):
    chord([add(1) | group(add(2), add(3)), add(4)], add(5))()

    assert (3, [{"times": 2, "of": None}, None]) == (client.sent[1].chord["chord_size"], client.sent[1].chord["chord_shape"])
    assert 2 == client.sent[1].group_index


def test_a_chord_without_a_body_is_refused(add):
    with pytest.raises(CompilationError, match="without a body"):
        chord([add(1)])()


def test_a_chord_without_a_result_store_is_refused(client, add):
    client.result_backend = None

    with pytest.raises(CompilationError, match="result_backend"):
        chord([add(1)], add(2))()


def test_large_parts_are_kept_once_and_referred_to(client, add):
    client.keeps_parts = True

    chord([add(n) for n in range(5)], add("x" * 3_000))()

    assert 1 == len(client.kept)
    assert {client.kept[0].id} == {message.chord["kwargs"]["id"] for message in client.sent}


def test_nested_workflows_stay_small(client, add):
    client.keeps_parts = True

    def nested(depth):
        return add(0) if depth == 0 else chain(add(1), group(nested(depth - 1) for _ in range(4)), add(2))

    nested(5).apply_async()

    assert 8_000 > max(len(json.dumps([message.chain, message.chord])) for message in client.sent)


def test_many_steps_travel_in_blocks(client, add):
    client.keeps_parts = True

    chain(*[add(n) for n in range(100)]).apply_async()

    assert 8_000 > len(json.dumps(client.sent[0].chain))


def test_workflows_are_drawn(add):
    sig = group(add(1), add(2)) | add(3)

    assert "n0 --> n2" in sig.draw()
    assert "n1 -> n2;" in sig.draw("dot")


def test_a_group_is_as_long_as_it_has_calls(add):
    assert [0, 2, 3] == [len(group([])), len(group(add(1), add(2))), len(group(add(n) for n in range(3)))]


def test_chains_that_come_to_nothing_are_no_members(client, add):
    assert 1 == len(group(chain(), add(1), chain(chain())).apply_async())
