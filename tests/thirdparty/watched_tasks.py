"""Tasks that Elastic's and New Relic's agents watch, without a server to tell; run over the drop-in."""

from __future__ import annotations

import json
import os
from typing import Any

import newrelic.agent

newrelic.agent.initialize()

import elasticapm  # noqa: E402
from celery import Celery  # noqa: E402
from elasticapm.contrib.celery import register_exception_tracking, register_instrumentation  # noqa: E402

__all__ = ["app", "failing", "watched"]

app = Celery("watched_tasks")


class Client(elasticapm.Client):
    """Writes down what it would send."""

    def queue(self, event_type: str, data: dict[str, Any], flush: bool = False) -> None:
        if event_type in ("transaction", "error"):
            with open(os.environ["TOLD"], "a", encoding="utf-8") as told:
                told.write(json.dumps({"name": event_type, "of": data.get("name") or data.get("culprit"), "result": data.get("result")}) + "\n")


client = Client(service_name="watched", disable_send=True, cloud_provider="none", metrics_interval="0ms", central_config=False)
register_exception_tracking(client)
register_instrumentation(client)


@app.task
def watched() -> list[Any]:
    transaction = newrelic.agent.current_transaction()
    return [transaction and transaction.name, elasticapm.get_transaction_id() is not None]


@app.task
def failing() -> None:
    raise ValueError("boo")
