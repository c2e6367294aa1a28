"""Traced tasks: every span, of client, worker and scheduler alike, becomes a line of a file."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from celeriac import Celeriac
from celeriac.contrib.opentelemetry import instrument

SPANS = os.environ["CELERIAC_TEST_SPANS"]


class ToFile(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with open(SPANS, "a") as file:
            for span in spans:
                said = {
                    "name": span.name, "trace": span.context.trace_id, "id": span.context.span_id, "parent": span.parent and span.parent.span_id,
                    "links": [link.context.span_id for link in span.links], "status": span.status.status_code.name, "kind": span.kind.name,
                    "events": [event.name for event in span.events], "attributes": dict(span.attributes or {}),
                }  # fmt: skip
                file.write(json.dumps(said) + "\n")
        return SpanExportResult.SUCCESS


provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ToFile()))
trace.set_tracer_provider(provider)

app = Celeriac("tasks")
app.conf.update(json.loads(os.environ.get("CELERIAC_TEST_CONF", "{}")))
instrument(app)


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task
async def total(values: list[int]) -> int:
    return sum(values)


@app.task(bind=True)
def second_try(self: Any, x: int) -> int:
    if not self.request.retries:
        raise self.retry(countdown=0.01)
    return x


@app.task
def calls() -> None:
    add.delay(1, 1)


@app.task
def fails() -> None:
    raise ValueError("on purpose")


@app.task(bind=True, acks_late=True)
def dies_once(self: Any, mark: str) -> None:
    if not os.path.exists(mark):
        open(mark, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
