"""What a listener knows of one worker, and of one call."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from celeriac.model import states

HEARTBEATS = 4
"""How many heartbeats of a worker are remembered."""
WINDOW = 200.0
"""Percent of its interval after which a worker that is not heard of counts as gone."""
INTERVAL = 60.0
"""Seconds, for a worker that does not say how often it speaks."""


def heartbeat_expires(timestamp: float, freq: float = INTERVAL, expire_window: float = WINDOW) -> float:
    """Return until when (epoch seconds) a heartbeat counts."""
    return timestamp + freq * expire_window / 100.0


class Worker:
    """A worker: what its last event said, and its last heartbeats (epoch seconds by this machine's clock)."""

    expire_window = WINDOW
    heartbeat_max = HEARTBEATS
    _fields = ("hostname", "pid", "freq", "heartbeats", "clock", "active", "processed", "loadavg", "sw_ident", "sw_ver", "sw_sys")

    def __init__(
        self,
        hostname: str | None = None,
        pid: int | None = None,
        freq: float = INTERVAL,
        heartbeats: Iterable[float] | None = None,
        clock: int = 0,
        active: int | None = None,
        processed: int | None = None,
        loadavg: Any = None,
        sw_ident: str | None = None,
        sw_ver: str | None = None,
        sw_sys: str | None = None,
    ) -> None:
        self.hostname = hostname
        self.pid = pid
        self.freq = freq
        self.heartbeats = list(heartbeats or ())
        self.clock = clock or 0
        self.active = active
        self.processed = processed
        self.loadavg = loadavg
        self.sw_ident = sw_ident
        self.sw_ver = sw_ver
        self.sw_sys = sw_sys

    def event(self, type_: str, timestamp: float | None = None, local_received: float | None = None, fields: Mapping[str, Any] | None = None) -> None:
        """Learn from an event (its type without ``worker-``)."""
        if type_ == "offline":
            self.heartbeats.clear()
            return
        self.update(fields or {})
        if local_received and (not self.heartbeats or local_received >= self.heartbeats[-1]):
            self.heartbeats.append(local_received)
            del self.heartbeats[: -self.heartbeat_max]

    def update(self, f: Mapping[str, Any] = {}, **more: Any) -> None:
        """Take over those fields that a worker has."""
        for name, value in {**f, **more}.items():
            if name in self._fields:
                setattr(self, name, value)

    @property
    def heartbeat_expires(self) -> float:
        """Until when (epoch seconds) it counts as alive."""
        return heartbeat_expires(self.heartbeats[-1], self.freq or INTERVAL, self.expire_window) if self.heartbeats else 0.0

    @property
    def alive(self) -> bool:
        """Whether it was heard of lately."""
        return bool(self.heartbeats) and time.time() < self.heartbeat_expires

    @property
    def status_string(self) -> str:
        """ONLINE or OFFLINE."""
        return "ONLINE" if self.alive else "OFFLINE"

    @property
    def id(self) -> str:
        """Its name and process."""
        return f"{self.hostname}.{self.pid}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Worker) and self.hostname == other.hostname

    def __hash__(self) -> int:
        return hash(self.hostname)

    def __repr__(self) -> str:
        return f"<Worker: {self.hostname} ({self.status_string} clock:{self.clock})>"


class Task:
    """A call: its state, and what its events said. Times are epoch seconds, None for what has not happened."""

    _fields = (
        "uuid", "name", "state", "received", "sent", "started", "rejected", "succeeded", "failed", "retried", "revoked", "args", "kwargs", "eta",
        "expires", "retries", "worker", "result", "exception", "timestamp", "runtime", "traceback", "exchange", "routing_key", "clock", "client",
        "root", "root_id", "parent", "parent_id", "children",
    )  # fmt: skip
    _info_fields = (
        "args", "kwargs", "retries", "result", "eta", "runtime", "expires", "exception", "exchange", "routing_key", "root_id", "parent_id",
    )  # fmt: skip
    merge_rules = {states.RECEIVED: ("name", "args", "kwargs", "parent_id", "root_id", "retries", "eta", "expires")}
    """What is learnt from an event of a state that the task has left already."""
    event_states = {
        "sent": states.PENDING, "received": states.RECEIVED, "started": states.STARTED, "succeeded": states.SUCCESS, "failed": states.FAILURE,
        "retried": states.RETRY, "revoked": states.REVOKED, "rejected": states.REJECTED,
    }  # fmt: skip

    name: str | None = None
    received: float | None = None
    sent: float | None = None
    started: float | None = None
    rejected: float | None = None
    succeeded: float | None = None
    failed: float | None = None
    retried: float | None = None
    revoked: float | None = None
    args: str | None = None
    kwargs: str | None = None
    eta: str | None = None
    expires: str | None = None
    retries: int | None = None
    worker: Worker | None = None
    result: str | None = None
    exception: str | None = None
    timestamp: float | None = None
    runtime: float | None = None
    traceback: str | None = None
    exchange: str | None = None
    routing_key: str | None = None
    root_id: str | None = None
    parent_id: str | None = None
    client: str | None = None
    clock = 0
    state: str = states.PENDING

    def __init__(self, uuid: str | None = None, cluster_state: Any = None, children: Iterable[Task] | None = None, **fields: Any) -> None:
        self.uuid = uuid
        self.cluster_state = cluster_state
        self.children: set[Task] = set(children or ())
        for name, value in fields.items():
            setattr(self, name, value)

    def event(self, type_: str, timestamp: float | None = None, local_received: float | None = None, fields: Mapping[str, Any] | None = None) -> None:
        """Learn from an event (its type without ``task-``). Events may come out of order: one of a state that was left does not bring it back."""
        given = dict(fields or {})
        state = self.event_states.get(type_)
        if state is not None:
            setattr(self, type_, timestamp)
        else:
            state = type_.upper()
        behind = state != states.RETRY and self.state != states.RETRY and states.precedence(state) > states.precedence(self.state)
        if behind:
            known = self.merge_rules.get(state)
            given = {name: value for name, value in given.items() if (name not in ("timestamp", "clock") if known is None else name in known)}
        else:
            given.update(state=state, timestamp=timestamp)
        for name, value in given.items():
            if name in self._fields and name not in ("children", "root", "parent", "worker"):
                setattr(self, name, value)

    def info(self, fields: Iterable[str] | None = None, extra: Iterable[str] = ()) -> dict[str, Any]:
        """Return what people look at, as far as it is known."""
        names = [*(self._info_fields if fields is None else fields), *extra]
        return {name: value for name in names if (value := getattr(self, name, None)) is not None}

    def as_dict(self) -> dict[str, Any]:
        """Return all fields; other tasks by their ids."""
        found = {name: getattr(self, name) for name in self._fields}
        tasks = {name: None if found[name] is None else found[name].uuid for name in ("root", "parent")}
        return {**found, **tasks, "children": sorted(str(child.uuid) for child in self.children)}

    @property
    def ready(self) -> bool:
        """Whether it has ended."""
        return self.state in states.READY_STATES

    @property
    def id(self) -> str | None:
        """Its id."""
        return self.uuid

    @property
    def origin(self) -> str | None:
        """Who is known to have it: the worker, else the client that sent it."""
        return self.client if self.worker is None else self.worker.hostname

    @property
    def parent(self) -> Task | None:
        """The call that made this one."""
        return self._other(self.parent_id)

    @property
    def root(self) -> Task | None:
        """The first call of the workflow."""
        return self._other(self.root_id)

    def _other(self, uuid: str | None) -> Task | None:
        if uuid is None or self.cluster_state is None:
            return None
        found: Task | None = self.cluster_state.tasks.get(uuid)
        return found

    def __repr__(self) -> str:
        return f"<Task: {self.name}({self.uuid}) {self.state} clock:{self.clock}>"
