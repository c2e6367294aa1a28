"""No task queue at all: durable messages of Celery's size, each confirmed before the next, by py-amqp. What the server's own confirm allows."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import amqp

from benchmarks.ticks import from_environment

HEADERS = {
    "lang": "py", "task": "bench.tick", "id": "0" * 36, "shadow": None, "eta": None, "expires": None, "group": None, "group_index": None,
    "retries": 0, "timelimit": [None, None], "root_id": "0" * 36, "parent_id": None, "argsrepr": "()", "kwargsrepr": "{}", "origin": "gen1@host",
    "ignore_result": False, "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {},
}  # fmt: skip
BODY = '[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'

count_body = from_environment()
url = urlsplit(os.environ["CELERIAC_BENCH_BROKER"])
app = amqp.Connection(f"{url.hostname}:{url.port}", url.username, url.password, virtual_host=url.path[1:], confirm_publish=True)
app.connect()
channel = app.channel()
channel.queue_declare("floor", durable=True, auto_delete=False)


def tick() -> int:
    count_body()
    return 1


def send() -> None:
    message = amqp.Message(BODY, content_type="application/json", content_encoding="utf-8", delivery_mode=2, application_headers=HEADERS)
    channel.basic_publish(message, routing_key="floor")


def round_trip() -> None:
    send()
    message = channel.basic_get("floor", no_ack=True)
    assert message is not None
    tick()


def kept(handle: object) -> bool:
    return True
