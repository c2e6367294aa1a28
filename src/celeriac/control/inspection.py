"""``app.control.inspect()``: questions to workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from celeriac.contracts.current import current_client
from celeriac.control.node import matches


class Inspect:
    """Asks workers; every method returns ``{node: answer}``, or None when nobody replied within ``timeout`` seconds.

    ``destination`` is a node or several; for one given as text the answer itself is returned. ``pattern`` with ``matcher`` (glob or pcre)
    chooses by name.
    """

    app: Any = None

    def __init__(
        self,
        destination: str | Sequence[str] | None = None,
        timeout: float = 1.0,
        callback: Callable[[dict[str, Any]], object] | None = None,
        connection: Any = None,
        app: Any = None,
        limit: int | None = None,
        pattern: str | None = None,
        matcher: str | None = None,
    ) -> None:
        self.app = app or self.app or current_client()
        self.destination = destination
        self.timeout = timeout
        self.callback = callback
        self.connection = connection
        self.limit = limit
        self.pattern = pattern
        self.matcher = matcher

    def request(self, command: str, **arguments: Any) -> Any:
        """Send any inspect command."""
        replies = self.app.control.broadcast(
            command, arguments=arguments, destination=self.destination, callback=self.callback, timeout=self.timeout, limit=self.limit,
            reply=True, pattern=self.pattern, matcher=self.matcher,
        )  # fmt: skip
        return self._prepare(replies)

    _request = request

    def _prepare(self, replies: list[dict[str, Any]] | None) -> Any:
        by_node = {node: answer for reply in replies or () for node, answer in reply.items()}
        if self.pattern is not None:
            return {node: answer for node, answer in by_node.items() if matches(node, self.pattern, self.matcher)}
        if isinstance(self.destination, str):
            return by_node.get(self.destination)
        return by_node or None

    def active(self, safe: bool | None = None) -> Any:
        """Return what runs: a list of ``{id, name, args, kwargs, time_start, worker_pid ...}`` for each node."""
        return self.request("active", safe=safe)

    def scheduled(self, safe: bool | None = None) -> Any:
        """Return what is delayed in the queues of each node: a list of ``{eta, priority, request}``."""
        return self.request("scheduled")

    def reserved(self, safe: bool | None = None) -> Any:
        """Return what each node holds and has not begun."""
        return self.request("reserved")

    def query_task(self, *ids: Any) -> Any:
        """Return ``{id: [state, info]}`` of tasks that a node knows; ids one by one, or one list of them."""
        wanted = ids[0] if len(ids) == 1 and isinstance(ids[0], list | tuple) else ids
        return self.request("query_task", ids=list(wanted))

    def stats(self) -> Any:
        """Return numbers about each node: counts of tasks, pool, broker, resources."""
        return self.request("stats")

    def revoked(self) -> Any:
        """Return the ids of revoked tasks."""
        return self.request("revoked")

    def registered(self, *taskinfoitems: str) -> Any:
        """Return the names of the tasks, each with those of the named attributes that are set."""
        return self.request("registered", taskinfoitems=list(taskinfoitems))

    registered_tasks = registered

    def ping(self, destination: str | Sequence[str] | None = None) -> Any:
        """Ask who is there."""
        if destination:
            self.destination = destination
        return self.request("ping")

    def active_queues(self) -> Any:
        """Return the queues that each node consumes."""
        return self.request("active_queues")

    def conf(self, with_defaults: bool = False) -> Any:
        """Return the settings, passwords hidden."""
        return self.request("conf", with_defaults=with_defaults)

    def clock(self) -> Any:
        """Return the logical clocks."""
        return self.request("clock")

    def report(self) -> Any:
        """Return versions and settings as text."""
        return self.request("report")

    def hello(self, from_node: str, revoked: Any = None) -> Any:
        """Return revoked ids and the logical clock, as starting nodes ask each other."""
        return self.request("hello", from_node=from_node, revoked=revoked)

    def memsample(self) -> Any:
        """Take a sample of each node's memory and return it as text."""
        return self.request("memsample")

    def memdump(self, samples: int = 10) -> Any:
        """Return the samples of memory that were taken."""
        return self.request("memdump", samples=samples)

    def objgraph(self, type: str = "Request", n: int = 200, max_depth: int = 10) -> Any:
        """Let each node draw what refers to its Python objects of a type; return the names of the files, on the nodes' machines."""
        return self.request("objgraph", num=n, max_depth=max_depth, type=type)


def flatten_reply(reply: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what ``broadcast(..., reply=True)`` returned as one dict: node -> answer."""
    return {node: answer for each in reply for node, answer in each.items()}
