"""Settings that are each possible but make no sense together. One function each, listed in ``CHECKS``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from celeriac.config import contradictions_broker as broker
from celeriac.config import contradictions_messages as messages
from celeriac.config import contradictions_worker as worker
from celeriac.config.problem import Problem
from celeriac.config.settings import Settings

Check = Callable[[Settings], Problem | None]

CHECKS: tuple[Check, ...] = (
    messages.unknown_time_zone,
    broker.visibility_shorter_than_tasks,
    broker.visibility_without_use,
    broker.transport_option_misspelt,
    broker.transport_option_without_use,
    worker.soft_limit_after_hard,
    worker.limits_in_a_pool_without_processes,
    worker.concurrency_in_solo,
    worker.early_ack_with_late_rules,
    worker.deduplication_without_means,
    broker.results_kept_nowhere,
    broker.priority_without_queue,
    broker.priority_without_steps,
    messages.serializer_not_accepted,
    messages.result_serializer_not_accepted,
    messages.serializer_misspelt,
    messages.signing_without_keys,
    messages.default_queue_missing,
    messages.route_to_missing_queue,
    broker.settings_of_another_store,
    broker.broker_named_twice,
    broker.retry_policy_without_retry,
    broker.retry_policy_misspelt,
    broker.connection_retries_without_retry,
    worker.soft_shutdown_longer_than_warm,
)


def found(settings: Settings) -> Iterator[Problem]:
    """Name every contradiction there is."""
    for check in CHECKS:
        problem = check(settings)
        if problem is not None:
            yield problem
    yield from messages.entries(settings)
