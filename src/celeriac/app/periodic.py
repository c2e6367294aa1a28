"""What ``add_periodic_task`` writes into the setting ``beat_schedule``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from celeriac.canvas import signature

ENTRY_OPTIONS = ("relative", "timezone", "start", "end", "jitter", "misfire", "max_lateness", "enabled", "one_off")
"""Keys of an entry; everything else is an option of ``apply_async``."""


def periodic_entry(
    app: Any, schedule: Any, sig: Any, args: Iterable[Any] | None, kwargs: Mapping[str, Any] | None, name: str | None, options: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the name and the entry of a task, signature or name of a task."""
    call: Any = sig if isinstance(sig, dict) else signature(sig if isinstance(sig, str) else sig.name, app=app)
    if args or kwargs:
        call = call.clone(args, kwargs)
    own = {key: options.pop(key) for key in ENTRY_OPTIONS if key in options}
    key = name or repr(call)
    entry = {"name": key, "task": call.name, "schedule": schedule, "args": tuple(call.args), "kwargs": dict(call.kwargs)}
    return key, {**entry, "options": {**call.options, **options}, **own}
