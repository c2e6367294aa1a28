"""Instants as messages carry them: ISO 8601 text."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from celeriac.model.errors import InvalidTaskError


def format_time(epoch: float) -> str:
    """Return seconds since the epoch as text with the offset +00:00."""
    return datetime.fromtimestamp(epoch, UTC).isoformat()


def parse_time(text: str | float | datetime, *, naive: tzinfo | None = UTC) -> float:
    """Return the seconds since the epoch that a text, a datetime or a number stands for; one without an offset is in ``naive`` (None: local time).

    Raises InvalidTaskError when it is no instant.
    """
    if isinstance(text, (int, float)):
        return float(text)
    try:
        when = text if isinstance(text, datetime) else datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=naive)).timestamp()
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise InvalidTaskError(f"{text!r} is not an instant in ISO 8601, such as '2030-01-31T12:00:00+00:00'.") from error
