"""The same workflows on a real worker."""

from __future__ import annotations

import json
from collections import Counter
from functools import reduce
from operator import or_
from typing import Any

from celeriac import Celeriac, Signature, chain, chord, chunks, group, signature
from celeriac.lib.ids import uuid
from celeriac.signals import task_prerun
from tests.canvas_reference.interpreter import FAILED, Run, digest
from tests.canvas_reference.workflows import Call, Chain, Group, Mapped, Workflow

WAYS = ("as it is", "json", "clone", "frozen")
"""What is done with a workflow before it is sent."""


class Boom(Exception):
    """What failing tasks raise."""


class Bench:
    """An application with the tasks of the reference; a worker of it has to run in this process."""

    def __init__(self, broker: str | None = None, backend: str | None = None, **conf: Any) -> None:
        name = uuid()
        self.calls: Counter[Any] = Counter()
        self.ran = 0
        self.app = Celeriac(
            "reference", broker=broker or f"memory://{name}", backend=backend or f"cache+memory://{name}", set_as_current=False, **conf
        )
        declare(self.app, self.calls)
        task_prerun.connect(self._count, weak=False)

    def _count(self, task: Any, **_signal: Any) -> None:
        # Chords' own messages count too: nothing is at rest while one of them is on its way.
        self.ran += task.name != "reference.pause"

    def close(self) -> None:
        """Let go."""
        task_prerun.disconnect(self._count)
        self.app.close()

    def run(self, workflow: Workflow, args: tuple[Any, ...] = (), way: str = "as it is") -> Run:
        """Send a workflow and wait until nothing happens any more."""
        self.calls.clear()
        sig = self.build(workflow)
        if way == "json":
            sig = signature(json.loads(json.dumps(sig)), app=self.app)
        elif way == "clone":
            sig = sig.clone()
        elif way == "frozen":
            sig.freeze()
        result = sig.apply_async(args)
        value = _value(result)
        self._settle()
        return Run(value, Counter(self.calls))

    def build(self, workflow: Workflow) -> Signature:
        """Return the workflow as a signature."""
        found: Signature = self._shape(workflow)
        if not isinstance(workflow, (Call, Mapped)):
            if workflow.partial:
                found = found.clone((workflow.partial,))
            if workflow.immutable:
                found.set(immutable=True)
        for number in () if isinstance(workflow, Group) else workflow.links:
            found.extend_list_option("link", self.app.tasks["reference.link"].s(number=number))
        for number in workflow.errbacks:
            found.link_error(self.app.tasks["reference.errback"].s(number=number))
        if not isinstance(workflow, (Call, Mapped)) and workflow.stamp:
            found.stamp(**{workflow.stamp: "x"})
        return found

    def _shape(self, workflow: Workflow) -> Any:
        if isinstance(workflow, Call):
            task = self.app.tasks[f"reference.{workflow.how}"]
            options = {"expires": -1} if workflow.how == "expired" else {}
            return task.signature(workflow.own, {"tag": workflow.tag}, immutable=workflow.immutable, **options)
        if isinstance(workflow, Mapped):
            items: list[Any] = [(workflow.tag, n) for n in range(workflow.items)]
            if workflow.fails:
                items[-1:] = [(workflow.tag, "boom") for _ in items[-1:]]
            return getattr(self.app.tasks["reference.item" if workflow.how == "starmap" else "reference.pair"], workflow.how)(items)
        if isinstance(workflow, Group) and workflow.source == "chunks":
            pairs = [(member.tag, n) for member in workflow.members if isinstance(member, Mapped) for n in range(member.items)]
            return chunks(self.app.tasks["reference.item"].s(), pairs, 2, app=self.app).group()
        if isinstance(workflow, Chain):
            steps = [self.build(step) for step in workflow.steps]
            return reduce(or_, steps) if workflow.piped else chain(*steps, app=self.app)
        members: Any = [self.build(member) for member in (workflow.members if isinstance(workflow, Group) else workflow.header)]
        if workflow.source == "generator":
            members = iter(members)
        return group(members, app=self.app) if isinstance(workflow, Group) else chord(members, self.build(workflow.body), app=self.app)

    def _settle(self) -> None:
        broker, pause = self.app.broker, self.app.tasks["reference.pause"]
        quiet = 0
        while quiet < 2:
            # Twice, because a message that was held back for a retry may be in the worker's hands just now.
            before = self.ran
            pause.delay().get(timeout=30)
            quiet = quiet + 1 if self.ran == before and not broker.depth("celery") else 0


def declare(app: Celeriac, calls: Counter[Any]) -> None:
    """Declare the tasks; what they note is counted in ``calls``."""

    def told(task: Any, tag: int) -> None:
        if task.request.stamped_headers:
            calls["stamps", tag, tuple(sorted(task.request.stamped_headers))] += 1

    @app.task(name="reference.ok", bind=True)
    def ok(task: Any, *args: Any, tag: int) -> str:
        told(task, tag)
        return digest(tag, args)

    @app.task(name="reference.retry", bind=True)
    def retry(task: Any, *args: Any, tag: int) -> str:
        if not task.request.retries:
            raise task.retry(countdown=0)
        told(task, tag)
        return digest(tag, args)

    @app.task(name="reference.grow", bind=True)
    def grow(task: Any, *args: Any, tag: int) -> str:
        task.add_to_chord(ok.si(tag=-tag))
        told(task, tag)
        return digest(tag, args)

    @app.task(name="reference.item")
    def item(tag: int, n: Any) -> str:
        if n == "boom":
            raise Boom(tag)
        return digest(tag, [n])

    @app.task(name="reference.pair")
    def pair(of: Any) -> str:
        return str(item(*of))

    @app.task(name="reference.pause")
    def pause() -> None:
        pass

    _declare_callbacks(app, calls)
    _declare_failing(app)
    _declare_replacing(app, ok)


def _declare_callbacks(app: Celeriac, calls: Counter[Any]) -> None:
    @app.task(name="reference.link")
    def link(value: Any, *, number: int) -> None:
        calls["link", number, json.dumps(value)] += 1

    @app.task(name="reference.errback")
    def errback(request: Any, error: Any, traceback: Any, *, number: int) -> None:
        items = request.kwargs.get("it")
        calls["errback", number, request.kwargs["tag"] if items is None else items[0][0] if items else None] += 1


def _declare_failing(app: Celeriac) -> None:
    @app.task(name="reference.fail")
    def fail(*args: Any, tag: int) -> None:
        raise Boom(tag)

    @app.task(name="reference.expired")
    def expired(*args: Any, tag: int) -> None:
        raise AssertionError("what has expired is not run")

    @app.task(name="reference.fail_after_retry", bind=True, max_retries=1)
    def fail_after_retry(task: Any, *args: Any, tag: int) -> None:
        raise task.retry(countdown=0, exc=Boom(tag))


def _declare_replacing(app: Celeriac, ok: Any) -> None:
    @app.task(name="reference.replace", bind=True)
    def replace(task: Any, *args: Any, tag: int) -> None:
        raise task.replace(group([ok.si(*args, tag=-tag), ok.si(*args, tag=-tag - 1000)]))

    @app.task(name="reference.replace_chain", bind=True)
    def replace_chain(task: Any, *args: Any, tag: int) -> None:
        raise task.replace(ok.si(*args, tag=-tag) | ok.s(tag=-tag - 1000))

    @app.task(name="reference.replace_chord", bind=True)
    def replace_chord(task: Any, *args: Any, tag: int) -> None:
        raise task.replace(chord([ok.si(*args, tag=-tag)], ok.s(tag=-tag - 1000)))

    @app.task(name="reference.replace_fail", bind=True)
    def replace_fail(task: Any, *args: Any, tag: int) -> None:
        raise task.replace(app.tasks["reference.fail"].si(tag=tag))


def _value(result: Any) -> Any:
    members = getattr(result, "results", None)
    if members is not None:
        return [_value(member) for member in members]
    value = result.get(timeout=30, propagate=False)
    return FAILED if result.state in ("FAILURE", "REVOKED") else value
