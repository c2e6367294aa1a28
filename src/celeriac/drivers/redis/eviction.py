"""What a server does when its memory is full: throw keys away, which may be queues."""

from __future__ import annotations

from celeriac.drivers.redis.server import Server
from celeriac.model.errors import ImproperlyConfigured, OperationalError


def advice(server: Server) -> str | None:
    """Return what is wrong with a server's eviction policy, if anything is; None too when the server does not tell."""
    try:
        lines = server.one("INFO", "memory").decode("utf-8", "replace").splitlines()
    except (ImproperlyConfigured, OperationalError):
        # An ACL may keep INFO from us, which is no reason not to work.
        return None
    told = dict(line.partition(":")[::2] for line in lines)
    return of_policy(told.get("maxmemory_policy", ""), told.get("maxmemory", "0"), server.where)


def of_policy(policy: str, most: str, where: str) -> str | None:
    """Return what is wrong with a policy (and a maxmemory, in bytes; 0 is no limit)."""
    if policy in ("", "noeviction"):
        return None
    lost = "queues with all their messages, and results" if policy.startswith("allkeys") else "results and leases before their time"
    when = "once maxmemory is set and reached" if most in ("", "0") else "when its memory is full"
    return f"Redis at {where} has the maxmemory-policy {policy}: {when} it throws away {lost}. Set it to noeviction"
