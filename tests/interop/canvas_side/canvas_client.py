"""Sends each workflow that it reads, a line of Python each, and prints what came of it as a JSON line."""

import json
import os
import sys
import time
import uuid

import canvas_tasks
import celery
import celery.exceptions
from celery import signature

HANGS = float(os.environ["CANVAS_PATIENCE"])
"""Seconds after which a workflow counts as one that never ends."""


def with_link(sig, callback):
    sig.link(callback)
    return sig


def with_error(sig, errback):
    sig.link_error(errback)
    return sig


def late():
    """A call that has expired."""
    return canvas_tasks.add.s(1, 1).set(expires=-1)


def unknown():
    """A call of a task that no worker knows."""
    return canvas_tasks.app.signature("canvas_tasks.nobody")


def outcome(expression):
    names = {"T": uuid.uuid4().hex, "json": json, "signature": signature, "with_link": with_link, "with_error": with_error, "late": late}
    names |= {"unknown": unknown, "app": canvas_tasks.app, **{name: getattr(celery, name) for name in ("chain", "chord", "group")}}
    names |= {name: value for name, value in vars(canvas_tasks).items() if name.islower()}
    try:
        found = eval(expression, names)
        value = found.get(timeout=HANGS) if hasattr(found, "get") else found
    except celery.exceptions.TimeoutError:
        value = "hangs"
    except Exception as error:
        value = ["raised", type(error).__name__]
    return [value, calls(names["T"]) if "tag=T" in expression else None]


def calls(tag):
    """Return what was told under a tag, once nothing more comes."""
    key, quiet, seen, begun = f"told:{tag}", 0.0, 0, time.monotonic()
    while quiet < 0.15 and time.monotonic() < begun + HANGS:
        time.sleep(0.03)
        now = canvas_tasks.told.llen(key)
        quiet = quiet + 0.03 if now == seen else 0.0
        seen = now
    return sorted((json.loads(line) for line in canvas_tasks.told.lrange(key, 0, -1)), key=repr)


for line in sys.stdin:
    print(json.dumps([line.strip(), outcome(line.strip())], default=repr), flush=True)
