"""Modules of Celery, of today and of long ago, that have no counterpart; what lies below a module is refused with it."""

from __future__ import annotations

_STORE = "name the result store by its URL (setting result_backend); this version has SQLite, Redis, rpc:// and memory"
_STEP = "a step of one's own derives from celery.bootsteps.StartStopStep; the worker's own parts are no steps here"
_POOL = "choose the executor by name (worker -P), or derive one from celeriac.worker.executors (docs: how-to/executors)"
_CLI = "run the command (celery --help), or call app.start([...]); commands of one's own are click commands in the entry point group celery.commands"

MODULES = {
    "celery.app.builtins": "the built-in tasks are registered by themselves, under the same names; look them up in app.tasks",
    "celery.apps.multi": "run the command: subprocess.run(['celery', 'multi', 'start', ...])",
    "celery.backends.arangodb": _STORE,
    "celery.backends.asynchronous": _STORE,
    "celery.backends.azureblockblob": _STORE,
    "celery.backends.cache": _STORE,
    "celery.backends.cassandra": _STORE,
    "celery.backends.consul": _STORE,
    "celery.backends.cosmosdbsql": _STORE,
    "celery.backends.couchbase": _STORE,
    "celery.backends.couchdb": _STORE,
    "celery.backends.database": _STORE,
    "celery.backends.dynamodb": _STORE,
    "celery.backends.elasticsearch": _STORE,
    "celery.backends.filesystem": _STORE,
    "celery.backends.gcs": _STORE,
    "celery.backends.mongodb": _STORE,
    "celery.backends.redis": _STORE,
    "celery.backends.rpc": _STORE,
    "celery.backends.s3": _STORE,
    "celery.bin": _CLI,
    "celery.concurrency": _POOL,
    "celery.contrib.batches": "it left Celery in 4.0 too; a task that works on many items takes them as one argument, see Task.chunks",
    "celery.decorators": "it left Celery in 4.0: write `from celery import shared_task` and @shared_task, or @app.task",
    "celery.events.cursesmon": "use `celery events --dump`, or Flower",
    "celery.execute": "it left Celery in 5.0: use app.send_task, or task.apply_async",
    "celery.log": "it left Celery in 3.1: use celery.utils.log.get_task_logger",
    "celery.messaging": "it left Celery in 3.1: use app.connection_for_write()",
    "celery.registry": "it left Celery in 5.0: use app.tasks",
    "celery.task": "it left Celery in 5.0: write `from celery import shared_task` (or Task, from celery) and @shared_task or @app.task; "
    "for periodic_task use app.conf.beat_schedule or app.add_periodic_task",
    "celery.utils.abstract": "signatures and tasks are celery.Signature and celery.Task",
    "celery.utils.annotations": "use typing.get_type_hints",
    "celery.utils.compat": "it left Celery in 5.0: use Python's own library",
    "celery.utils.debug": "use tracemalloc and psutil",
    "celery.utils.deprecated": "use warnings.deprecated, or the package deprecated",
    "celery.utils.encoding": "it left Celery in 5.0: use kombu.utils.encoding, or str.encode and bytes.decode",
    "celery.utils.iso8601": "use datetime.fromisoformat",
    "celery.utils.mail": "it left Celery in 4.0: connect a function to celery.signals.task_failure",
    "celery.utils.quorum_queues": "the driver asks the server by itself what kind a queue is",
    "celery.utils.static": "it holds Celery's logo",
    "celery.utils.term": "use click.style",
    "celery.utils.threads": "use threading.local and contextvars",
    "celery.utils.timer2": "a step finds a timer as `worker.timer` (docs: how-to/extending)",
    "celery.worker.autoscale": "use `worker --autoscale=MAX,MIN`",
    "celery.worker.components": _STEP,
    "celery.worker.consumer": _STEP,
    "celery.worker.heartbeat": "heartbeats are events of the worker; choose their pace with --heartbeat-interval",
    "celery.worker.job": "it left Celery in 4.0; what runs is told by app.control.inspect().active()",
    "celery.worker.loops": _STEP,
    "celery.worker.pidbox": _STEP,
    "celery.worker.state": "ask app.control.inspect() (active, reserved, revoked, stats)",
    "celery.worker.strategy": "messages go from the broker to task processes without a strategy that could be replaced",
}
