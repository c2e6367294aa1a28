"""A Celery application as the page of opentelemetry-instrumentation-celery has it; its spans become lines of a file."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from celery import Celery, Task
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult


class ToFile(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with open(os.environ["TOLD"], "a") as file:
            for span in spans:
                parent = span.parent and span.parent.span_id
                said = {"name": span.name, "trace": span.context.trace_id, "id": span.context.span_id, "parent": parent}
                said["status"] = span.status.status_code.name
                file.write(json.dumps(said) + "\n")
        return SpanExportResult.SUCCESS


provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ToFile()))
trace.set_tracer_provider(provider)
CeleryInstrumentor().instrument()

app = Celery("instrumented_tasks")


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task
def calls() -> None:
    add.delay(1, 1)


@app.task
def divide(x: int, y: int) -> float:
    return x / y


@app.task(bind=True)
def first(self: Task) -> int:
    if not self.request.retries:
        raise self.retry(countdown=0)
    return 1


@app.task
def second(x: int) -> int:
    return x
