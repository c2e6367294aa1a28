"""What a listener remembers: the workers, and the latest calls."""

from __future__ import annotations

import threading
from bisect import insort
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar
from weakref import WeakSet

from celeriac.events import worker_and_task as known
from celeriac.events.worker_and_task import Task, Worker, heartbeat_expires
from celeriac.model.states import READY_STATES

__all__ = ["State", "Task", "Worker", "heartbeat_expires"]

T = TypeVar("T")
Moment = tuple[int, float, str, str]
"""Logical clock, epoch seconds, node, id of the call: events in order."""


class _Index(dict[str, "WeakSet[known.Task]"]):
    """Tasks by something; called, it yields those of one key in the order of time."""

    def __init__(self, look: Callable[[str, int | None, bool], Iterator[tuple[str, known.Task]]]) -> None:
        super().__init__()
        self._look = look

    def __missing__(self, key: str) -> WeakSet[known.Task]:
        found = self[key] = WeakSet()
        return found

    def __call__(self, key: str, limit: int | None = None, reverse: bool = True) -> Iterator[tuple[str, known.Task]]:
        return self._look(key, limit, reverse)




class Remembered(OrderedDict[str, T]):
    """What is known, the oldest first; ``limit`` tells monitors how many are kept."""

    def __init__(self, known: Any = None, *, limit: int | None = None) -> None:
        super().__init__(known or {})
        self.limit = limit

    def __reduce__(self) -> Any:
        return _remembered, (self.limit, list(self.items()))


def _remembered(limit: int | None, items: list[tuple[str, Any]]) -> Remembered[Any]:
    return Remembered(items, limit=limit)


class State:
    """Learns from events: ``receiver = app.events.Receiver(handlers={"*": state.event})``. May be used by several threads.

    ``callback(state, event)`` is called after each event, ``on_node_join(worker)`` and ``on_node_leave(worker)`` when a worker comes and goes.
    What was not heard of for the longest time is forgotten beyond ``max_workers_in_memory`` and ``max_tasks_in_memory``.
    """

    Worker: type[known.Worker] = known.Worker
    Task: type[known.Task] = known.Task
    heap_multiplier = 4
    """How many events of each task are remembered for the order of time, on average, before that is put in order."""

    def __init__(
        self,
        callback: Callable[[State, dict[str, Any]], object] | None = None,
        workers: Mapping[str, known.Worker] | None = None,
        tasks: Mapping[str, known.Task] | None = None,
        taskheap: list[Moment] | None = None,
        max_workers_in_memory: int = 5000,
        max_tasks_in_memory: int = 10000,
        on_node_join: Callable[[known.Worker], object] | None = None,
        on_node_leave: Callable[[known.Worker], object] | None = None,
        tasks_by_type: Mapping[str, Any] | None = None,
        tasks_by_worker: Mapping[str, Any] | None = None,
    ) -> None:
        self.event_callback = callback
        self.workers: Remembered[known.Worker] = Remembered(workers, limit=max_workers_in_memory)
        self.tasks: Remembered[known.Task] = Remembered(tasks, limit=max_tasks_in_memory)
        self.max_workers_in_memory = max_workers_in_memory
        self.max_tasks_in_memory = max_tasks_in_memory
        self.on_node_join = on_node_join
        self.on_node_leave = on_node_leave
        self.event_count = 0
        self.task_count = 0
        self._taskheap: list[Moment] = list(taskheap or ())
        self._mutex = threading.RLock()
        self.tasks_by_type = _Index(self._of_type)
        self.tasks_by_worker = _Index(self._of_worker)
        for index, given in ((self.tasks_by_type, tasks_by_type), (self.tasks_by_worker, tasks_by_worker)):
            for key, members in (given or {}).items():
                index[key].update(members)
        if not self._taskheap:
            self.rebuild_taskheap()

    # -- learning

    def event(self, event: dict[str, Any]) -> Any:
        """Learn from an event; returns the (worker or task, whether it is new) that it is about, None for events of other groups."""
        with self._mutex:
            self.event_count += 1
            group, _, subject = event["type"].partition("-")
            found: Any = None
            if group == "worker":
                found = self._worker_event(subject, event)
            elif group == "task":
                found = self._task_event(subject, event)
            if self.event_callback is not None:
                self.event_callback(self, event)
            return found

    def worker_event(self, type_: str, fields: dict[str, Any]) -> Any:
        """Learn from a worker's event, its type without ``worker-``."""
        return self.event({**fields, "type": f"worker-{type_}"})

    def task_event(self, type_: str, fields: dict[str, Any]) -> Any:
        """Learn from a task's event, its type without ``task-``."""
        return self.event({**fields, "type": f"task-{type_}"})

    def _worker_event(self, subject: str, event: dict[str, Any]) -> tuple[known.Worker, bool] | None:
        hostname = event.get("hostname")
        if not hostname:
            return None
        if subject == "offline":
            worker = self.workers.pop(hostname, None)
            if worker is None:
                return known.Worker(hostname), False
            worker.event(subject, event.get("timestamp"), event.get("local_received"), event)
            if self.on_node_leave is not None:
                self.on_node_leave(worker)
            return worker, False
        worker, created = self.get_or_create_worker(hostname)
        worker.event(subject, event.get("timestamp"), event.get("local_received"), event)
        if created and self.on_node_join is not None:
            self.on_node_join(worker)
        return worker, created

    def _task_event(self, subject: str, event: dict[str, Any]) -> tuple[known.Task, bool] | None:
        uuid, hostname = event.get("uuid"), event.get("hostname") or ""
        if not uuid:
            return None
        task, created = self.get_or_create_task(uuid)
        timestamp = event.get("timestamp") or 0.0
        if subject == "sent":
            task.client = hostname
        else:
            task.worker, _ = self.get_or_create_worker(hostname)
            self.tasks_by_worker[hostname].add(task)
        task.event(subject, timestamp, event.get("local_received"), event)
        if task.name:
            self.tasks_by_type[task.name].add(task)
        parent = task.parent
        if parent is not None:
            parent.children.add(task)
        if subject == "received":
            self.task_count += 1
        self._note((event.get("clock") or 0, timestamp, hostname, uuid))
        return task, created

    def _note(self, moment: Moment) -> None:
        heap = self._taskheap
        if heap and moment < heap[-1]:
            insort(heap, moment)
        else:
            heap.append(moment)
        if len(heap) > max(self.max_tasks_in_memory * self.heap_multiplier, 100):
            self.rebuild_taskheap()

    def rebuild_taskheap(self) -> None:
        """Remember the last event of each task only."""
        with self._mutex:
            last = {moment[3]: moment for moment in self._taskheap if moment[3] in self.tasks}
            for uuid, task in self.tasks.items():
                if uuid not in last:
                    last[uuid] = (task.clock or 0, task.timestamp or 0.0, task.origin or "", uuid)
            self._taskheap = sorted(last.values())

    def get_or_create_worker(self, hostname: str, **fields: Any) -> tuple[known.Worker, bool]:
        """Return a worker, and whether it was not known."""
        with self._mutex:
            worker = self.workers.get(hostname)
            created = worker is None
            if worker is None:
                worker = self.workers[hostname] = self.Worker(hostname)
                if len(self.workers) > self.max_workers_in_memory:
                    self.workers.popitem(last=False)
            elif len(self.workers) > 1:
                self.workers.move_to_end(hostname)
            worker.update(fields)
            return worker, created

    def get_or_create_task(self, uuid: str) -> tuple[known.Task, bool]:
        """Return a task, and whether it was not known."""
        with self._mutex:
            task = self.tasks.get(uuid)
            if task is not None:
                self.tasks.move_to_end(uuid)
                return task, False
            task = self.tasks[uuid] = self.Task(uuid, cluster_state=self)
            if len(self.tasks) > self.max_tasks_in_memory:
                self.tasks.popitem(last=False)
            return task, True

    # -- looking

    def query(self, look: Callable[[State], T]) -> T:
        """Return what a function of this state finds while nothing changes."""
        with self._mutex:
            return look(self)

    def freeze_while(self, fun: Callable[..., T], *args: Any, clear_after: bool = False, **kwargs: Any) -> T:
        """Call a function while nothing changes; ``clear_after`` then forgets the tasks that have ended."""
        with self._mutex:
            try:
                return fun(*args, **kwargs)
            finally:
                if clear_after:
                    self.clear()

    def itertasks(self, limit: int | None = None) -> Iterator[tuple[str, known.Task]]:
        """Yield (id, task), those that were heard of longest ago first."""
        with self._mutex:
            found = list(self.tasks.items())
        return islice(iter(found), limit)

    def tasks_by_time(self, limit: int | None = None, reverse: bool = True) -> Iterator[tuple[str, known.Task]]:
        """Yield (id, task) in the order of their last events, the latest first unless ``reverse`` is off."""
        return islice(self._ordered(reverse), limit)

    tasks_by_timestamp = tasks_by_time

    def _ordered(self, reverse: bool) -> Iterator[tuple[str, known.Task]]:
        with self._mutex:
            last = {moment[3]: moment for moment in self._taskheap}
            found = [(uuid, self.tasks[uuid]) for _, _, _, uuid in sorted(last.values(), reverse=reverse) if uuid in self.tasks]
        yield from found

    def _of_type(self, name: str, limit: int | None = None, reverse: bool = True) -> Iterator[tuple[str, known.Task]]:
        return islice(((uuid, task) for uuid, task in self._ordered(reverse) if task.name == name), limit)

    def _of_worker(self, hostname: str, limit: int | None = None, reverse: bool = True) -> Iterator[tuple[str, known.Task]]:
        return islice(((uuid, task) for uuid, task in self._ordered(reverse) if task.worker and task.worker.hostname == hostname), limit)

    def task_types(self) -> list[str]:
        """Return the names of the tasks that were heard of."""
        with self._mutex:
            return sorted({task.name for task in self.tasks.values() if task.name})

    def alive_workers(self) -> Iterator[known.Worker]:
        """Yield the workers that were heard of lately."""
        with self._mutex:
            found = list(self.workers.values())
        return (worker for worker in found if worker.alive)

    # -- forgetting

    def clear_tasks(self, ready: bool = True) -> None:
        """Forget the tasks that have ended, or all of them (``ready=False``)."""
        with self._mutex:
            kept = {uuid: task for uuid, task in self.tasks.items() if ready and task.state not in READY_STATES}
            self.tasks = Remembered(kept, limit=self.max_tasks_in_memory)
            self.rebuild_taskheap()

    def clear(self, ready: bool = True) -> None:
        """Forget everything but tasks that have not ended (``ready=False``: these too)."""
        with self._mutex:
            self.workers.clear()
            self.clear_tasks(ready)
            self.event_count = 0
            self.task_count = 0

    def __getstate__(self) -> dict[str, Any]:
        with self._mutex:
            left_out = ("_mutex", "tasks_by_type", "tasks_by_worker", "event_callback", "on_node_join", "on_node_leave")
            return {name: value for name, value in self.__dict__.items() if name not in left_out}

    def __setstate__(self, found: dict[str, Any]) -> None:
        self.__dict__.update(found)
        self._mutex = threading.RLock()
        self.event_callback = self.on_node_join = self.on_node_leave = None
        self.tasks_by_type, self.tasks_by_worker = _Index(self._of_type), _Index(self._of_worker)
        for task in self.tasks.values():
            if task.name:
                self.tasks_by_type[task.name].add(task)
            if task.worker is not None and task.worker.hostname:
                self.tasks_by_worker[task.worker.hostname].add(task)

    def __repr__(self) -> str:
        return f"<State: events={self.event_count} tasks={self.task_count}>"
