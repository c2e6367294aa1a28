"""Task messages for unit tests of code that reads them, and a mock that is a context manager."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest.mock import MagicMock, Mock

from celeriac.lib.ids import uuid
from celeriac.model.task_message import TaskMessage as Call
from celeriac.wire.task import encode_task


def TaskMessage(
    name: str,
    id: str | None = None,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    callbacks: Any = None,
    errbacks: Any = None,
    chain: Any = None,
    shadow: str | None = None,
    utc: bool | None = None,
    **options: Any,
) -> Any:
    """Return a mock of a message of protocol 2: ``headers``, ``properties``, ``body``, ``content_type``, ``content_encoding``, ``payload``."""
    return _message(2, name, id, args, kwargs, callbacks=callbacks, errbacks=errbacks, chain=chain, shadow=shadow, **options)


def TaskMessage1(
    name: str,
    id: str | None = None,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    callbacks: Any = None,
    errbacks: Any = None,
    chain: Any = None,
    **options: Any,
) -> Any:
    """As ``TaskMessage``, of protocol 1."""
    return _message(1, name, id, args, kwargs, callbacks=callbacks, errbacks=errbacks, chain=chain, **options)


def task_message_from_sig(app: Any, sig: Any, utc: bool = True, TaskMessage: Callable[..., Any] = TaskMessage) -> Any:
    """Return the message that calling a signature would send; ``TaskMessage`` makes it."""
    call = sig.clone()
    options = dict(call.options)
    link, link_error = options.pop("link", None), options.pop("link_error", None)
    return TaskMessage(call.task, options.pop("task_id", None), call.args, call.kwargs, link, link_error, utc=utc)


class ContextMock(MagicMock):
    """A mock whose ``with`` block is given the mock itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.__enter__.return_value = self
        self.__exit__.return_value = False

    def _get_child_mock(self, /, **kwargs: Any) -> MagicMock:
        return MagicMock(**kwargs)


def _message(protocol: int, name: str, id: str | None, args: Sequence[Any], kwargs: Mapping[str, Any] | None, **fields: Any) -> Any:
    known = {key: value for key, value in fields.items() if key in Call.__struct_fields__}
    plain = {key: [dict(each) for each in _listed(value)] or None for key, value in known.items() if key in ("callbacks", "errbacks", "chain")}
    call = Call(name, id or uuid(), tuple(args), dict(kwargs or {}), **{**known, **plain})
    headers = {key: value for key, value in fields.items() if key not in known and key != "utc"}
    envelope = encode_task(call, protocol=protocol, serializer="json")
    message = Mock(name=f"TaskMessage-{call.id}")
    message.headers = {**envelope.headers, **headers} if protocol > 1 else headers
    message.properties = dict(envelope.properties)
    message.body, message.content_type, message.content_encoding = envelope.body, envelope.content_type, envelope.content_encoding
    message.payload = (call.args, call.kwargs, {key: fields.get(key) for key in ("callbacks", "errbacks", "chain", "chord")})
    return message


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
