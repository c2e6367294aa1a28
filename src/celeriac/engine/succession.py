"""Whether what follows from a task may begin where that task has ended, without a way through the broker."""

from __future__ import annotations

from celeriac import signals
from celeriac.engine.current import Tools
from celeriac.model.effects import Job
from celeriac.model.envelope import Delivery, Outgoing
from celeriac.wire.task import peek


def successor(job: Job, outgoing: Outgoing, tools: Tools, *, watched: bool) -> Job | None:
    """Return the job that a message of this job's would become, as if it had been delivered to this worker; None when it has to be sent.

    Only for tasks that run at most once, both of them: their messages would be acknowledged before they begin, so the store would have had this one
    only to forget it. What is not due, may expire, or goes to another queue is sent. ``watched`` says whether events tell of tasks.
    """
    queue = job.delivery.queue
    if not job.acked or job.lost is not None or outgoing.routing_key != queue or outgoing.exchange or outgoing.due is not None:
        return None
    envelope = outgoing.envelope
    if (tools.accept is not None and envelope.content_type not in tools.accept) or signals.task_received.connected:
        return None
    head = peek(envelope, tools.accept)
    task = tools.tasks.get(head.task)
    if task is None or task.acks_late or head.expires is not None or head.eta is not None:
        return None
    tools.log.received(head, None)
    tag = job.delivery.tag if job.begun else head.id
    delivery = Delivery(tag, queue, envelope, routing_key=queue, priority=outgoing.priority)
    return Job(delivery, tools.clock.now(), True, tools.hostname, None, watched and task.send_events, job.begun)
