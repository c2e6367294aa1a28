"""A Celery program: tasks, names, registry, settings, exceptions and states."""

import json

from celery import Celery, Task, exceptions, shared_task, states

app = Celery("proj", broker="memory://", backend="cache+memory://", include=["json"])
app.conf.update(task_default_queue="q", task_annotations={"proj.annotated": {"priority": 3}})


def show(label, ask):
    try:
        value = ask()
    except BaseException as error:
        value = f"raised {type(error).__name__}: {error}"
    print(json.dumps([label, value], default=repr, sort_keys=True))


@app.task
def plain(x, y=1):
    """Add."""
    return x + y


@app.task(bind=True, name="proj.bound", max_retries=7, acks_late=True, rate_limit="10/m")
def bound(self, x):
    return self.name, x


@app.task(name="proj.annotated")
def annotated():
    return None


@shared_task(name="proj.shared")
def shared(x):
    return x * 2


class Counter(Task):
    name = "proj.counter"

    def __init__(self):
        self.calls = 0

    def run(self):
        self.calls += 1
        return self.calls


counter = app.register_task(Counter())
ATTRIBUTES = [
    "name",
    "max_retries",
    "default_retry_delay",
    "rate_limit",
    "acks_late",
    "acks_on_failure",
    "acks_on_timeout",
    "reject_on_worker_lost",
    "track_started",
    "ignore_result",
    "store_errors_even_if_ignored",
    "serializer",
    "priority",
    "time_limit",
    "soft_time_limit",
    "expires",
    "throws",
    "typing",
    "trail",
    "send_events",
    "resultrepr_maxsize",
]

show("names", lambda: [plain.name, bound.name, annotated.name, shared.name, counter.name])
show("registered", lambda: sorted(name for name in app.tasks if name.startswith(("proj", "__main__"))))
show("builtins", lambda: sorted(name for name in app.tasks if name.startswith("celery.")))
for task in (plain, bound, annotated):
    show(f"attributes of {task.name}", lambda task=task: {name: getattr(task, name) for name in ATTRIBUTES})
show("calls", lambda: [plain(1), plain(1, 2), bound(3), shared(4), counter(), counter()])
show("doc", lambda: [plain.__doc__, plain.__name__, plain.__wrapped__(2, 3)])
show("generated names", lambda: [app.gen_task_name("x", "a.b"), app.gen_task_name("x", "__main__")])
show("request outside", lambda: [plain.request.id, plain.request.retries, plain.request.called_directly, plain.request.is_eager])
show("missing", lambda: app.tasks["proj.missing"])
show("app", lambda: [repr(app).split(" at ")[0].strip("<"), app.main])
show("conf", lambda: [app.conf.task_default_queue, app.conf["task_default_queue"], app.conf.get("nothing"), "task_default_queue" in app.conf])
show("old names", lambda: [app.conf.CELERY_DEFAULT_QUEUE, app.conf.CELERYD_PREFETCH_MULTIPLIER])
show("unknown setting", lambda: app.conf.no_such_setting)
show("states", lambda: [sorted(states.READY_STATES), sorted(states.UNREADY_STATES), sorted(states.EXCEPTION_STATES), sorted(states.ALL_STATES)])
show(
    "order of states",
    lambda: (
        sorted(states.ALL_STATES, key=states.state, reverse=False)
        and [
            states.state("SUCCESS") > states.state("PENDING"),
            states.state("RETRY") < states.state("STARTED"),
            states.state("CUSTOM") > states.state("REVOKED"),
            states.precedence("SUCCESS"),
            states.precedence("CUSTOM"),
            states.precedence("PENDING"),
        ]
    ),
)
EXCEPTIONS = [
    "AlreadyRegistered",
    "AlwaysEagerIgnored",
    "BackendError",
    "BackendGetMetaError",
    "BackendStoreError",
    "CDeprecationWarning",
    "CPendingDeprecationWarning",
    "CeleryCommandException",
    "CeleryError",
    "CeleryWarning",
    "ChordError",
    "DuplicateNodenameWarning",
    "FixupWarning",
    "Ignore",
    "ImproperlyConfigured",
    "IncompleteStream",
    "InvalidTaskError",
    "MaxRetriesExceededError",
    "NotConfigured",
    "NotRegistered",
    "OperationalError",
    "QueueNotFound",
    "Reject",
    "Retry",
    "SecurityError",
    "SecurityWarning",
    "SoftTimeLimitExceeded",
    "TaskError",
    "TaskPredicate",
    "TaskRevokedError",
    "Terminated",
    "TimeLimitExceeded",
    "TimeoutError",
    "WorkerLostError",
    "WorkerShutdown",
]
for name in EXCEPTIONS:
    show(f"bases of {name}", lambda name=name: sorted(c.__name__ for c in getattr(exceptions, name).__mro__ if c.__module__ == "builtins"))
show("result of nobody", lambda: [app.AsyncResult("x").state, app.AsyncResult("x").result, app.AsyncResult("x").ready(), str(app.AsyncResult("x"))])
show("tuples", lambda: [app.AsyncResult("x").as_tuple(), app.AsyncResult("x", parent=app.AsyncResult("p")).as_tuple()])
show("repr of results", lambda: [repr(app.AsyncResult("x")), app.AsyncResult("x") == app.AsyncResult("x"), len({app.AsyncResult("x"), "x"})])
