"""The base of all tasks: a callable that can also be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, cast

from celeriac.app import requests
from celeriac.app.arguments import header_of
from celeriac.app.attributes import current_app_by_default, from_settings, sent_options
from celeriac.app.chords import add_to_chord
from celeriac.app.eager import apply_task, send_eagerly
from celeriac.app.replacing import replace_task
from celeriac.app.retrying import retry_task, signature_from_request
from celeriac.canvas import Signature, chunks, signature, xmap, xstarmap
from celeriac.canvas.sending import is_collecting
from celeriac.contracts.current import current_client
from celeriac.model.errors import MaxRetriesExceededError, OperationalError
from celeriac.model.request import Request
from celeriac.results import AsyncResult, EagerResult

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, TypeVar

    P = ParamSpec("P", default=...)
    R = TypeVar("R", default=Any)
else:
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")


class Task(Generic[P, R]):
    """A task: the base class of what ``@app.task`` makes, and of class-based tasks, which define ``run``.

    There is one instance a process and name; its ``request`` is that of the call that runs in this thread or asyncio task.
    """

    name: str = None  # type: ignore[assignment]
    app: Any = current_app_by_default()
    abstract: ClassVar[bool] = True
    MaxRetriesExceededError: ClassVar[Any] = MaxRetriesExceededError
    OperationalError: ClassVar[Any] = OperationalError
    bind_to_self: ClassVar[bool] = False
    typing: bool | None = None
    pydantic: bool = False

    queue: Any = None
    exchange: Any = None
    exchange_type: str | None = None
    routing_key: str | None = None
    compression: str | None = None
    delivery_mode: Any = None
    expires: Any = None
    immediate: bool | None = None
    mandatory: bool | None = None
    transactional: bool | None = None
    serializer: str = from_settings("serializer")
    priority: int | None = from_settings("priority")
    rate_limit: Any = from_settings("rate_limit")
    rate_limit_scope: str = "worker"
    rate_limit_key: Any = None

    max_retries: int | None = 3
    default_retry_delay: float = 180
    override_max_retries: int | None = None
    autoretry_for: tuple[type[BaseException], ...] = ()
    dont_autoretry_for: tuple[type[BaseException], ...] = ()
    retry_kwargs: dict[str, Any] = {}
    retry_backoff: int | float | bool = False
    retry_backoff_max: float = 600
    retry_jitter: bool = True
    throws: tuple[type[BaseException], ...] = ()

    time_limit: float | None = from_settings("time_limit")
    soft_time_limit: float | None = from_settings("soft_time_limit")
    acks_late: bool | None = from_settings("acks_late")
    acks_on_failure_or_timeout: bool | None = from_settings("acks_on_failure_or_timeout")
    acks_on_failure: bool | None = from_settings("acks_on_failure")
    acks_on_timeout: bool | None = from_settings("acks_on_timeout")
    reject_on_worker_lost: bool | None = from_settings("reject_on_worker_lost")
    retry_on_worker_lost: bool | None = from_settings("retry_on_worker_lost")
    ignore_result: bool | None = from_settings("ignore_result")
    store_eager_result: bool | None = from_settings("store_eager_result")
    store_errors_even_if_ignored: bool | None = from_settings("store_errors_even_if_ignored")
    track_started: bool | None = from_settings("track_started")
    trail: bool = True
    send_events: bool = True
    resultrepr_maxsize: int = 1024

    __bound__ = False
    __header__: Any = None
    _idle_request: Request | None = None
    _sent_options: dict[str, Any] | None = None

    # -- running

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """The body of the task."""
        raise TypeError(f"The task class {type(self).__name__} does not define run()")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        frame = requests.top()
        if frame is not None and frame.task is self and not frame.request.called_directly and "_entered" not in frame.request.__dict__:
            frame.request.__dict__["_entered"] = True
            return cast(R, self.run(*args, **kwargs))
        requests.push(self, Request(args=args, kwargs=kwargs))
        try:
            return cast(R, self.run(*args, **kwargs))
        finally:
            requests.pop(self)

    @property
    def request(self) -> Any:
        """The context of the call that runs here; an empty one outside of calls."""
        found = requests.request_of(self)
        if found is None:
            found = self._idle_request
            if found is None:
                found = self._idle_request = Request()
        return found

    @property
    def request_stack(self) -> requests.RequestStack:
        """The calls of this task that run here, one inside the other."""
        return requests.RequestStack(self)

    def push_request(self, request: Request | None = None, /, **fields: Any) -> None:
        """Enter a call."""
        requests.push(self, request if request is not None else Request(fields))

    def pop_request(self) -> None:
        """Leave a call."""
        requests.pop(self)

    # -- handlers, for subclasses

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Called before the task runs."""

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        """Called when the task has returned."""

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Called when the task has raised."""

    def on_retry(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Called when the task will be tried again."""

    def after_return(self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Called when the task has ended, one way or the other."""

    def on_bound(self, app: Any) -> None:
        """Called when the task has been bound to an application."""

    def shadow_name(self, args: Any, kwargs: Any, options: Mapping[str, Any]) -> str | None:
        """Return the name that logs and monitors show for a call; None for the task's own."""
        return None

    # -- sending

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """Send a call with these arguments."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        task_id: str | None = None,
        producer: Any = None,
        link: Any = None,
        link_error: Any = None,
        shadow: str | None = None,
        **options: Any,
    ) -> AsyncResult[R]:
        """Send a call; options are Celery's (countdown, eta, expires, queue, priority, link ...).

        Raises TypeError when the arguments do not fit the task, OperationalError when the broker cannot be reached.
        """
        args = args if type(args) is tuple else tuple(args or ())
        kwargs = kwargs or {}
        self.check_arguments(args, kwargs)
        named = {"task_id": task_id, "link": link, "link_error": link_error, "shadow": shadow or self.shadow_name(args, kwargs, options)}
        given = self._merged(options, named)
        if self.app.conf.task_always_eager and not is_collecting():
            return send_eagerly(self, args, kwargs, given)
        result: AsyncResult[R] = self.app.call(self, self.name, args, kwargs, given)
        return result

    async def adelay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """Send a call with these arguments without blocking the event loop."""
        return await self.aapply_async(args, kwargs)

    async def aapply_async(self, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> AsyncResult[R]:
        """As ``apply_async``, without blocking the event loop: calls made at the same time go to the broker in one publish."""
        if self.app.conf.task_always_eager:
            return self.apply_async(args, kwargs, **options)
        with self.app.aio.deferring() as deferred:
            result = self.apply_async(args, kwargs, **options)
        await self.app.aio.send(deferred)
        return result

    def _get_app(self) -> Any:
        """Return the application; packages such as celery-once ask for it by this name."""
        return self.app

    def _merged(self, options: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
        own = self._sent_options
        if own is None:
            self.app.finalize(auto=True)  # annotations are options too
            own = self._sent_options = sent_options(self)
        given = {**own, **options} if own else options
        for name, value in named.items():
            if value is not None:
                given[name] = value
        return given

    def check_arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Raise TypeError, in Python's words, when the task cannot be called with these arguments."""
        if self.typing is None:
            self.typing = self.app.strict_typing
        if not self.typing:
            return
        header = self.__header__
        if header is None:
            header = self.__header__ = self._make_header()
        if self.__bound__:
            header(self, *args, **kwargs)
        else:
            header(*args, **kwargs)

    def _make_header(self) -> Any:
        run = self.run
        function = getattr(run, "__func__", run)
        self.__bound__ = function is not run
        return header_of(function) or _anything

    def apply(
        self,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        link: Any = None,
        link_error: Any = None,
        task_id: str | None = None,
        retries: int = 0,
        throw: bool | None = None,
        **options: Any,
    ) -> EagerResult[R]:
        """Run a call here and now, as a worker would; ``throw`` raises what it raises."""
        options.update(link=link, link_error=link_error, task_id=task_id, retries=retries)
        return apply_task(self, tuple(args or ()), dict(kwargs or {}), options, throw=throw)

    # -- signatures

    def s(self, *args: Any, **kwargs: Any) -> Signature[R]:
        """Return the signature of a call."""
        return self.signature(args, kwargs)

    def si(self, *args: Any, **kwargs: Any) -> Signature[R]:
        """Return an immutable signature: results of tasks before it are not added to its arguments."""
        return self.signature(args, kwargs, immutable=True)

    def signature(self, args: Any = None, *more: Any, **options: Any) -> Signature[R]:
        """Return a signature with options."""
        options.setdefault("app", self.app)
        return signature(self, args, *more, **options)

    subtask = signature

    def map(self, it: Iterable[Any]) -> Signature[list[R]]:
        """Return the signature of one message that calls the task with each item."""
        return xmap(self, it, app=self.app)

    def starmap(self, it: Iterable[Any]) -> Signature[list[R]]:
        """Return the signature of one message that calls the task with each item's elements."""
        return xstarmap(self, it, app=self.app)

    def chunks(self, it: Iterable[Any], n: int) -> Any:
        """Return the signature of a ``starmap`` in pieces of ``n`` items, each a message."""
        return chunks(self, it, n, app=self.app)

    def signature_from_request(self, request: Any = None, args: Any = None, kwargs: Any = None, **options: Any) -> Signature:
        """Return the signature of the call that a request stands for, with everything that belongs to it."""
        return signature_from_request(self, self.request if request is None else request, args, kwargs, **options)

    subtask_from_request = signature_from_request

    # -- what a running task may do

    def retry(
        self,
        args: Any = None,
        kwargs: Any = None,
        exc: BaseException | None = None,
        throw: bool = True,
        eta: Any = None,
        countdown: float | None = None,
        max_retries: int | None = None,
        **options: Any,
    ) -> Any:
        """Try this call again later, by default after ``default_retry_delay`` seconds: raises ``Retry``, or returns it with ``throw=False``.

        Raises ``exc``, else MaxRetriesExceededError, when it was tried as often as it may be.
        """
        return retry_task(self, args, kwargs, exc=exc, throw=throw, eta=eta, countdown=countdown, max_retries=max_retries, options=options)

    def replace(self, sig: Any) -> Any:
        """Put another call or workflow in the place of the running one: it gets its id and everything that follows; raises ``Ignore``."""
        return self.on_replace(sig)

    def on_replace(self, sig: Any) -> Any:
        """Carry out ``replace``; for subclasses."""
        return replace_task(self, sig)

    def add_to_chord(self, sig: Any, lazy: bool = False) -> Any:
        """Add a call to the header of the chord that the running call is a part of; return its result."""
        return add_to_chord(self, sig, lazy)

    def update_state(self, task_id: str | None = None, state: str | None = None, meta: Any = None, **kwargs: Any) -> None:
        """Store a state of the running call (or of ``task_id``) and what is to be known of it."""
        self.app.store_state(task_id or self.request.id, state, meta, request=self.request)

    async def aupdate_state(self, task_id: str | None = None, state: str | None = None, meta: Any = None) -> None:
        """As ``update_state``, without blocking the event loop; on return it is on its way to the store, from the asyncio executor it is there."""
        await self.app.aio.aside(lambda: self.update_state(task_id, state, meta))

    def add_trail(self, result: Any) -> Any:
        """Note a result as a child of the running call; return it."""
        if self.trail:
            request = self.request
            if request.children is None:
                request.children = []
            request.children.append(result)
        return result

    def send_event(self, type_: str, retry: bool = True, retry_policy: Any = None, **fields: Any) -> None:
        """Send an event of your own (``task-myevent``) about the running call, now; needs no monitor that listens."""
        request = self.request
        with self.app.events.default_dispatcher(hostname=request.hostname) as dispatcher:
            dispatcher.send(type_, uuid=request.id, **fields)

    def add_around(self, attr: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Put a wrapper around one of the task's methods: ``around(method)`` returns what is called in its place."""
        setattr(self, attr, around(getattr(self, attr)))

    def AsyncResult(self, task_id: str, **options: Any) -> AsyncResult[R]:
        """Return the result of a call by its id."""
        return AsyncResult(task_id, app=self.app, task_name=self.name, **options)

    @property
    def backend(self) -> Any:
        """The result store, or None when results are disabled."""
        return self.app.result_backend

    @classmethod
    def bind(cls, app: Any) -> Any:
        """Bind a task class to an application; return the application."""
        cls.app = app
        return app

    def __reduce__(self) -> Any:
        return _task_by_name, (self.name, self.__module__)

    def __repr__(self) -> str:
        return f"<@task: {self.name} of {self.app}>"


def _anything(*args: Any, **kwargs: Any) -> None:
    """Stands for the header of a callable that cannot be inspected."""


def _task_by_name(name: str, module: str) -> Any:
    __import__(module)
    return current_client().tasks[name]

