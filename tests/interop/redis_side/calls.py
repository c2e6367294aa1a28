"""A client that calls tasks in many ways and prints what came of it."""

import json
import os
import time

from tasks import add, again, fail, note, progress

WAIT = 20
found = {}


def outcome(result):
    try:
        return result.get(timeout=WAIT)
    except Exception as error:
        return [type(error).__name__, str(error), result.state, "ValueError" in (result.traceback or "")]


found["plain"] = outcome(add.delay(1, 2))
for serializer in ("json", "msgpack", "pickle"):
    for compression in (None, "zlib", "bzip2"):
        found[f"{serializer} {compression}"] = outcome(add.apply_async((1, 2), serializer=serializer, compression=compression))
began = time.time()
found["countdown"] = [outcome(add.apply_async((1, 2), countdown=1)), 0.9 < time.time() - began < 3]
found["priorities"] = [outcome(add.apply_async((1, number), priority=number)) for number in (0, 3, 5, 9)]
found["failure"] = outcome(fail.delay("boo"))
found["retry"] = outcome(again.delay())
linked = add.apply_async((1, 2), link=add.s(10))
linked.get(timeout=WAIT)
deadline = time.time() + WAIT
while not linked.children and time.time() < deadline:
    time.sleep(0.05)
    linked._cache = None
found["link"] = [outcome(child) for child in linked.children]
expired = add.apply_async((1, 2), expires=-1)
found["expired"] = outcome(expired)[0]
found["chain"] = outcome((add.s(1, 2) | add.s(3) | add.s(4)).apply_async())
found["ignored"] = add.apply_async((1, 2), ignore_result=True).id != ""
os.mkfifo(os.environ["LEDGER"] + ".go")
running = progress.delay()
while running.state != "PROGRESS" and time.time() < deadline:
    time.sleep(0.05)
found["progress"] = [running.state, running.info]
with open(os.environ["LEDGER"] + ".go", "wb"):
    pass
found["after progress"] = outcome(running)
os.unlink(os.environ["LEDGER"] + ".go")
many = [note.delay(number) for number in range(int(os.environ.get("MANY", "200")))]
found["many"] = [outcome(one) for one in many] == [None] * len(many)
print(json.dumps(found))
