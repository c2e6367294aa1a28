"""Puts remote control and autoscaling beside an executor."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from celeriac.contracts.broker import Broadcasts, Leases, ShowsDelayed
from celeriac.control.node import Node
from celeriac.control.state import ControlState
from celeriac.events import EventDispatcher
from celeriac.worker.autoscale import LOOK, Autoscaler
from celeriac.worker.controls import Controls
from celeriac.worker.duties import Duty
from celeriac.worker.mingling import mingle
from celeriac.worker.options import WorkerOptions
from celeriac.worker.parts import Parts, Station
from celeriac.worker.place import Place
from celeriac.worker.remote import RemoteControl
from celeriac.worker.steps import Steps
from celeriac.worker.stream import INTERVAL, TOGETHER, EventStream

logger = logging.getLogger("celeriac.worker")

_MOST_DELAYED = 1_000
"""How many delayed messages are told from others; with more of them, some count as a load."""

KEEPALIVE = 30.0
"""Seconds for which a process that is not needed is kept (environment variable AUTOSCALE_KEEPALIVE)."""


def hear(parts: Parts, station: Station, place: Place) -> None:
    """Let a worker hear commands, if its settings and its broker allow it; and scale itself, if it is to."""
    scaler = None
    bounds = parts.options.autoscale
    if bounds is not None:
        scaler = Autoscaler(bounds[1], bounds[0], float(os.environ.get("AUTOSCALE_KEEPALIVE") or KEEPALIVE))
        station.duties.add(Duty("scale the pool", LOOK, lambda: _scale(scaler, place, station, parts)))
    if parts.app.conf.is_set("worker_autoscaler"):
        logger.warning("The setting worker_autoscaler has no effect: this worker scales itself by what waits (--autoscale).")
    controls = Controls(parts, station, place, scaler)
    if parts.monitor is not None:
        parts.monitor.attach(station.broker, place, lambda: station.intake.queues, lambda: len(station.intake) + len(place.handed_out()))
    station.repeat = controls.repeat
    steps = Steps(controls, parts.options)
    station.stop_steps = steps.stop
    steps.start()
    _stream_events(parts, station, place, controls)
    if not parts.app.conf.worker_enable_remote_control:
        return
    broker: object = station.broker
    if not isinstance(broker, Broadcasts):
        logger.warning("The broker %s cannot broadcast: this worker does not hear remote control.", type(broker).__name__)
        return
    node = Node(ControlState(controls, parts.app.clock))
    station.remote = RemoteControl(broker, parts.app.conf.control_exchange, node, controls.stop)
    station.remote.start()
    mingle(parts, station)


def _stream_events(parts: Parts, station: Station, place: Place, controls: Controls) -> None:
    """Let monitors hear of this worker, and of its tasks if that is wanted."""
    options, broker = parts.options, station.broker
    if not isinstance(broker, Broadcasts):
        if options.task_events:
            logger.warning("The broker %s cannot broadcast: this worker sends no events.", type(broker).__name__)
        return
    stream = EventStream(
        dispatcher=EventDispatcher(app=parts.app, hostname=options.hostname, buffer_group=("task",), broker=broker),
        place=place,
        held=lambda: [*controls.reserved(), *(running.job for running in place.running())],
        counts=controls.counts,
        interval=_interval(options, broker),
        accept=parts.accept,
        clock=parts.clock,
    )
    station.stream = stream
    station.outbox.tell = stream.tell
    station.intake.received = stream.received
    station.gate.events = options.task_events
    stream.start()


def _interval(options: WorkerOptions, broker: object) -> Callable[[], float] | None:
    """Return what tells the seconds between two heartbeats: what was configured, or longer the more workers there are."""
    if options.without_heartbeat:
        return None
    if options.heartbeat_interval:
        return lambda: options.heartbeat_interval or INTERVAL
    return lambda: max(INTERVAL, broker.crowd / TOGETHER) if isinstance(broker, Leases) else INTERVAL


def _scale(scaler: Autoscaler, place: Place, station: Station, parts: Parts) -> None:
    size, busy = place.size, place.busy
    waits = busy >= size and (place.waits or _backlog(station))
    wanted = scaler.wanted(size, busy, waits, parts.clock.monotonic())
    if wanted != size:
        logger.info("Scaling %s the pool from %d to %d.", "up" if wanted > size else "down", size, wanted)
        place.resize(wanted)


def _backlog(station: Station) -> bool:
    """Whether messages that are due wait in the broker."""
    broker: object = station.broker
    queues = station.intake.queues
    depth = sum(station.broker.depth(queue) for queue in queues)
    if not depth or not isinstance(broker, ShowsDelayed):
        return depth > 0
    return depth > len(broker.delayed(queues, limit=min(depth, _MOST_DELAYED)))
