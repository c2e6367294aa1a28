"""What this process has used of the machine, where the platform tells."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = (
    *("utime", "stime", "maxrss", "ixrss", "idrss", "isrss", "minflt", "majflt", "nswap"),
    *("inblock", "oublock", "msgsnd", "msgrcv", "nsignals", "nvcsw", "nivcsw"),
)


def resource_usage() -> dict[str, float]:
    """Return the numbers of getrusage(2) by name; none where there is no such call."""
    try:
        resource = import_module("resource")
    except ImportError:
        return {}
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {name: getattr(usage, f"ru_{name}") for name in NAMES}


def peak_memory() -> float:
    """Return the most resident memory that this process has had, in KiB; 0 where the platform does not tell."""
    peak = resource_usage().get("maxrss", 0.0)
    return peak / 1024 if sys.platform == "darwin" else peak
