from __future__ import annotations

import pytest

from celeriac.canvas import Signature, StampingVisitor, chord, group


@pytest.fixture
def add(client):
    return lambda *args, **options: Signature("proj.add", args, app=client, **options)


class Tenant(StampingVisitor):
    def __init__(self):
        self.seen = []

    def on_signature(self, sig, **headers):
        return {"tenant": "x", "trace": 1, "stamped_headers": ["tenant"]}

    def on_group_start(self, sig, **headers):
        self.seen.append("group")

    def on_chain_start(self, sig, **headers):
        self.seen.append("chain")

    def on_chord_body(self, sig, **headers):
        self.seen.append("body")

    def on_callback(self, callback, **headers):
        return {"callback": True}


def test_keywords_are_stamps_of_the_whole_workflow(client, add):
    sig = add(1) | add(2)

    sig.stamp(tenant="x", build=[1, 2])
    sig.apply_async()

    assert (["tenant", "build"], {"tenant": "x", "build": [1, 2]}) == (client.sent[0].stamped_headers, client.sent[0].stamps)
    assert ["tenant", "build"] == client.sent[0].chain[0]["options"]["stamped_headers"]


def test_a_visitor_sees_every_part(add):
    visitor = Tenant()
    sig = add(0) | chord([add(1), group(add(2))], add(3))
    sig.tasks[0].link(add(4))

    sig.stamp(visitor)

    body = sig.tasks[1].body
    assert ["chain", "group", "group", "body"] == visitor.seen
    assert ("x", 1, ["tenant"]) == (body.options["tenant"], body.options["trace"], body.options["stamped_headers"])
    assert ["callback", "tenant"] == sig.tasks[0].options["link"][0].options["stamped_headers"]


def test_stamps_are_replaced_or_appended(add):
    sig = add(1)

    sig.stamp(a=1)
    sig.stamp(a=2)
    assert 2 == sig.options["a"]
    sig.stamp(a=3, append_stamps=True)

    assert ([2, 3], ["a"]) == (sig.options["a"], sig.options["stamped_headers"])


def test_what_is_no_stamp_is_an_option(add):
    sig = add(1)

    sig.stamp(stamped_headers=["tenant"], tenant="x", priority=3)

    assert {"stamped_headers": ["tenant"], "tenant": "x", "priority": 3} == sig.options
