"""Every option of a call, merged in one place."""

from __future__ import annotations

from typing import Any

from celeriac.lib.value import Value


class SendOptions(Value, frozen=True):
    """How a message is sent: what is not part of the task message itself.

    ``due`` is the eta in epoch seconds. ``queue`` is a name; ``exchange`` and ``routing_key`` are what the call asked for and may be None,
    then routing decides. ``publish_timeout`` and ``retry_policy`` bound the sending (seconds). ``transactional`` says whether the message goes
    with the caller's database transaction; None leaves it to the settings.
    """

    queue: str | None = None
    exchange: str | None = None
    exchange_type: str | None = None
    routing_key: str | None = None
    priority: int | None = None
    serializer: str | None = None
    compression: str | None = None
    delivery_mode: int | None = None
    expiration: float | None = None
    due: float | None = None
    retry: bool | None = None
    retry_policy: dict[str, Any] | None = None
    properties: dict[str, Any] = {}
    transactional: bool | None = None

    def over(self, other: "SendOptions") -> "SendOptions":
        """Return these options, with ``other``'s where these say nothing."""
        changes = {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}
        changes["properties"] = {**other.properties, **self.properties}
        return other.replace(**changes)
