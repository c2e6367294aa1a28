"""What has to hold: a table of bars, checked on the medians of one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Medians = Mapping[tuple[str, str], float]
"""(measurement, system) -> compared figure."""


OTHERS = ("huey", "dramatiq", "taskiq", "streaq", "arq", "saq")


@dataclass(frozen=True)
class Bar:
    """One promise; ``value`` returns None when the run did not measure what it needs."""

    text: str
    value: Callable[[Medians], float | None]
    holds: Callable[[float], bool]
    unit: str = ""


def _ours(measurement: str) -> Callable[[Medians], float | None]:
    return lambda medians: medians.get((measurement, "celeriac"))


def _times(measurement: str, peer: str) -> Callable[[Medians], float | None]:
    def ratio(medians: Medians) -> float | None:
        ours, theirs = medians.get((measurement, "celeriac")), medians.get((measurement, peer))
        return ours / theirs if ours and theirs else None

    return ratio


def _best(measurement: str, *peers: str) -> Callable[[Medians], float | None]:
    """Ours against the fastest of these."""

    def ratio(medians: Medians) -> float | None:
        ours, theirs = medians.get((measurement, "celeriac")), [medians[measurement, peer] for peer in peers if (measurement, peer) in medians]
        return ours / max(theirs) if ours and theirs else None

    return ratio


BARS = [
    Bar("drain: at least 30 x Celery", _times("drain", "Celery"), lambda x: x >= 30, "x"),
    Bar("drain: at least 3 x huey", _times("drain", "huey"), lambda x: x >= 3, "x"),
    Bar("drain, in-memory solo: at least 40,000 tasks/s", _ours("memory"), lambda x: x >= 40_000, "/s"),
    Bar("round trip: p50 under 6 ms", _ours("latency"), lambda x: x < 6, "ms"),
    Bar("idle worker: under 1 % of a core", _ours("idle"), lambda x: x < 1, "%"),
    Bar("worker's start to first task: under 0.5 s", _ours("start"), lambda x: x < 0.5, "s"),
    Bar("import: under 80 ms", _ours("import"), lambda x: x < 80, "ms"),
    Bar("Redis, drain: at least 25 x Celery", _times("redis.drain", "Celery"), lambda x: x >= 25, "x"),
    Bar("Redis, drain: at least 25,000 tasks/s", _ours("redis.drain"), lambda x: x >= 25_000, "/s"),
    Bar("Redis, drain: at least 5 x the fastest other", _best("redis.drain", *OTHERS), lambda x: x >= 5, "x"),
    Bar("Redis, drain: at most 5 commands a task", _ours("redis.commands"), lambda x: x <= 5),
    Bar("Redis, drain: at most 0.05 round trips a task", _ours("redis.reads"), lambda x: x <= 0.05),
    Bar("Redis, drain, solo: at least 20 x Celery", _times("redis.solo", "Celery"), lambda x: x >= 20, "x"),
    Bar("Redis, tasks of 1 ms: at least 95 % of the ideal", _ours("redis.busy"), lambda x: x >= 95, "%"),
    Bar("Redis, delay(): at least 3 x Celery", _times("redis.enqueue", "Celery"), lambda x: x >= 3, "x"),
    Bar("Redis, group of 10,000: at least 15 x Celery", _times("redis.bulk", "Celery"), lambda x: x >= 15, "x"),
    Bar("Redis, round trip: p50 under 0.7 ms", _ours("redis.latency"), lambda x: x < 0.7, "ms"),
    Bar("Redis, idle worker: under 0.3 % of a core", _ours("redis.idle"), lambda x: x < 0.3, "%"),
    Bar("Redis, idle worker: at most 4 connections", _ours("redis.connections"), lambda x: x <= 4),
    Bar("Redis, idle worker: at most 1 command a second", _ours("redis.chatter"), lambda x: x <= 1, "/s"),
    Bar("Redis, idle worker: less memory than Celery's 92 MB", _ours("redis.pss"), lambda x: x < 92, "MB"),
    Bar("RabbitMQ, results in Redis, drain: at least 4 x Celery", _times("rabbitmq.drain", "Celery"), lambda x: x >= 4, "x"),
    Bar("RabbitMQ, results in Redis, drain: at least 2 x dramatiq", _times("rabbitmq.drain", "dramatiq"), lambda x: x >= 2, "x"),
    Bar("RabbitMQ, rpc, drain: at least 4 x Celery", _times("rpc.drain", "Celery"), lambda x: x >= 4, "x"),
    Bar("RabbitMQ, results ignored, drain: at least 4 x Celery", _times("ignored.drain", "Celery"), lambda x: x >= 4, "x"),
    Bar("RabbitMQ, results ignored, drain: at least 2 x dramatiq", _times("ignored.drain", "dramatiq"), lambda x: x >= 2, "x"),
    Bar("RabbitMQ, 10,000 in one call: at least 2 x Celery", _times("rabbitmq.bulk", "Celery"), lambda x: x >= 2, "x"),
    Bar("RabbitMQ, delay(): 80 % of bare calls with confirms", _times("rabbitmq.enqueue", "bare confirms"), lambda x: x >= 0.8, "x"),
    Bar("RabbitMQ, rpc, round trip: under half of Celery's", _times("rpc.latency", "Celery"), lambda x: x < 0.5, "x"),
    Bar("RabbitMQ, round trip: under dramatiq's", _times("rabbitmq.latency", "dramatiq"), lambda x: x < 1, "x"),
]
