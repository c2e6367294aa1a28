from __future__ import annotations

import pytest

from celeriac.drivers.redis.eviction import of_policy


@pytest.mark.parametrize("policy", ["", "noeviction"])
def test_a_server_that_keeps_everything_is_fine(policy: str) -> None:
    assert of_policy(policy, "1000", "here") is None


@pytest.mark.parametrize(
    ("policy", "most", "told"),
    [
        ("allkeys-lru", "1000", "when its memory is full it throws away queues with all their messages"),
        ("volatile-ttl", "1000", "when its memory is full it throws away results"),
        ("allkeys-lfu", "0", "once maxmemory is set and reached it throws away queues"),
    ],
)
def test_one_that_throws_away_is_told_of(policy: str, most: str, told: str) -> None:
    assert told in str(of_policy(policy, most, "here"))
