"""The same workflows on a real worker."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from celeriac import Celeriac, Signature, chain, chord, group
from celeriac.lib.ids import uuid
from celeriac.signals import task_prerun
from tests.canvas_reference.interpreter import FAILED, Run, digest
from tests.canvas_reference.workflows import Call, Chain, Group, Workflow


class Boom(Exception):
    """What failing tasks raise."""


class Bench:
    """An application with the tasks of the reference; a worker of it has to run."""

    def __init__(self, **conf: Any) -> None:
        name = uuid()
        self.calls: Counter[Any] = Counter()
        self.ran = 0
        self.app = Celeriac("reference", broker=f"memory://{name}", backend=f"cache+memory://{name}", set_as_current=False, **conf)
        self._declare()
        task_prerun.connect(self._count, weak=False)

    def _count(self, task: Any, **_signal: Any) -> None:
        # Chords' own messages count too: nothing is at rest while one of them is on its way.
        self.ran += task.name != "reference.pause"

    def close(self) -> None:
        """Let go."""
        task_prerun.disconnect(self._count)
        self.app.close()

    def run(self, workflow: Workflow) -> Run:
        """Send a workflow and wait until nothing happens any more."""
        self.calls.clear()
        result = self.build(workflow).apply_async()
        value = _value(result)
        self._settle()
        return Run(value, Counter(self.calls))

    def build(self, workflow: Workflow) -> Signature:
        """Return the workflow as a signature."""
        if isinstance(workflow, Call):
            task = self.app.tasks[f"reference.{workflow.how}"]
            found: Any = task.signature((), {"tag": workflow.tag}, immutable=workflow.immutable)
        elif isinstance(workflow, Group):
            return group([self.build(member) for member in workflow.members], app=self.app)
        elif isinstance(workflow, Chain):
            found = chain(*[self.build(step) for step in workflow.steps], app=self.app)
        else:
            found = chord([self.build(member) for member in workflow.header], self.build(workflow.body), app=self.app)
        for number in workflow.links:
            found.extend_list_option("link", self.app.tasks["reference.link"].s(number=number))
        for number in workflow.errbacks:
            found.extend_list_option("link_error", self.app.tasks["reference.errback"].s(number=number))
        return found

    def _settle(self) -> None:
        broker, pause = self.app.broker, self.app.tasks["reference.pause"]
        quiet = 0
        while quiet < 2:
            # Twice, because a message that was held back for a retry may be in the worker's hands just now.
            before = self.ran
            pause.delay().get(timeout=3)
            quiet = quiet + 1 if self.ran == before and not broker.depth("celery") else 0

    def _declare(self) -> None:
        app = self.app

        @app.task(name="reference.ok")
        def ok(*args: Any, tag: int) -> str:
            return digest(tag, args)

        @app.task(name="reference.fail")
        def fail(*args: Any, tag: int) -> None:
            raise Boom(tag)

        @app.task(name="reference.retry", bind=True)
        def retry(task: Any, *args: Any, tag: int) -> str:
            if not task.request.retries:
                raise task.retry(countdown=0)
            return digest(tag, args)

        @app.task(name="reference.fail_after_retry", bind=True, max_retries=1)
        def fail_after_retry(task: Any, *args: Any, tag: int) -> None:
            raise task.retry(countdown=0, exc=Boom(tag))

        @app.task(name="reference.replace", bind=True)
        def replace(task: Any, *args: Any, tag: int) -> None:
            task.replace(group([ok.si(*args, tag=-tag), ok.si(*args, tag=-tag - 1000)]))

        @app.task(name="reference.link")
        def link(value: Any, *, number: int) -> None:
            self.calls["link", number, json.dumps(value)] += 1

        @app.task(name="reference.errback")
        def errback(request: Any, error: Any, traceback: Any, *, number: int) -> None:
            self.calls["errback", number, request.kwargs["tag"]] += 1

        @app.task(name="reference.pause")
        def pause() -> None:
            pass


def _value(result: Any) -> Any:
    members = getattr(result, "results", None)
    if members is not None:
        return [_value(member) for member in members]
    value = result.get(timeout=10, propagate=False)
    return FAILED if result.failed() else value
