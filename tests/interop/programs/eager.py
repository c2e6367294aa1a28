"""A Celery program: tasks that run in the caller's process."""

import json

from celery import Celery, Task, chain
from celery.exceptions import Ignore, MaxRetriesExceededError, Reject, Retry

app = Celery("eager", broker="memory://", backend="cache+memory://")
app.conf.task_always_eager = True
order = []


def show(label, ask):
    try:
        value = ask()
    except BaseException as error:
        value = f"raised {type(error).__name__}: {error}"
    print(json.dumps([label, value], default=repr))


class Base(Task):
    def before_start(self, task_id, args, kwargs):
        order.append("before_start")

    def on_success(self, retval, task_id, args, kwargs):
        order.append(f"on_success {retval}")

    def on_failure(self, exc, task_id, args, kwargs, einfo):
        order.append(f"on_failure {exc!r}")

    def on_retry(self, exc, task_id, args, kwargs, einfo):
        order.append(f"on_retry {exc!r}")

    def after_return(self, status, retval, task_id, args, kwargs, einfo):
        order.append(f"after_return {status}")


@app.task(base=Base)
def add(x, y):
    return x + y


@app.task(base=Base)
def fail(text):
    raise ValueError(text)


@app.task(base=Base, bind=True, max_retries=2, default_retry_delay=0)
def again(self, stop):
    order.append(f"run {self.request.retries}")
    if self.request.retries < stop:
        raise self.retry(exc=KeyError("again"))
    return self.request.retries


@app.task(bind=True, autoretry_for=(OSError,), max_retries=1, retry_backoff=False, default_retry_delay=0)
def auto(self):
    order.append(f"auto {self.request.retries}")
    raise OSError("auto")


@app.task(bind=True)
def request(self):
    fields = ["id", "task", "args", "kwargs", "retries", "is_eager", "called_directly", "delivery_info", "root_id", "parent_id", "group"]
    return {field: getattr(self.request, field) for field in fields}


@app.task
def ignore():
    raise Ignore("ignored")


@app.task
def reject():
    raise Reject("rejected", requeue=False)


show("add", lambda: add.delay(1, 2).get())
show("state", lambda: [add.delay(1, 2).state, add.apply((1, 2)).result, add.apply((1, 2)).successful()])
show("type", lambda: type(add.delay(1, 1)).__name__)
show("order of success", lambda: list(order))
order.clear()
show("failure", lambda: fail.delay("no").state)
show("failure raises", lambda: fail.delay("no").get())
show("failure result", lambda: fail.delay("no").get(propagate=False))
show("apply throw", lambda: fail.apply(("no",), throw=True))
show("order of failure", lambda: list(order))
order.clear()
show("retry", lambda: again.delay(2).get())
show("order of retry", lambda: list(order))
order.clear()
show("retries exhausted", lambda: again.delay(9).get())
show("autoretry", lambda: auto.delay().get())
show("order of autoretry", lambda: list(order))
show("ignore", lambda: [ignore.delay().state, ignore.delay().result])
show("reject", lambda: [reject.delay().state])
show("request", lambda: {k: v for k, v in request.apply(task_id="chosen", args=(), kwargs={}).get().items() if k != "delivery_info"})
show("direct call", lambda: add(4, 5))
show("link", lambda: (order.clear(), add.apply_async((1, 2), link=add.s(10)).get(), [e for e in order if e.startswith("on_success")]))
show("chain", lambda: chain(add.s(1, 2), add.s(3), add.s(4))().get())
show("chain of failures", lambda: chain(fail.s("first"), add.s(3))().get())
show("partial", lambda: add.s(1).delay(2).get())
show("wrong arguments", lambda: add.delay(1))
show("too many arguments", lambda: add.delay(1, 2, 3))
show("unknown keyword", lambda: add.delay(1, z=2))
show("direct retry", lambda: again(5))
show("propagates", lambda: (setattr(app.conf, "task_eager_propagates", True), fail.delay("loud"))[1])
show("errors", lambda: [
    str(Retry("m", ValueError("v"), 3)),
    str(Retry(exc=ValueError("v"), when=3)), str(Retry(when=3)), repr(MaxRetriesExceededError("x")), repr(Reject("r", True)),
])
