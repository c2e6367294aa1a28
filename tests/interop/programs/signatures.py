"""A Celery program: signatures as values."""

import copy
import json
import pickle

from celery import Celery, chain, signature

app = Celery("signatures", broker="memory://", set_as_current=True)


@app.task(name="sig.add")
def add(x, y=0):
    return x + y


def show(label, value):
    print(json.dumps([label, value], default=repr, sort_keys=True))


one = add.s(1, 2)
show("s", dict(one))
show("si", dict(add.si(1, y=2)))
show("signature", dict(add.signature((1,), {"y": 2}, countdown=3, queue="q")))
show("by name", dict(signature("sig.other", args=(1,), kwargs={"a": 2}, options={"x": 1}, immutable=True, app=app)))
show("repr", [repr(one), repr(add.s(1, y=3)), repr(add.s(1) | add.s(2)), str(add.si())])
show("clone", dict(add.s(2).clone((1,), {"y": 3}, countdown=9)))
show("immutable clone", dict(add.si(2).clone((1,))))
show("set", dict(add.s(1).set(queue="q", priority=2)))
show("link", [dict(add.s(1)), len(add.s(1).link(add.s(2)) or ()), add.s(1).flatten_links().__len__()])
linked = add.s(1)
linked.link(add.s(2))
linked.link(add.s(2))
linked.link_error(add.s(3))
show("options of linked", linked.options)
show("equality", [add.s(1) == add.s(1), add.s(1) == add.s(2), add.s(1) == dict(add.s(1))])
show("attributes", [one.task, one.args, one.kwargs, one.options, one.subtask_type, one.immutable, one.name, one.id])
show("json", json.loads(json.dumps(one)))
show("from json", repr(signature(json.loads(json.dumps(one)), app=app)))
show("copies", [copy.copy(one) == one, copy.deepcopy(one) == one, dict(pickle.loads(pickle.dumps(one)))])
show("chain", json.loads(json.dumps(add.s(1, 2) | add.s(3) | add.s(4))))
show("chain of chains", repr(chain(add.s(1), chain(add.s(2), add.s(3))) | add.s(4)))
show("chain of one", type(chain(add.s(1))).__name__)
show("chain as call", [repr((add.s(1) | add.s(2)).tasks), len(chain([add.s(1), add.s(2), add.s(3)]).tasks)])
show("freeze", add.s(1).freeze("chosen").id)
show("call", [one(), add.s(1)(5), (add.s(1))(y=9)])
show("reprcall", one.reprcall(7))
