"""Task processes as remote control sees them, from the consumer's side: slots and ledger say what runs, requests say what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from celeriac.control.state import Running
from celeriac.lib.clock import Clock
from celeriac.model.effects import Job
from celeriac.worker import loading, requests
from celeriac.worker.dispatch import Dispatch
from celeriac.worker.intake import Intake
from celeriac.worker.ledger import Ledger
from celeriac.worker.loading import Load
from celeriac.worker.packets import Channel, decode_packet
from celeriac.worker.place import Place
from celeriac.worker.requests import Request
from celeriac.worker.slots import Slots, Snapshot, State
from celeriac.worker.succession import Lull


class Processes(Place):
    """The task processes of this worker."""

    def __init__(
        self, *, slots: Slots, ledger: Ledger, dispatch: Dispatch, intake: Intake, jobs: Channel, ask: Channel,
        wake_supervisor: Callable[[], object], limits: tuple[float | None, float | None], max_tasks: int | None, clock: Clock,
    ) -> None:  # fmt: skip
        self._slots = slots
        self._ledger = ledger
        self._dispatch = dispatch
        self._intake = intake
        self._jobs = jobs
        self._requests = ask
        self._wake_supervisor = wake_supervisor
        self._limits = limits
        self._max_tasks = max_tasks
        self._clock = clock

    @property
    def size(self) -> int:  # type: ignore[override]
        """How many processes there are to be."""
        return self._slots.count

    @property
    def busy(self) -> int:
        """How many processes have a packet in hand."""
        return sum(1 for slot in self._slots.all() if slot.packet)

    @property
    def waits(self) -> bool:
        """Whether something waits for a process to become free."""
        return len(self._ledger) > self.busy or bool(self._intake)

    def running(self) -> list[Running]:
        return [Running(job, self._epoch(slot.since), slot.pid) for slot, job in self._begun()]

    def _begun(self) -> list[tuple[Snapshot, Job]]:
        """Return the slots whose process runs a job, with the job."""
        found = []
        for slot in (each.look() for each in self._slots.all()):
            if slot.packet and slot.claimed > slot.reported:
                job = self._ledger.job(slot.packet, slot.claimed - 1)
                if job is not None:
                    found.append((slot, job))
        return found

    def _epoch(self, moment: float) -> float:
        return self._clock.now() - (self._clock.monotonic() - moment)

    def handed_out(self) -> list[Job]:
        claimed = {slot.packet: slot.claimed for slot in (each.look() for each in self._slots.all()) if slot.packet}
        return [job for number, jobs in self._ledger.out() for job in jobs[claimed.get(number, 0) :]]

    def recall(self, unwanted: Callable[[Job], bool]) -> None:
        """Take back the packets that nobody has read and in which something is unwanted; until the next look at what is, nobody begins more."""
        self._slots.lull = Lull.NONE
        back: list[Job] = []
        rest: list[bytes] = []
        while content := self._jobs.receive(block=False):
            packet = decode_packet(content)
            if any(map(unwanted, packet.jobs)):
                back += self._ledger.withdraw(packet.number)
            else:
                rest.append(content)
        for content in rest:
            self._jobs.send(content)
        if back:
            self._intake.put_first(back)
            self._dispatch.freed()

    def describe(self) -> dict[str, Any]:
        slots = [slot for slot in (each.look() for each in self._slots.all()) if slot.pid]
        done = [slot.done for slot in slots]
        total = sum(done)
        hard, soft = self._limits
        return {
            "implementation": "celeriac.worker.executors.prefork:Prefork",
            "max-concurrency": self._slots.count,
            "processes": [slot.pid for slot in slots],
            "max-tasks-per-child": self._max_tasks or "N/A",
            "put-guarded-by-semaphore": False,
            "timeouts": [soft or 0, hard or 0],
            "writes": {
                "total": total,
                "avg": f"{1 / len(slots) if slots else 0:.2f}",
                "all": ", ".join(f"{count / total if total else 0:.2f}" for count in done),
                "raw": ", ".join(map(str, done)),
                "strategy": "fair",
                "inqueues": {"total": len(slots), "active": sum(1 for slot in slots if slot.state == State.BUSY)},
            },
        }

    def terminate(self, ids: Iterable[str], signum: int) -> list[str]:
        wanted = set(ids)
        ended = []
        for slot, job in self._begun():
            task_id = job.delivery.envelope.headers.get("id", "")
            if task_id in wanted:
                what = Request("terminate", index=slot.index, pid=slot.pid, packet=slot.packet, claimed=slot.claimed, signal=signum)
                self._ask(what)
                ended.append(task_id)
        return ended

    def resize(self, count: int) -> None:
        if count < 1:
            raise ValueError("The pool cannot be smaller than one process")
        if count > self._slots.capacity:
            raise ValueError(f"The pool can grow to {self._slots.capacity} processes: for more, start the worker with a larger --concurrency")
        self._ask(Request("resize", count=count))
        self._dispatch.resize(count)

    def restart(self, load: Load | None) -> None:
        self._ask(Request("restart", what=b"" if load is None else loading.encode(load)))

    def remember(self, key: str, change: bytes) -> None:
        self._ask(Request("remember", key=key, what=change))

    def stop(self) -> None:
        self._ask(Request("shutdown"))

    def _ask(self, request: Request) -> None:
        self._requests.send(requests.encode(request))
        self._wake_supervisor()
