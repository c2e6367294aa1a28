"""Where a message goes: routes by task name, and the options of the call over them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import translate
from typing import Any

from celeriac.app.queues import Queues
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.value import Value
from celeriac.model.options import SendOptions
from celeriac.model.topology import Queue

Route = Mapping[str, Any]
_SEND_FIELDS = frozenset(SendOptions.__struct_fields__)


class Destination(Value, frozen=True):
    """Where a message goes, and how it is sent."""

    exchange: str
    routing_key: str
    priority: int
    options: SendOptions
    queue: Queue | None = None


class Rule(Value, frozen=True):
    """An entry of ``task_routes`` that matched: in the which-th router, what it says of itself, and the route."""

    number: int
    text: str
    route: dict[str, Any]


class Router:
    """Finds a task's route (setting ``task_routes``) and makes a destination of it."""

    def __init__(self, conf: Any, queues: Queues) -> None:
        self.queues = queues
        self._conf = conf
        self._routers = [_router(found) for found in _route_list(conf.task_routes)]
        self._pure = all(isinstance(router, MapRoute) for router in self._routers)
        self._plain: dict[str, Destination] = {}

    def route(self, options: SendOptions, name: str, args: Any, kwargs: Any, task: Any = None) -> Destination:
        """Return where a message goes; the call's options win over the route's."""
        if options is PLAIN and self._pure:
            found = self._plain.get(name)
            if found is None:
                found = self._plain[name] = self._destination(self._routed(options, name, args, kwargs, task))
            return found
        return self._destination(self._routed(options, name, args, kwargs, task))

    def _routed(self, options: SendOptions, name: str, args: Any, kwargs: Any, task: Any) -> SendOptions:
        for router in self._routers:
            pure = isinstance(router, MapRoute)
            found = router.route_for_task(name) if pure else _asked(router, name, args, kwargs, options, task)
            if found:
                return options.over(options_of(found))
        return options

    def rule(self, options: SendOptions, name: str, args: Any, kwargs: Any, task: Any = None) -> Rule | None:
        """Return the entry of ``task_routes`` that a call takes its route from, for people."""
        for number, router in enumerate(self._routers, 1):
            if isinstance(router, MapRoute):
                text, found = router.entry(name)
            else:
                text, found = f"the router {_name_of(router)}", _asked(router, name, args, kwargs, options, task)
            if found:
                return Rule(number, text, dict(found))
        return None

    def _destination(self, options: SendOptions) -> Destination:
        conf = self._conf
        name = options.queue
        queue = self.queues[name or self.queues.default_name] if name or options.exchange is None else None
        kind = options.exchange_type or (queue.exchange.type if queue is not None else "direct") or "direct"
        exchange, key = options.exchange, options.routing_key
        if queue is not None and kind == "direct" and (exchange is None or not key):
            exchange, key = "", queue.name
        elif exchange is None:
            exchange = queue.exchange.name if queue is not None else conf.task_default_exchange or ""
        if not key:
            key = (queue.routing_key if queue is not None else "") or conf.task_default_routing_key or self.queues.default_name
        priority = options.priority if options.priority is not None else conf.task_default_priority
        return Destination(exchange, key, int(priority or 0), options, queue)


PLAIN = SendOptions()
"""The options of a call that has none; routes for it are remembered."""


class MapRoute:
    """Routes by task name: exact names first, then patterns (globs or compiled expressions) in order."""

    def __init__(self, found: Any) -> None:
        items = found.items() if isinstance(found, Mapping) else found
        self._exact: dict[str, Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        self._texts: list[str] = []
        for key, value in items:
            route = {"queue": value} if isinstance(value, str) else value
            if isinstance(key, re.Pattern):
                self._patterns.append((key, route))
                self._texts.append(f"the expression /{key.pattern}/")
            elif "*" in key or "?" in key or "[" in key:
                self._patterns.append((re.compile(translate(key)), route))
                self._texts.append(f"the pattern {key!r}")
            else:
                self._exact.setdefault(key, route)

    def route_for_task(self, name: str, *_call: Any, **_more: Any) -> Route | None:
        """Return the options of the first entry that matches a task's name."""
        exact = self._exact.get(name)
        if exact is not None:
            return exact
        return next((route for pattern, route in self._patterns if pattern.match(name)), None)

    def entry(self, name: str) -> tuple[str, Route | None]:
        """Return the key of that entry, as it was written, and its options."""
        exact = self._exact.get(name)
        if exact is not None:
            return f"the name {name!r}", exact
        return next(((text, route) for text, (pattern, route) in zip(self._texts, self._patterns) if pattern.match(name)), ("", None))


def _route_list(found: Any) -> list[Any]:
    if not found:
        return []
    if isinstance(found, (list, tuple)):
        # A list of (pattern, route) pairs is one ordered map; other lists hold routers.
        if all(_is_entry(item) for item in found):
            return [found]
        return list(found)
    return [found]


def _is_entry(found: Any) -> bool:
    return isinstance(found, (list, tuple)) and len(found) == 2 and isinstance(found[0], (str, re.Pattern)) and isinstance(found[1], (str, Mapping))


def _router(found: Any) -> Any:
    if _is_entry(found):
        return MapRoute([found])
    if isinstance(found, (Mapping, list, tuple)):
        return MapRoute(found)
    return symbol_by_name(found) if isinstance(found, str) else found


def _name_of(router: Any) -> str:
    kind = router if hasattr(router, "__qualname__") else type(router)
    return f"{kind.__module__}.{kind.__qualname__}"


def _asked(router: Any, name: str, args: Any, kwargs: Any, options: SendOptions, task: Any) -> Route | None:
    ask = getattr(router, "route_for_task", router)
    given = {field: value for field in _SEND_FIELDS if field != "properties" and (value := getattr(options, field)) is not None}
    answer = ask(name, args, kwargs, given, task=task)
    return {"queue": answer} if isinstance(answer, str) else answer


def options_of(route: Route) -> SendOptions:
    """Return the options of a route, or of a call, that say where a message goes and how."""
    known = {key: value for key, value in route.items() if key in _SEND_FIELDS}
    queue = known.get("queue")
    if queue is not None and not isinstance(queue, str):
        known["queue"] = queue.name
    exchange = known.get("exchange")
    if exchange is not None and not isinstance(exchange, str):
        known["exchange"], known["exchange_type"] = exchange.name, known.get("exchange_type") or getattr(exchange, "type", None)
    return SendOptions(**known)
