"""What the server says, in our words."""

from __future__ import annotations

import re

from celeriac.model.errors import ImproperlyConfigured, OperationalError

NOT_FOUND, ACCESS_REFUSED, LOCKED, PRECONDITION = 404, 403, 405, 406

_DIFFERS = re.compile(
    r"inequivalent arg '(?P<name>[^']*)' for (?P<what>queue|exchange) '(?P<where>.*?)' in vhost '.*': (?P<how>received .*)", re.DOTALL
)

_REMEDIES = {
    402: "the virtual host of the URL does not exist, or this user may not use it",
    ACCESS_REFUSED: "this user lacks the permission (rabbitmqctl set_permissions)",
    LOCKED: "another connection has this queue for itself (exclusive)",
    530: "the virtual host of the URL does not exist, or this user may not use it",
}


class ChannelClosed(OperationalError):
    """The server closed a channel; ``code`` is its reply code."""

    def __init__(self, code: int, text: str, where: str) -> None:
        super().__init__(f"RabbitMQ at {where} closed the channel: {text} ({code})")
        self.code = code
        self.text = text
        self.where = where


def of_closed(error: ChannelClosed) -> Exception:
    """Return the error that stands for a channel that was closed because of what was asked on it."""
    if error.code == PRECONDITION:
        return ImproperlyConfigured(_difference(error))
    if error.code in _REMEDIES:
        return ImproperlyConfigured(f"RabbitMQ at {error.where} refused: {error.text}: {_REMEDIES[error.code]}")
    if error.code in (503, 540, 541, 502, 501, 505):
        return ImproperlyConfigured(f"RabbitMQ at {error.where} refused: {error.text}")
    return error


def _difference(error: ChannelClosed) -> str:
    found = _DIFFERS.search(error.text)
    if found is None:
        return f"RabbitMQ at {error.where} refused: {error.text}"
    name, what, where = found["name"], found["what"], found["where"]
    return (
        f"The {what} {where!r} on RabbitMQ at {error.where} was declared before with another {name!r}: {found['how']}. "
        f"Make the settings say what the server has, or delete the {what} there and let it be declared anew"
    )


def of_connection(error: BaseException, where: str) -> OperationalError:
    """Return the error that stands for a connection that could not be made or was cut."""
    return OperationalError(f"RabbitMQ at {where} cannot be reached: {str(error) or type(error).__name__}")


def of_closing(code: int, text: str, where: str) -> Exception:
    """Return the error that stands for a connection that the server closed."""
    if code in _REMEDIES:
        return ImproperlyConfigured(f"RabbitMQ at {where} refused: {text}: {_REMEDIES[code]}")
    return OperationalError(f"RabbitMQ at {where} closed the connection: {text} ({code})")
