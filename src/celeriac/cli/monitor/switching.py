"""Events of tasks are off unless somebody wants them: the monitor turns them on, and off again where it was the one who did."""

from __future__ import annotations

from typing import Any

from celeriac.model.errors import OperationalError

_PATIENCE = 1.0
_CHANGED = "task events enabled"
"""What a worker answers that sent none before; others say that they are enabled already."""


class EventsSwitch:
    """Remembers in which workers this monitor has turned events on."""

    def __init__(self, control: Any) -> None:
        self._control = control
        self._ours: set[str] = set()

    @property
    def ours(self) -> list[str]:
        """The workers that send events because of this monitor."""
        return sorted(self._ours)

    def on(self) -> list[str]:
        """Turn events on everywhere; return in which workers that is a change."""
        try:
            replies = self._control.enable_events(reply=True, timeout=_PATIENCE) or []
        except OperationalError:
            return []
        changed = {node for reply in replies for node, answer in reply.items() if isinstance(answer, dict) and answer.get("ok") == _CHANGED}
        self._ours |= changed
        return sorted(changed)

    def off(self) -> list[str]:
        """Turn events off where they were turned on; return the workers that confirmed it. OperationalError when the broker is away."""
        if not self._ours:
            return []
        replies = self._control.disable_events(destination=self.ours, reply=True, timeout=_PATIENCE) or []
        self._ours.clear()
        return sorted(node for reply in replies for node in reply)
